/// What a connection tells the one who serves it.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::amqp {

/// Names an object of one connection. An id may outlive its object: it then names nothing.
template <class Tag>
struct Handle {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;  ///< 0: no object.

    [[nodiscard]] explicit operator bool() const noexcept { return generation != 0; }
    /// For use as a key.
    [[nodiscard]] std::uint64_t number() const noexcept {
        return (std::uint64_t{generation} << 32U) | slot;
    }
    friend auto operator<=>(const Handle&, const Handle&) = default;
};

using LinkId = Handle<struct LinkTag>;
using DeliveryId = Handle<struct DeliveryTag>;

enum class SaslMechanism : std::uint8_t { anonymous, plain, external };

/// The peer's credentials. Views are valid during the call only; the password is wiped after it.
struct SaslInit {
    SaslMechanism mechanism = SaslMechanism::anonymous;
    std::string_view authzid = {};   ///< The identity that the peer wants to act as; usually empty.
    std::string_view username = {};  ///< PLAIN only.
    ByteView password = {};          ///< PLAIN only.
};

/// A condition and a text for people, both empty if none was given.
struct Error {
    std::string_view condition = {};
    std::string_view text = {};
};

struct PropertyText {
    std::string_view key = {};
    std::string_view value = {};
};

/// The peer's Open. [AMQP-2.7.1]
struct Open {
    std::string_view container_id = {};
    std::string_view hostname = {};
    bool authenticated = false;         ///< A SASL exchange came first and succeeded.
    std::uint32_t idle_timeout_ms = 0;  ///< Asked of us; 0: nothing. Below 1 s is refused before.
    std::span<const PropertyText> properties = {};  ///< Those whose values are texts.
};

/// The link's direction as the peer sees it.
enum class Role : std::uint8_t {
    sender,    ///< The peer sends, we receive.
    receiver,  ///< The peer receives, we send.
};

enum class SenderSettleMode : std::uint8_t { unsettled, settled, mixed };
enum class ReceiverSettleMode : std::uint8_t { first, second };
enum class Durability : std::uint8_t { none, configuration, unsettled_state };
enum class ExpiryPolicy : std::uint8_t { link_detach, session_end, connection_close, never };

/// A filter of a source. [AMQP-3.5.8]
struct Filter {
    std::string_view name = {};        ///< Key in the filter set.
    std::string_view descriptor = {};  ///< Empty if the descriptor is a number.
    std::uint64_t code = 0;            ///< Numeric descriptor, or 0.
    std::string_view value = {};       ///< Its text, empty for filters without one.
};

/// The peer's Attach: the terminus of ours that it wants, i.e. its target if it sends, its source
/// if it receives.
struct Attach {
    LinkId link = {};
    Role role = Role::sender;
    std::string_view name = {};
    /// The terminus itself is null: a question for what the link name stands for.
    bool null_terminus = false;
    /// Empty: none given, which for a sender is the anonymous terminus.
    std::string_view address = {};
    bool dynamic = false;  ///< A node shall be made for the link.
    Durability durability = Durability::none;
    ExpiryPolicy expiry = ExpiryPolicy::session_end;
    std::uint32_t timeout_s = 0;  ///< How long the terminus is kept after `expiry` happened.
    bool copy = false;            ///< distribution-mode copy: browse.
    SenderSettleMode sender_settle_mode = SenderSettleMode::mixed;
    ReceiverSettleMode receiver_settle_mode = ReceiverSettleMode::first;
    std::span<const std::string_view> capabilities = {};
    std::span<const Filter> filters = {};
};

enum class DetachCause : std::uint8_t {
    detached,  ///< The peer may come back to a durable terminus.
    closed,    ///< The peer wants the terminus removed.
    session_ended,
    refused,  ///< We ended it because the peer broke a rule; `error` says which.
};

struct Detach {
    DetachCause cause = DetachCause::detached;
    Error error = {};
};

/// A complete message from the peer.
struct Transfer {
    LinkId link = {};
    DeliveryId delivery = {};  ///< For settle(); none if the peer has settled it already.
    ByteView message = {};     ///< All sections, encoded. Valid during the call.
};

enum class OutcomeKind : std::uint8_t { accepted, rejected, released, modified };

/// How a delivery ended. [AMQP-3.4]
struct Outcome {
    OutcomeKind kind = OutcomeKind::accepted;
    Error error = {};                 ///< rejected only.
    bool failed = false;              ///< modified: counts as a delivery attempt.
    bool undeliverable_here = false;  ///< modified: not to this link again.
};

/// Receives what a ServerConnection finds in process(), on the same thread. Each call may use the
/// connection, but for feed, eof, process, output, output_done and tick, and may not destroy it.
class Events {
public:
    virtual ~Events() = default;

    /// Answer with sasl_outcome(), now or later; until then feed() takes no bytes.
    virtual void on_sasl(const SaslInit& init) noexcept = 0;
    /// Answer with accept_open() or close(), now or later; until then feed() takes no bytes.
    virtual void on_open(const Open& open) noexcept = 0;
    /// Answer with accept_attach() or detach(), now or later.
    virtual void on_attach(const Attach& attach) noexcept = 0;
    /// The link is gone, and with it every unsettled delivery of it.
    virtual void on_detach(LinkId link, const Detach& detach) noexcept = 0;
    virtual void on_transfer(const Transfer& transfer) noexcept = 0;
    /// The peer has changed the credit of a link that we send on. With `drain`, call drained() once
    /// nothing more is ready to be sent.
    virtual void on_credit(LinkId link, std::uint32_t credit, bool drain) noexcept = 0;
    /// The peer has decided about a delivery of ours, which is settled with that.
    virtual void on_disposition(
        LinkId link, DeliveryId delivery, const Outcome& outcome
    ) noexcept = 0;
    /// The peer closed, or broke the protocol. Comes once and last; not after the caller's own
    /// close(). No on_detach comes for the links that were left.
    virtual void on_close(const Error& error) noexcept = 0;
};

}  // namespace weir::amqp
