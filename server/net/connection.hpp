/// The life of a device's connection, but for what its protocol says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <weir/net/send_queue.hpp>
#include <weir/net/shard_io.hpp>
#include <weir/net/transport.hpp>
#include <weir/runtime/poller_epoll.hpp>
#include <weir/runtime/timer_wheel.hpp>

namespace weir::net {

/// Reads in bounded turns, writes once per wake, ends once. Derive a protocol from it.
///
///     attach() -> on_bytes()... -> close() or close_after_flush() -> on_closed()
///                     '-> move_away() -> on_moving() -> (another shard) attach() -> on_bytes()...
///
/// Owned by its shard's table of connections. Everything is called on that shard. A callback may
/// call anything here; it takes effect when the wake ends, so that no object dies below its own
/// frames.
class Connection : private runtime::PollHandler, private runtime::Timer {
public:
    /// Reads per turn; then others are served.
    static constexpr int kReadsPerTurnMax = 4;
    /// How long close_after_flush() waits for the peer: to take the rest, and to close in turn.
    static constexpr std::chrono::milliseconds kLinger{3'000};

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Begins, or goes on after a move. @errors the poller's; then nothing has begun and nothing
    /// will be called.
    [[nodiscard]] Result<> attach(ShardIo& io) noexcept;

    /// What is appended here goes out at the end of the wake; call flush_later() afterwards.
    [[nodiscard]] SendQueue& output() noexcept { return output_; }
    void flush_later() noexcept;

    /// Stops reading, and keeps `rest`: bytes of the current on_bytes() that are not for now.
    void pause(ByteView rest = {}) noexcept;
    /// on_bytes() gets the rest, then what is new.
    void resume() noexcept;
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    /// Calls on_timeout() then. Coarse: seconds.
    void set_deadline(SteadyTime when) noexcept;
    void clear_deadline() noexcept { Timer::disarm(); }

    /// Ends at once; what was not sent is dropped. The first reason counts.
    void close(error_code reason) noexcept;
    /// Sends what is queued, says goodbye, waits for the peer's end. Nothing is read for the
    /// protocol any more.
    void close_after_flush(error_code reason) noexcept;
    [[nodiscard]] bool closing() const noexcept { return state_ >= State::draining; }

    /// Leaves this shard: stops reading, keeps `rest` for the next one, sends what is queued, then
    /// calls on_moving().
    void move_away(ByteView rest) noexcept;

    /// The peer speaks TLS from here on: called before attach(), or in on_bytes() for a listener that looks at the first
    /// bytes. @param received what on_bytes() has that belongs to TLS already.
    void start_tls(const TlsContext& context, ByteView received = {}) noexcept;
    /// The same for WebSocket, in on_bytes() after the answer to the upgrade was appended to output().
    void start_websocket(std::uint64_t message_bytes_max, ByteView received = {}) noexcept;

    /// When the peer last took a part of what is to be sent; zero: nothing waits.
    [[nodiscard]] SteadyTime stalled_since() const noexcept { return stalled_since_; }

    [[nodiscard]] Transport& transport() noexcept { return transport_; }
    [[nodiscard]] const Transport& transport() const noexcept { return transport_; }
    /// The shard's; from on_moving() to attach() still the old one's.
    [[nodiscard]] ShardIo& io() const noexcept { return *io_; }

protected:
    Connection(ShardIo& io, Transport transport, Watermarks marks) noexcept;
    /// Not attached any more: on_closed() or on_moving() came, or attach() failed.
    virtual ~Connection();

    /// Everything that came, in order, in pieces of any size. What is incomplete is the protocol's
    /// to keep.
    virtual void on_bytes(ByteView bytes) noexcept = 0;
    /// The TLS handshake is done: transport().tls() tells with whom.
    virtual void on_secured() noexcept {}
    /// The TLS handshake ended with an error, and the connection is about to: io().tls.rejected() may tell more, now only.
    virtual void on_handshake_failed(const error_code& /*error*/) noexcept {}
    /// The socket takes no more, or has taken a part since: see stalled_since().
    virtual void on_blocked() noexcept {}
    /// The backlog has fallen to the low watermark.
    virtual void on_drained() noexcept {}
    /// The deadline is over. @return a new one to go on; nothing: the deadline is off. Default:
    /// closes.
    virtual std::optional<SteadyTime> on_timeout(SteadyTime now) noexcept;
    /// Over; the socket is closed. The last call: the object may be destroyed in it.
    virtual void on_closed(error_code reason) noexcept = 0;
    /// Ready to go: hand the object to another shard, which calls attach(). The last call on this
    /// one.
    virtual void on_moving() noexcept {}

private:
    enum class State : std::uint8_t {
        detached,
        moved,  ///< Detached, and tied to no shard.
        open,
        moving,     ///< Sends the rest, then moves.
        draining,   ///< Sends the rest, then says goodbye.
        lingering,  ///< Waits for the peer's end.
        closed,     ///< on_closed() is due.
    };

    /// What is needed for a while only: during the handshake, between pause() and resume(), at the end.
    struct Passing : HandshakeLink {
        explicit Passing(Connection& connection) noexcept : owner{connection} {}

        Connection& owner;
        bool in_gate = false;
        Bytes kept;  ///< For on_bytes() before anything new.
        error_code reason;
    };

    void on_ready(runtime::Readiness readiness) noexcept override;
    void on_wake_end() noexcept override;
    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override;

    [[nodiscard]] bool readable() const noexcept { return state_ == State::open && !paused_; }
    [[nodiscard]] Passing& passing() noexcept;
    void keep(ByteView rest) noexcept;
    [[nodiscard]] bool keeps_bytes() const noexcept { return passing_ && !passing_->kept.empty(); }
    [[nodiscard]] error_code reason() const noexcept {
        return passing_ ? passing_->reason : error_code{};
    }
    [[nodiscard]] bool in_gate() const noexcept { return passing_ && passing_->in_gate; }
    void enter_gate() noexcept;
    void leave_gate() noexcept;
    void read() noexcept;
    void read_once() noexcept;
    void deliver(ByteView bytes) noexcept;
    void discard() noexcept;
    void secured() noexcept;
    void handshake_failed(const error_code& error) noexcept;
    void evicted() noexcept;
    void flush() noexcept;
    void flushed() noexcept;
    void detach() noexcept;

    ShardIo* io_;
    runtime::PollKey key_;
    State state_ = State::detached;
    bool paused_ = false;
    bool blocked_ = false;  ///< The socket took no more; wait for the edge.
    Transport transport_;
    SendQueue output_;
    SteadyTime stalled_since_{0};
    std::unique_ptr<Passing> passing_;
};

static_assert(sizeof(Connection) <= 152, "part of every idle connection");

}  // namespace weir::net
