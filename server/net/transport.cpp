#include <weir/net/transport.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <weir/base/assert.hpp>
#include <weir/net/detail/websocket_layer.hpp>
#include <weir/net/error.hpp>
#include <weir/net/shard_io.hpp>

namespace weir::net {
namespace {

constexpr std::size_t kPartsMax = 64;

// A read's plaintext fits behind what a WebSocket layer carries over.
static_assert(runtime::Shard::kScratchBytes >= TlsEngine::kPlainBytesMax + websocket::kCarryMax);

std::size_t total(std::span<const iovec> parts) noexcept {
    std::size_t size = 0;
    for (const iovec& part : parts) {
        size += part.iov_len;
    }
    return size;
}

}  // namespace

Transport::Transport() noexcept = default;
Transport::Transport(runtime::UniqueFd fd) noexcept : fd_{std::move(fd)} {}
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;
Transport::~Transport() = default;

void Transport::close() noexcept {
    websocket_.reset();
    tls_.reset();
    fd_.reset();
    may_read_ = false;
}

Result<> Transport::start_tls(ShardIo& io, const TlsContext& context, ByteView received) noexcept {
    WEIR_DEBUG_ASSERT(tls_ == nullptr && websocket_ == nullptr);
    tls_ = io.tls.open(context);
    if (tls_ == nullptr || received.size() > TlsEngine::kCipherBytes) {
        return errc::tls_failed;
    }
    if (!received.empty()) {
        const Bytes cipher(received.begin(), received.end());  // `received` is in the scratch.
        WEIR_CHECK(io.tls.decrypt(*tls_, fd_.get(), cipher, io.shard.scratch()));
    }
    return {};
}

ByteView Transport::start_websocket(
    ShardIo& io, const SendQueue& queue, std::uint64_t message_bytes_max, ByteView received
) noexcept {
    websocket_ = std::make_unique<detail::WebSocketLayer>(message_bytes_max, queue.bytes());
    const std::span<Byte> scratch = io.shard.scratch();
    WEIR_ASSERT(received.size() <= scratch.size());
    if (!received.empty()) {
        std::memmove(scratch.data(), received.data(), received.size());
    }
    return unframe(scratch.first(received.size()));
}

void Transport::note(runtime::Readiness readiness) noexcept {
    may_read_ = may_read_ || readiness.readable;
    peer_ended_ = peer_ended_ || readiness.peer_closed;
}

Result<ByteView> Transport::read_some(ShardIo& io) noexcept {
    std::span<Byte> scratch = io.shard.scratch();
    if (websocket_ == nullptr) {
        WEIR_TRY(const Raw raw, read_raw(io, scratch));
        may_read_ = raw.more;
        return ByteView{scratch.first(raw.size)};
    }
    if (websocket_->ended()) {
        return websocket_->ended();
    }
    const ByteView carried = websocket_->carried();
    std::ranges::copy(carried, scratch.begin());
    WEIR_TRY(const Raw raw, read_raw(io, scratch.subspan(carried.size())));
    may_read_ = raw.more;
    return raw.size == 0 ? ByteView{} : unframe(scratch.first(carried.size() + raw.size));
}

ByteView Transport::unframe(std::span<Byte> bytes) noexcept {
    const ByteView data = websocket_->decode(bytes);
    may_read_ = may_read_ || websocket_->ended();
    return data;
}

Result<> Transport::skip_some(ShardIo& io) noexcept {
    const std::span<Byte> scratch = io.shard.scratch();
    const ssize_t received = ::recv(fd_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (received == 0) {
        return errc::end_of_stream;
    }
    if (received < 0 && errno != EAGAIN && errno != EINTR) {
        return last_os_error();
    }
    may_read_ = received > 0;
    return {};
}

Result<Transport::Raw> Transport::read_raw(ShardIo& io, std::span<Byte> into) noexcept {
    io.counters.reads.add();
    if (tls_ != nullptr) {
        WEIR_TRY(const auto read, io.tls.read(*tls_, fd_.get(), into));
        return Raw{.size = read.size, .more = read.more || (peer_ended_ && read.received)};
    }
    const ssize_t received = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (received > 0) {
        const auto size = static_cast<std::size_t>(received);
        // A short read has emptied a stream socket; only an end may still be behind it.
        return Raw{.size = size, .more = size == into.size() || peer_ended_};
    }
    if (received == 0) {
        return errc::end_of_stream;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return Raw{.size = 0, .more = errno == EINTR};
    }
    return last_os_error();
}

Result<Transport::Flush> Transport::flush(ShardIo& io, SendQueue& queue) noexcept {
    std::array<iovec, kPartsMax> parts;
    for (;;) {
        std::size_t used = 0;
        std::size_t limit = queue.bytes();
        std::size_t head_size = 0;
        if (websocket_ != nullptr) {
            const auto output = websocket_->next_output(queue);
            limit = output.limit;
            head_size = output.head.size();
            if (head_size != 0) {
                parts[used++] = {
                    .iov_base = const_cast<Byte*>(output.head.data()), .iov_len = head_size
                };
            }
        }
        used += queue.gather(std::span{parts}.subspan(used), limit);
        const std::span<iovec> pending = std::span{parts}.first(used);
        const std::size_t wanted = total(pending);
        if (wanted == 0 && !handshaking()) {
            return Flush::done;
        }
        WEIR_TRY(const std::size_t sent, write_parts(io, pending));
        const std::size_t of_head = std::min(sent, head_size);
        if (websocket_ != nullptr) {
            websocket_->consumed_head(of_head);
            websocket_->consumed_payload(sent - of_head);
        }
        queue.consume(sent - of_head);
        io.counters.bytes_out.add(sent - of_head);
        if (sent == 0 || (tls_ == nullptr && sent < wanted)) {
            return Flush::blocked;
        }
        if (websocket_ == nullptr && queue.empty()) {
            return Flush::done;
        }
    }
}

Result<std::size_t> Transport::write_parts(ShardIo& io, std::span<iovec> parts) noexcept {
    io.counters.writes.add();
    return tls_ == nullptr ? write_plain(parts) : write_tls(io, parts);
}

Result<std::size_t> Transport::write_plain(std::span<iovec> parts) noexcept {
    ssize_t sent = 0;
    if (parts.size() == 1) {
        sent = ::send(fd_.get(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (sent >= 0) {
        return static_cast<std::size_t>(sent);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return std::size_t{0};
    }
    return last_os_error();
}

Result<std::size_t> Transport::write_tls(ShardIo& io, std::span<const iovec> parts) noexcept {
    if (parts.empty()) {
        return io.tls.write(*tls_, fd_.get(), {});
    }
    const ByteView first{static_cast<const Byte*>(parts[0].iov_base), parts[0].iov_len};
    if (parts.size() == 1 || first.size() >= TlsEngine::kRecordBytesMax) {
        return io.tls.write(*tls_, fd_.get(), first, parts.size() > 1);
    }
    // One record for many pieces: each record costs a system call and some thirty bytes.
    const std::span<Byte> record = io.tls.gather_buffer();
    std::size_t size = 0;
    for (const iovec& part : parts) {
        const std::size_t count = std::min(part.iov_len, record.size() - size);
        std::memcpy(record.data() + size, part.iov_base, count);
        size += count;
    }
    return io.tls.write(*tls_, fd_.get(), record.first(size), total(parts) > size);
}

bool Transport::has_output() const noexcept {
    return (tls_ != nullptr && tls_->has_output()) ||
           (websocket_ != nullptr && websocket_->has_output());
}

void Transport::end_output(ShardIo& io) noexcept {
    if (websocket_ != nullptr) {
        websocket_->queue_close(websocket::kCloseNormal);
        SendQueue nothing{io.chunks, {}};
        ignore_error(flush(io, nothing), "the peer may be gone already");
    }
    if (tls_ != nullptr) {
        io.tls.close_notify(*tls_, fd_.get());
    }
    ::shutdown(fd_.get(), SHUT_WR);
}

void Transport::leave(ShardIo& io) noexcept {
    if (tls_ != nullptr) {
        io.tls.unbind(*tls_);
    }
    may_read_ = peer_ended_ = false;  // The next poller reports both anew.
}

void Transport::join(ShardIo& io) noexcept {
    if (tls_ != nullptr) {
        io.tls.bind(*tls_);
    }
}

}  // namespace weir::net
