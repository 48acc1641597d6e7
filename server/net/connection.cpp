#include <weir/net/connection.hpp>

#include <utility>

#include <weir/base/assert.hpp>
#include <weir/net/error.hpp>

namespace weir::net {

Connection::Connection(ShardIo& io, Transport transport, Watermarks marks) noexcept
    : io_{&io}, transport_{std::move(transport)}, output_{io.chunks, marks} {}

Connection::~Connection() {
    WEIR_DEBUG_ASSERT(state_ <= State::moved);
}

Result<> Connection::attach(ShardIo& io) noexcept {
    WEIR_DEBUG_ASSERT(state_ <= State::moved);
    WEIR_TRY(key_, io.shard.poller().add(transport_.fd(), *this));
    if (state_ == State::moved) {
        io_ = &io;
        output_.rebind(io.chunks);
        transport_.join(io);
    }
    state_ = State::open;
    blocked_ = false;
    io.counters.connections.add(1);
    if (transport_.handshaking()) {
        enter_gate();
    }
    if (transport_.has_output()) {
        flush_later();
    }
    if (keeps_bytes()) {
        io.shard.poller().again(key_);
    }
    return {};
}

void Connection::enter_gate() noexcept {
    passing().in_gate = true;
    if (HandshakeLink* const oldest = io_->gate.enter(*passing_); oldest != nullptr) {
        static_cast<Passing*>(oldest)->owner.evicted();
    }
}

void Connection::leave_gate() noexcept {
    io_->gate.leave(*passing_);
    passing_->in_gate = false;
}

void Connection::start_tls(const TlsContext& context, ByteView received) noexcept {
    if (const auto begun = transport_.start_tls(*io_, context, received); !begun) {
        close(begun.error());
        return;
    }
    WEIR_DEBUG_ASSERT(transport_.handshaking());
    if (state_ == State::open) {
        enter_gate();
        if (transport_.has_output()) {
            flush_later();
        }
    }
}

void Connection::start_websocket(std::uint64_t message_bytes_max, ByteView received) noexcept {
    keep(transport_.start_websocket(*io_, output_, message_bytes_max, received));
    flush_later();
    io_->shard.poller().again(key_);  // For what was received already, an end included.
}

void Connection::detach() noexcept {
    if (in_gate()) {
        leave_gate();
    }
    io_->shard.poller().remove(key_, transport_.fd());
    Timer::disarm();
    output_.clear();
    stalled_since_ = SteadyTime{0};
    io_->counters.connections.add(-1);
    state_ = State::detached;
}

void Connection::on_ready(runtime::Readiness readiness) noexcept {
    transport_.note(readiness);
    if (readiness.writable && blocked_) {
        blocked_ = false;
        flush_later();
    }
    if (readable()) {
        read();
    } else if (state_ == State::lingering) {
        discard();
    } else if (readiness.peer_closed && state_ == State::draining) {
        flush_later();  // It may be gone for good: writing tells.
    }
}

void Connection::read() noexcept {
    if (passing_ != nullptr) {
        const Bytes kept = std::exchange(passing_->kept, {});
        if (!passing_->in_gate) {
            passing_.reset();
        }
        if (!kept.empty()) {
            on_bytes(kept);
        }
    }
    for (int reads = 0; readable() && transport_.may_read(); ++reads) {
        if (reads == kReadsPerTurnMax) {
            io_->shard.poller().again(key_);
            return;
        }
        read_once();
    }
}

void Connection::read_once() noexcept {
    const Result<ByteView> bytes = transport_.read_some(*io_);
    if (!bytes) {
        if (in_gate()) {
            handshake_failed(bytes.error());
        }
        // What a layer wants to answer (a closing frame) goes out if the socket takes it.
        transport_.has_output() ? close_after_flush(bytes.error()) : close(bytes.error());
        return;
    }
    if (in_gate() && !transport_.handshaking()) {
        secured();
    }
    if (!bytes->empty() && !closing()) {
        deliver(*bytes);
    }
    if (transport_.has_output()) {
        flush_later();
    }
}

void Connection::deliver(ByteView bytes) noexcept {
    io_->counters.bytes_in.add(bytes.size());
    if (!readable()) {  // on_secured() has paused or moves away.
        keep(bytes);
        return;
    }
    on_bytes(bytes);
}

void Connection::secured() noexcept {
    blocked_ = false;
    leave_gate();
    io_->counters.handshakes.add();
    flush_later();
    if (state_ == State::open) {
        on_secured();
    }
}

void Connection::handshake_failed(const error_code& error) noexcept {
    io_->counters.handshakes_failed.add();
    on_handshake_failed(error);
}

void Connection::evicted() noexcept {
    passing_->in_gate = false;
    io_->counters.handshakes_evicted.add();
    close(errc::evicted);
}

void Connection::discard() noexcept {
    for (int reads = 0; transport_.may_read(); ++reads) {
        if (reads == kReadsPerTurnMax) {
            io_->shard.poller().again(key_);
            return;
        }
        if (!transport_.skip_some(*io_)) {
            close(reason());
            return;
        }
    }
}

void Connection::flush_later() noexcept {
    io_->shard.poller().finish_later(key_);
}

void Connection::on_wake_end() noexcept {
    if (state_ == State::closed) {
        detach();
        transport_.close();
        on_closed(reason());
        return;
    }
    if (!blocked_ && state_ != State::lingering) {
        flush();
    }
}

void Connection::flush() noexcept {
    const bool congested = output_.congested();
    const std::size_t before = output_.bytes();
    const Result<Transport::Flush> result = transport_.flush(*io_, output_);
    if (!result) {
        if (in_gate() && state_ == State::open) {
            handshake_failed(result.error());
        }
        close(result.error());
        return;
    }
    blocked_ = *result == Transport::Flush::blocked;
    if (in_gate() && !transport_.handshaking()) {
        secured();
        return;
    }
    if (!blocked_) {
        stalled_since_ = SteadyTime{0};
    } else if (stalled_since_.count() == 0 || output_.bytes() < before) {
        stalled_since_ = io_->shard.now();
        on_blocked();
    }
    if (congested && !output_.congested() && state_ == State::open) {
        on_drained();
    }
    if (!blocked_) {
        flushed();
    }
}

void Connection::flushed() noexcept {
    if (state_ == State::moving) {
        detach();
        transport_.leave(*io_);
        state_ = State::moved;
        on_moving();
    } else if (state_ == State::draining) {
        state_ = State::lingering;
        transport_.end_output(*io_);
        discard();
    }
}

void Connection::pause(ByteView rest) noexcept {
    if (!std::exchange(paused_, true)) {
        io_->counters.pauses.add();
    }
    keep(rest);
}

void Connection::resume() noexcept {
    paused_ = false;
    if (readable()) {
        io_->shard.poller().again(key_);
    }
}

void Connection::keep(ByteView rest) noexcept {
    if (rest.empty()) {
        return;
    }
    append(passing().kept, rest);
}

Connection::Passing& Connection::passing() noexcept {
    if (passing_ == nullptr) {
        passing_ = std::make_unique<Passing>(*this);
    }
    return *passing_;
}

void Connection::set_deadline(SteadyTime when) noexcept {
    io_->shard.coarse_timers().arm(*this, when);
}

std::optional<SteadyTime> Connection::on_deadline(SteadyTime now) noexcept {
    if (state_ == State::open || state_ == State::moving) {
        return on_timeout(now);
    }
    close(reason());
    return std::nullopt;
}

std::optional<SteadyTime> Connection::on_timeout(SteadyTime /*now*/) noexcept {
    close(errc::timed_out);
    return std::nullopt;
}

void Connection::close(error_code reason) noexcept {
    if (state_ <= State::moved || state_ == State::closed) {
        return;
    }
    if (state_ < State::draining) {
        passing().reason = reason;
    }
    state_ = State::closed;
    flush_later();
}

void Connection::close_after_flush(error_code reason) noexcept {
    if (state_ != State::open && state_ != State::moving) {
        return;
    }
    passing().reason = reason;
    state_ = State::draining;
    Timer::disarm();
    set_deadline(io_->shard.now() + kLinger);
    flush_later();
}

void Connection::move_away(ByteView rest) noexcept {
    if (state_ == State::open) {
        state_ = State::moving;
        keep(rest);
        flush_later();
    }
}

}  // namespace weir::net
