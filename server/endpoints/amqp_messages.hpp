/// AMQP messages <-> what MQTT 5 knows of a message: the one place where fields are mapped.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/amqp/message_head.hpp>
#include <weir/amqp/sections.hpp>
#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/model/reason.hpp>
#include <weir/mqtt/properties.hpp>

namespace weir::endpoints {

/// Content type of payloads that are encoded AMQP sections, as no other form of them exists.
inline constexpr std::string_view kAmqpSectionsType = "application/vnd.oasis.amqp1";

/// Why a message or link is refused, in words of both sides.
struct AmqpRefusal {
    model::Reason reason = model::Reason::none;
    std::string_view condition = {};
    std::string_view text = {};
};

/// The refusal with the condition and the text of the reason itself.
[[nodiscard]] AmqpRefusal refusal_of(model::Reason reason) noexcept;

/// What a peer's message is besides its topic. Not copyable: it has views of itself.
class AmqpInbound {
public:
    /// Reads the sections of a message.
    ///
    /// @param thing  The authenticated name; a user-id has to be equal to it. [AMQP-3.2.4]
    /// @param now    When a ttl begins.
    /// @return       Why the message is refused; nothing if it is fine.
    [[nodiscard]] std::optional<AmqpRefusal> read(
        const amqp::Sections& sections,
        std::string_view thing,
        const model::Limits& limits,
        WallTime now
    );

    AmqpInbound() = default;
    AmqpInbound(const AmqpInbound&) = delete;
    AmqpInbound& operator=(const AmqpInbound&) = delete;

    /// Valid as long as the message's bytes and this object.
    [[nodiscard]] ByteView payload() const noexcept { return payload_; }
    /// As in model::MessageParts.
    [[nodiscard]] ByteView properties() const noexcept { return properties_.properties().raw(); }
    /// 0: never.
    [[nodiscard]] WallTime expires() const noexcept { return expires_; }

private:
    static constexpr std::size_t kPropertyBytesMax = 16 * 1024;

    void user(std::string_view name, std::string_view value);
    void read_properties(const amqp::Sections& sections);
    [[nodiscard]] bool read_application_properties(
        const amqp::Value& map, const model::Limits& limits
    );

    std::array<Byte, kPropertyBytesMax> memory_;
    mqtt::PropertyWriter properties_{memory_};
    Bytes joined_;  // Of several data sections.
    ByteView payload_;
    WallTime expires_{0};
};

/// A message as a peer is to get it. Not copyable: the head has views of the other members.
class AmqpOutbound {
public:
    /// @param message   Outlives this object.
    /// @param attempts  That failed to deliver it before.
    AmqpOutbound(
        const model::Message& message,
        model::Qos qos,
        bool retain,
        WallTime now,
        std::uint32_t attempts = 0
    );

    AmqpOutbound(const AmqpOutbound&) = delete;
    AmqpOutbound& operator=(const AmqpOutbound&) = delete;

    [[nodiscard]] const amqp::MessageHead& head() const noexcept { return head_; }

private:
    using Pair = std::pair<std::string_view, std::string_view>;

    void add(const mqtt::Property& property);
    void add_user_property(std::string_view name, std::string_view value);
    /// A name that no application property has yet: `KEY`, `KEY#2`, ...
    [[nodiscard]] std::string_view unused(std::string_view name);

    amqp::MessageHead head_;
    std::vector<Pair> user_properties_;
    std::vector<Pair> annotations_;
    std::vector<std::unique_ptr<std::string>> names_;  // Made up; the pairs point to them.
    std::string reply_to_;
};

}  // namespace weir::endpoints
