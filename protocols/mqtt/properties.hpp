/// MQTT 5 properties: one table drives parsing, writing, where each may stand and how often.
/// [MQTT5-2.2.2]
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/error.hpp>
#include <weir/mqtt/packet_type.hpp>

namespace weir::mqtt {

enum class PropertyId : std::uint8_t {
    payload_format_indicator = 0x01,
    message_expiry_interval = 0x02,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    subscription_identifier = 0x0B,
    session_expiry_interval = 0x11,
    assigned_client_identifier = 0x12,
    server_keep_alive = 0x13,
    authentication_method = 0x15,
    authentication_data = 0x16,
    request_problem_information = 0x17,
    will_delay_interval = 0x18,
    request_response_information = 0x19,
    response_information = 0x1A,
    server_reference = 0x1C,
    reason_string = 0x1F,
    receive_maximum = 0x21,
    topic_alias_maximum = 0x22,
    topic_alias = 0x23,
    maximum_qos = 0x24,
    retain_available = 0x25,
    user_property = 0x26,
    maximum_packet_size = 0x27,
    wildcard_subscription_available = 0x28,
    subscription_identifier_available = 0x29,
    shared_subscription_available = 0x2A,
};

enum class PropertyType : std::uint8_t {
    byte,
    two_bytes,
    four_bytes,
    varint,
    text,
    topic,
    binary,
    text_pair
};

struct PropertyInfo {
    PropertyId id;
    std::string_view name;
    PropertyType type;
    ContextMask packets;     ///< Where it may stand.
    ContextMask repeatable;  ///< Where it may stand more than once.
    std::uint32_t min;       ///< Range of a number.
    std::uint32_t max;
    bool end_to_end;  ///< Goes from the publisher to the subscribers unchanged.
};

/// The row of an identifier, or nullptr for a number that the specification does not define.
[[nodiscard]] const PropertyInfo* find_property(std::uint32_t id) noexcept;

/// One property; which members hold the value follows from its type.
struct Property {
    PropertyId id;
    std::uint32_t number = 0;     ///< Of the four number types.
    std::string_view name = {};   ///< Of a user property.
    std::string_view value = {};  ///< Text or binary.

    [[nodiscard]] ByteView binary() const noexcept { return as_bytes(value); }
};

/// Reads a property whose bytes are known to be valid and advances past it.
[[nodiscard]] Property take_valid_property(ByteView& in) noexcept;

/// Properties in the order in which they came: a view of validated bytes, without the length in
/// front.
class Properties {
public:
    class Iterator {
    public:
        using value_type = Property;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(ByteView rest) noexcept : rest_{rest} {}
        [[nodiscard]] Property operator*() const noexcept {
            ByteView copy = rest_;
            return take_valid_property(copy);
        }
        Iterator& operator++() noexcept {
            static_cast<void>(take_valid_property(rest_));
            return *this;
        }
        Iterator operator++(int) noexcept {
            Iterator before = *this;
            ++*this;
            return before;
        }
        [[nodiscard]] ByteView rest() const noexcept { return rest_; }
        friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        ByteView rest_;
    };

    Properties() = default;
    /// @param raw What parse_properties accepted, PropertyWriter wrote, or a record kept of either.
    explicit Properties(ByteView raw) noexcept : raw_{raw} {}

    [[nodiscard]] ByteView raw() const noexcept { return raw_; }
    [[nodiscard]] bool empty() const noexcept { return raw_.empty(); }
    [[nodiscard]] Iterator begin() const noexcept { return Iterator{raw_}; }
    [[nodiscard]] Iterator end() const noexcept { return Iterator{raw_.last(0)}; }

    /// The first one with that id. @cost Linear.
    [[nodiscard]] std::optional<Property> find(PropertyId id) const noexcept;
    [[nodiscard]] std::optional<std::uint32_t> number(PropertyId id) const noexcept;
    [[nodiscard]] std::optional<std::string_view> text(PropertyId id) const noexcept;
    [[nodiscard]] std::optional<ByteView> binary(PropertyId id) const noexcept;

private:
    ByteView raw_;
};

/// What a peer may put into one property list, beyond the specification's own rules.
struct PropertyLimits {
    std::uint16_t user_properties = 32;
    std::uint32_t user_property_bytes = 8 * 1024;  ///< Names and values together.
};

/// Reads a property list with its length and advances `in` past it; on error `in` is untouched.
/// @errors malformed_packet: cut short, an id or type error, bad UTF-8, not allowed in `context`.
///         protocol_error: twice what may stand once, or a value out of range.
///         topic_name_invalid: a response topic that is no topic name. topic_alias_invalid: 0.
///         too_many_properties.
[[nodiscard]] Result<Properties> parse_properties(
    ByteView& in, PacketContext context, const PropertyLimits& limits
) noexcept;

/// The properties of a PUBLISH or will that travel end to end: payload format, content type,
/// response topic, correlation data and user properties, in order, as raw bytes. Message expiry is
/// not among them: it counts down.
///
/// @param buffer At least properties.raw().size() bytes.
/// @return A view of `properties` if they stand there in one piece, else of a copy in `buffer`.
[[nodiscard]] ByteView forwardable_properties(
    const Properties& properties, std::span<Byte> buffer
) noexcept;

/// Builds a property list in the caller's memory. What does not fit or is not of the property's
/// type is left out, and ok() turns false.
class PropertyWriter {
public:
    explicit PropertyWriter(std::span<Byte> memory) noexcept : memory_{memory} {}

    PropertyWriter& number(PropertyId id, std::uint32_t value) noexcept;
    PropertyWriter& text(PropertyId id, std::string_view value) noexcept;
    PropertyWriter& binary(PropertyId id, ByteView value) noexcept;
    PropertyWriter& user(std::string_view name, std::string_view value) noexcept;
    PropertyWriter& raw(ByteView properties) noexcept;

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] Properties properties() const noexcept {
        return Properties{memory_.first(size_)};
    }

private:
    [[nodiscard]] Byte* reserve(std::size_t count) noexcept;

    std::span<Byte> memory_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

}  // namespace weir::mqtt
