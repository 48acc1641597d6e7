/// What a session needs of the connection that it is attached to.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <weir/model/message.hpp>
#include <weir/model/reason.hpp>

namespace weir::broker {

/// One copy of a message on its way to a subscriber.
struct Delivery {
    const model::MessagePtr& message;
    model::Qos qos;
    bool retain;                                      ///< As the subscriber is to see it.
    bool duplicate;                                   ///< Sent before on an earlier connection.
    std::uint16_t packet_id;                          ///< 0 at QoS 0.
    std::span<const std::uint32_t> subscription_ids;  ///< MQTT 5; may be empty.
    std::uint8_t attempts = 0;  ///< Earlier ones that failed. 0 after a restart.
};

/// Where a connection comes from and what it speaks, for people. Views that are good for the moment.
struct PeerInfo {
    std::string_view protocol = {};  ///< "mqtt 5".
    std::string_view listener = {};
    std::string_view address = {};   ///< Without port; what a trusted proxy said, if one did.
    bool encrypted = false;
};

/// Implemented by endpoints. Called on the session's shard; no call may reach back into the broker before it returned.
class Subscriber {
public:
    virtual ~Subscriber() = default;

    /// True if the connection can take one more message of this QoS now (bytes not yet sent, credit of the peer).
    [[nodiscard]] virtual bool ready(model::Qos qos) const noexcept = 0;
    /// True if messages at QoS 0 wait in the session while the peer is not ready, instead of being dropped.
    [[nodiscard]] virtual bool queues_at_most_once() const noexcept { return false; }
    virtual void deliver(const Delivery& delivery) noexcept = 0;
    /// QoS 2: the peer has the message; tells it to forget the packet id. [MQTT5-4.3.3-4]
    virtual void release(std::uint16_t packet_id) noexcept = 0;
    [[nodiscard]] virtual PeerInfo peer() const noexcept { return {}; }
    /// The session is no longer this connection's. The connection closes itself soon and need not tell the broker.
    virtual void end(model::Reason reason) noexcept = 0;
};

}  // namespace weir::broker
