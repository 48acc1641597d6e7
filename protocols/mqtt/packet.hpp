/// One struct per control packet. [MQTT5-3]
///
/// Decoded packets are views into the bytes they came from and live as long as those. The same
/// structs are what the encoder writes. Members that a version does not have are empty there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include <weir/base/bytes.hpp>
#include <weir/mqtt/packet_type.hpp>
#include <weir/mqtt/properties.hpp>
#include <weir/mqtt/reason_code.hpp>

namespace weir::mqtt {

struct Will {
    std::string_view topic = {};
    ByteView payload = {};
    Properties properties = {};
    Qos qos = Qos::at_most_once;
    bool retain = false;
};

struct Connect {
    Version version = Version::v5;
    bool clean_start = true;  ///< Clean session in 3.1 and 3.1.1.
    std::uint16_t keep_alive_s = 0;
    std::string_view client_id = {};
    std::optional<Will> will = {};
    std::optional<std::string_view> user_name = {};
    std::optional<ByteView> password = {};
    Properties properties = {};
};

struct Connack {
    bool session_present = false;
    ReasonCode reason_code = ReasonCode::success;
    Properties properties = {};
};

/// A PUBLISH as received. What it says about the message is here, what is for the subscribers in
/// `properties`.
struct Publish {
    std::string_view topic = {};  ///< Empty only while an alias stands for it.
    ByteView payload = {};
    Properties properties = {};  ///< All of them; see forwardable_properties().
    std::optional<std::uint32_t> message_expiry_s = {};
    std::uint16_t packet_id = 0;    ///< 0 at QoS 0.
    std::uint16_t topic_alias = 0;  ///< 0: none.
    Qos qos = Qos::at_most_once;
    bool retain = false;
    bool dup = false;
};

/// A PUBLISH to write: the message, and what differs from one subscriber to the next.
struct PublishHeader {
    std::string_view topic = {};    ///< May be empty if topic_alias is known to the receiver.
    std::size_t payload_bytes = 0;  ///< Follows the head, or is sent by reference.
    ByteView properties = {};  ///< The end-to-end ones, as forwardable_properties() gives them.
    std::optional<std::uint32_t> message_expiry_s = {};  ///< What remains of it.
    std::span<const std::uint32_t> subscription_ids = {};
    std::uint16_t packet_id = 0;
    std::uint16_t topic_alias = 0;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    bool dup = false;
};

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
struct Ack {
    PacketType type = PacketType::puback;
    std::uint16_t packet_id = 0;
    ReasonCode reason_code = ReasonCode::success;
    Properties properties = {};
};

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

/// One filter of a SUBSCRIBE.
struct Subscription {
    std::string_view filter = {};  ///< As sent, with `$share/group/` if there is one.
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;
};

/// The filters of a SUBSCRIBE or UNSUBSCRIBE: a view of the validated payload.
template <class Item>
class FilterList {
public:
    class Iterator {
    public:
        using value_type = Item;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(ByteView rest) noexcept : rest_{rest} {}
        [[nodiscard]] Item operator*() const noexcept;
        Iterator& operator++() noexcept {
            rest_ = rest_.subspan(kOverhead + load_be<std::uint16_t>(rest_.data()));
            return *this;
        }
        Iterator operator++(int) noexcept {
            Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        /// The filter's length, and a SUBSCRIBE's options.
        static constexpr std::size_t kOverhead = std::is_same_v<Item, Subscription> ? 3 : 2;

        ByteView rest_;
    };

    FilterList() = default;
    FilterList(ByteView raw, std::size_t count) noexcept : raw_{raw}, count_{count} {}

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] ByteView raw() const noexcept { return raw_; }
    [[nodiscard]] Iterator begin() const noexcept { return Iterator{raw_}; }
    [[nodiscard]] Iterator end() const noexcept { return Iterator{raw_.last(0)}; }

private:
    ByteView raw_;
    std::size_t count_ = 0;
};

template <>
inline Subscription FilterList<Subscription>::Iterator::operator*() const noexcept {
    const std::size_t size = load_be<std::uint16_t>(rest_.data());
    const unsigned options = rest_[2 + size];
    return {
        .filter = as_text(rest_.subspan(2, size)),
        .qos = static_cast<Qos>(options & 3U),
        .no_local = (options & 4U) != 0,
        .retain_as_published = (options & 8U) != 0,
        .retain_handling = static_cast<RetainHandling>((options >> 4U) & 3U),
    };
}

template <>
inline std::string_view FilterList<std::string_view>::Iterator::operator*() const noexcept {
    return as_text(rest_.subspan(2, load_be<std::uint16_t>(rest_.data())));
}

struct Subscribe {
    std::uint16_t packet_id = 0;
    FilterList<Subscription> subscriptions = {};
    Properties properties = {};
};

/// The reason codes of a SUBACK or UNSUBACK, one byte each.
class ReasonCodeList {
public:
    ReasonCodeList() = default;
    explicit ReasonCodeList(ByteView raw) noexcept : raw_{raw} {}

    [[nodiscard]] std::size_t size() const noexcept { return raw_.size(); }
    [[nodiscard]] ByteView raw() const noexcept { return raw_; }
    [[nodiscard]] ReasonCode operator[](std::size_t i) const noexcept {
        return static_cast<ReasonCode>(raw_[i]);
    }

private:
    ByteView raw_;
};

struct Suback {
    std::uint16_t packet_id = 0;
    ReasonCodeList
        reason_codes;  ///< One per filter; every error is written as 0x80 to 3.1 and 3.1.1.
    Properties properties = {};
};

struct Unsubscribe {
    std::uint16_t packet_id = 0;
    FilterList<std::string_view> filters = {};
    Properties properties = {};
};

struct Unsuback {
    std::uint16_t packet_id = 0;
    ReasonCodeList reason_codes = {};  ///< One per filter; not written to 3.1 and 3.1.1.
    Properties properties = {};
};

struct Pingreq {};
struct Pingresp {};

struct Disconnect {
    ReasonCode reason_code = ReasonCode::success;
    Properties properties = {};
};

struct Auth {
    ReasonCode reason_code = ReasonCode::success;
    Properties properties = {};
};

using Packet = std::variant<
    Connect,
    Connack,
    Publish,
    Ack,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth>;

}  // namespace weir::mqtt
