/// What a connection speaks: one implementation per protocol.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/base/bytes.hpp>
#include <weir/model/reason.hpp>

namespace weir::endpoints {

/// Owned by its Connection, and called on the connection's shard only; the two move together. No call may destroy the
/// connection: closing is asked for with Connection::close and happens when the wake ends.
class Endpoint {
public:
    virtual ~Endpoint() = default;

    /// Bytes of the peer, in order. What is not taken is offered again, with what follows.
    /// @return How many bytes were taken.
    virtual std::size_t on_bytes(ByteView bytes) noexcept = 0;
    /// True while it takes no bytes until Connection::resume: who the peer is, is being found out, or too much that it asked
    /// for waits for other shards.
    [[nodiscard]] virtual bool is_waiting() const noexcept { return false; }
    /// Bytes that came of a packet, frame or request whose rest has not come.
    [[nodiscard]] virtual std::size_t unfinished() const noexcept { return 0; }
    /// The connection came to another shard. The first call there.
    virtual void on_arrival() noexcept {}
    /// The output queue fell below the limit of its backlog.
    virtual void on_writable() noexcept {}
    /// Something that was published on this connection is durable, or was refused by the storage.
    virtual void on_durable(std::uint64_t number, bool stored) noexcept {
        static_cast<void>(number);
        static_cast<void>(stored);
    }
    /// Asked for with Connection::retry_later.
    virtual void on_retry() noexcept {}
    /// Puts the protocol's goodbye, if it has one, into the output queue.
    virtual void say_goodbye(model::Reason reason) noexcept { static_cast<void>(reason); }
    /// The end was asked for (and the goodbye is on its way), or the connection is gone: once, and nothing is called after it.
    /// Lets go of the session.
    virtual void on_ended(model::Reason reason) noexcept { static_cast<void>(reason); }
    /// Name of the protocol for people: "mqtt", "amqp", "http".
    [[nodiscard]] virtual const char* protocol() const noexcept = 0;
};

}  // namespace weir::endpoints
