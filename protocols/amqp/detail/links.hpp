/// The links of a connection and their deliveries: credit, whole messages in, messages out,
/// outcomes both ways.
#pragma once

#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/session.h>

#include <optional>

#include <weir/amqp/error.hpp>
#include <weir/amqp/server_connection.hpp>

#include "slots.hpp"

namespace weir::amqp::detail {

/// Proton's objects live until they are freed: a link is freed when the peer has detached it, a
/// delivery when it is settled. Ids handed out die earlier, when either side ends the link.
class Links {
public:
    explicit Links(const Settings& settings) noexcept : settings_{settings} {}

    // What the peer does.

    void attached(pn_link_t* link, Events& events);
    /// `closed`: Detach with closed=true.
    void detached(pn_link_t* link, bool closed, Events& events);
    void session_ended(pn_session_t* session, Events& events);
    void flow(pn_link_t* link, Events& events);
    /// @return Why the connection is to end.
    [[nodiscard]] std::optional<Error> delivery(pn_delivery_t* delivery, Events& events);
    /// Lets go of what has come on a link whose messages nobody wants.
    void discard(pn_link_t* link) noexcept;

    // What the caller does.

    void accept(LinkId id, const AttachAnswer& answer);
    void detach(LinkId id, Error error);
    /// The connection ends: all ids die, and nothing more is told.
    void forget_all();
    void set_flow(LinkId id, bool open) noexcept;
    void settle(DeliveryId id, const Outcome& outcome);
    [[nodiscard]] Result<DeliveryId> send(LinkId id, ByteView head, ByteView body, bool settled);
    [[nodiscard]] std::uint32_t credit(LinkId id) const noexcept;
    [[nodiscard]] std::uint32_t sendable(LinkId id) const noexcept;
    void drained(LinkId id) noexcept;

private:
    struct Link {
        pn_link_t* link = nullptr;
        Bytes partial = {};  ///< What has come of an incomplete message.
        std::uint64_t next_tag = 0;
        std::uint32_t unsettled = 0;  ///< Deliveries without outcome, in the link's one direction.
        bool answered = false;        ///< The Attach is accepted.
        bool flow_open = false;
    };
    struct Delivery {
        pn_delivery_t* delivery = nullptr;
        LinkId link = {};
    };

    [[nodiscard]] LinkId id_of(pn_link_t* link) const noexcept;
    /// An accepted link on which the peer sends, or null.
    [[nodiscard]] Link* find_incoming(LinkId id) noexcept;
    /// An accepted link on which the peer receives, or null.
    [[nodiscard]] Link* find_outgoing(LinkId id) noexcept;
    void replenish(Link& link) noexcept;
    /// Forgets a link on our side; the engine's objects stay.
    void forget(LinkId id);
    void refuse(LinkId id, Error error, Events& events);
    /// Takes what has come of the current delivery. True if the message is complete, and may be
    /// handed on.
    [[nodiscard]] bool assemble(LinkId id, pn_delivery_t* delivery, Events& events);
    void hand_on(LinkId id, pn_delivery_t* delivery, Events& events);
    void receive(pn_link_t* link, Events& events);
    void outcome(pn_delivery_t* delivery, Events& events);

    const Settings& settings_;
    Slots<LinkId, Link> links_;
    Slots<DeliveryId, Delivery> deliveries_;
    std::size_t assembling_bytes_ = 0;
};

}  // namespace weir::amqp::detail
