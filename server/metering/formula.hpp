/// What clouds bill for, as pure functions from sizes to amounts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <weir/storage/records.hpp>

namespace weir::metering {

/// max(1, ceil(size / block)): an empty message is one unit.
[[nodiscard]] constexpr std::uint64_t units(std::uint64_t size, std::uint64_t block) noexcept {
    return size == 0 ? 1 : (size - 1) / block + 1;
}

/// Ways of counting, all kept at once. A formula that changes becomes a new scheme.
enum class Scheme : std::uint8_t { aws_2016_512, aws_5k, azure_4k, pubsub_64k };
inline constexpr std::size_t kSchemes = 4;

/// Which bytes a scheme measures.
enum class SizeBasis : std::uint8_t { payload, payload_and_properties, everything };

struct SchemeInfo {
    Scheme scheme;
    std::string_view name;  ///< As in the configuration.
    std::uint64_t block;    ///< Bytes per unit.
    SizeBasis basis;
    bool counts_control;     ///< CONNECT, SUBSCRIBE, the device's PUBACK, HTTP error bodies.
    bool counts_retained;    ///< A retained publish costs its size once more.
    bool counts_stored;      ///< A message stored for an offline session costs once when stored.
    bool basic_ingest_free;  ///< Publishing straight to a rule costs nothing.
};

[[nodiscard]] const SchemeInfo& info(Scheme scheme) noexcept;
[[nodiscard]] std::span<const SchemeInfo> all_schemes() noexcept;
[[nodiscard]] std::optional<Scheme> find_scheme(std::string_view name) noexcept;

/// The counters of a device's hour. Ids are stored: never reused, never reordered.
enum class Counter : std::uint8_t {
    messages_in,
    bytes_in,  ///< Payload, topic and properties.
    messages_out,
    bytes_out,
    messages_stored,  ///< For persistent sessions that were offline.
    messages_retained,
    connects,
    subscribes,  ///< Packets, not filters.
    pubacks_in,
    connected_minutes,  ///< Started minutes per connection.
    rules_triggered,    ///< Units of 5 KiB, as AWS counts them.
    rule_actions,       ///< As above; at least one per triggered rule.
    throttled,          ///< Refusals by a quota.
    units_in,           ///< kSchemes counters from here ...
    units_out = units_in + kSchemes,
    units_control = units_out + kSchemes,
    count_ = units_control + kSchemes,
};
static_assert(static_cast<std::size_t>(Counter::count_) <= storage::kUsageCounters);

[[nodiscard]] constexpr std::size_t index(Counter counter) noexcept {
    return static_cast<std::size_t>(counter);
}
/// Index of a scheme's counter; `base` is units_in, units_out or units_control.
[[nodiscard]] constexpr std::size_t index(Counter base, Scheme scheme) noexcept {
    return static_cast<std::size_t>(base) + static_cast<std::size_t>(scheme);
}

/// Units of a scheme in all three directions.
[[nodiscard]] std::uint64_t total_units(const storage::UsageDelta& sums, Scheme scheme) noexcept;

/// Sizes of one message, in bytes.
struct Traffic {
    std::uint64_t payload_bytes = 0;
    std::uint64_t topic_bytes = 0;
    std::uint64_t property_bytes = 0;  ///< Names and values of user properties, response topic,
                                       ///< correlation data, content type.
    bool retain = false;
    bool basic_ingest = false;
};

/// Accepted from a device; a will counts when it is sent.
[[nodiscard]] storage::UsageDelta publish_in(const Traffic& message) noexcept;
/// One copy handed to a device. Our own redeliveries are not counted.
[[nodiscard]] storage::UsageDelta publish_out(const Traffic& message) noexcept;
/// Of what each message costs: the same, added where the sums are. @cost A few of the counters.
void add_publish_in(storage::UsageDelta& sums, const Traffic& message) noexcept;
void add_publish_out(storage::UsageDelta& sums, const Traffic& message) noexcept;
void add_puback_in(storage::UsageDelta& sums, std::uint64_t bytes) noexcept;
/// One copy kept for an offline session; its later delivery counts as publish_out.
[[nodiscard]] storage::UsageDelta publish_stored(const Traffic& message) noexcept;
/// `bytes`: will topic, will payload and string properties.
[[nodiscard]] storage::UsageDelta connect(std::uint64_t bytes) noexcept;
/// `bytes`: all filters and user properties of the packet.
[[nodiscard]] storage::UsageDelta subscribe(std::uint64_t bytes) noexcept;
/// `bytes`: user properties; 0 before MQTT 5.
[[nodiscard]] storage::UsageDelta puback_in(std::uint64_t bytes) noexcept;
/// An HTTP error reply with a body.
[[nodiscard]] storage::UsageDelta http_error(std::uint64_t body_bytes) noexcept;
/// One rule whose topic matched and whose SQL ran.
[[nodiscard]] storage::UsageDelta rule_run(const Traffic& message, std::uint64_t actions) noexcept;
[[nodiscard]] storage::UsageDelta minutes(std::uint64_t count) noexcept;
[[nodiscard]] storage::UsageDelta throttled() noexcept;

}  // namespace weir::metering
