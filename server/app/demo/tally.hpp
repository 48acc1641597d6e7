/// What a simulated device knows about itself: the other side of the gateway's books.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/mqtt/reason_code.hpp>
#include <weir/storage/records.hpp>

namespace weir::demo {

/// A measured temperature, in tenths of a degree so that it is printed exactly.
struct Reading {
    std::int64_t tenths = 0;
    std::uint64_t sequence = 0;
    std::size_t trace_bytes = 0;  ///< A diagnostic trace sent along; 0: none.

    /// As the rule's WHERE sees it: above 80 degrees.
    [[nodiscard]] constexpr bool is_hot() const noexcept { return tenths > 800; }
};

/// {"temp":80.1,"seq":7}, with a "trace" if there is one.
[[nodiscard]] std::string to_json(const Reading& reading);
/// Swings between 65 and 85 degrees; `device` shifts it, so that devices are hot at different times.
[[nodiscard]] Reading make_reading(std::size_t device, std::uint64_t sequence);

/// A PUBLISH on its way.
struct SentPublish {
    std::size_t topic_bytes = 0;
    std::size_t payload_bytes = 0;
    bool is_hot = false;
};

/// Counts of one device. Plain data.
struct Tally {
    std::string device = {};
    bool online = false;
    std::uint64_t sent = 0;          ///< PUBLISHes.
    std::uint64_t acknowledged = 0;  ///< With success.
    std::uint64_t hot = 0;           ///< Of those, the ones that the rule must have taken.
    std::uint64_t denied = 0;        ///< PUBACK with 0x87.
    std::uint64_t refused = 0;       ///< PUBACK with another error.
    std::uint64_t received = 0;      ///< Commands.
    std::uint64_t failures = 0;      ///< Connections that failed or ended early.
    std::string last_failure = {};
    storage::UsageDelta usage = {};  ///< What the gateway owes an entry for.

    void on_connected();
    void on_subscribed(std::string_view filter);
    void on_acknowledged(const SentPublish& publish, mqtt::ReasonCode reason);
    void on_command(std::size_t topic_bytes, std::size_t payload_bytes, bool with_puback);
    void on_failure(std::string reason);
};

}  // namespace weir::demo
