/// A socket and its layers: TLS and WebSocket, both optional.
#pragma once

#include <cstddef>
#include <memory>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/net/send_queue.hpp>
#include <weir/net/tls_engine.hpp>
#include <weir/runtime/poller_epoll.hpp>
#include <weir/runtime/unique_fd.hpp>

struct iovec;

namespace weir::net {

struct ShardIo;
namespace detail {
class WebSocketLayer;
}

/// Bytes of the application protocol in and out. Owned by one connection; on one shard at a time,
/// whose ShardIo every call is given. Never blocks, knows no poller, holds no buffer while nothing
/// is half done.
class Transport {
public:
    Transport() noexcept;
    /// @param fd A connected, non-blocking stream socket.
    explicit Transport(runtime::UniqueFd fd) noexcept;
    Transport(Transport&&) noexcept;
    Transport& operator=(Transport&&) noexcept;
    ~Transport();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] bool open() const noexcept { return static_cast<bool>(fd_); }
    /// nullptr: plain.
    [[nodiscard]] const TlsSession* tls() const noexcept { return tls_.get(); }
    [[nodiscard]] bool handshaking() const noexcept {
        return tls_ != nullptr && tls_->handshaking();
    }
    [[nodiscard]] bool websocket() const noexcept { return websocket_ != nullptr; }

    /// From now on the peer speaks TLS. @param received its first bytes, if they were read already
    /// (a PROXY preface stood in front). They begin the handshake and are never more than its first
    /// flight. @errors tls_*
    [[nodiscard]] Result<> start_tls(
        ShardIo& io, const TlsContext& context, ByteView received = {}
    ) noexcept;
    /// From now on the peer speaks WebSocket; what is in `queue` still goes out as it is. @param
    /// received frames that were read already. @return the data in them, in the shard's scratch.
    [[nodiscard]] ByteView start_websocket(
        ShardIo& io, const SendQueue& queue, std::uint64_t message_bytes_max, ByteView received = {}
    ) noexcept;

    /// Takes note of what the poller says.
    void note(runtime::Readiness readiness) noexcept;
    /// The next read_some() may find something. Without an event it stays false once the socket was
    /// found empty.
    [[nodiscard]] bool may_read() const noexcept { return may_read_; }
    /// Reads once. @return a view into the shard's scratch, valid until the next reader; empty:
    /// nothing came of it, look at may_read(). @errors end_of_stream, tls_*, websocket's, the
    /// operating system's.
    [[nodiscard]] Result<ByteView> read_some(ShardIo& io) noexcept;

    enum class Flush : std::uint8_t {
        done,     ///< All of it is out.
        blocked,  ///< The socket takes no more: go on when it is writable.
    };
    /// Writes as much as the socket takes.
    [[nodiscard]] Result<Flush> flush(ShardIo& io, SendQueue& queue) noexcept;
    /// Drops what the peer sends, below all layers: for a connection that only waits for its end.
    [[nodiscard]] Result<> skip_some(ShardIo& io) noexcept;
    /// A layer has something to say by itself (handshake, pong, close): flush() is due.
    [[nodiscard]] bool has_output() const noexcept;
    /// After the last flush(): says goodbye in every layer and closes the sending direction. What
    /// the socket does not take at once is dropped.
    void end_output(ShardIo& io) noexcept;

    /// Before the connection moves: cuts what ties it to this shard. No handshake under way,
    /// nothing to flush.
    void leave(ShardIo& io) noexcept;
    void join(ShardIo& io) noexcept;

    void close() noexcept;

private:
    struct Raw {
        std::size_t size;
        bool more;
    };

    [[nodiscard]] Result<Raw> read_raw(ShardIo& io, std::span<Byte> into) noexcept;
    [[nodiscard]] ByteView unframe(std::span<Byte> bytes) noexcept;
    [[nodiscard]] Result<std::size_t> write_parts(ShardIo& io, std::span<iovec> parts) noexcept;
    [[nodiscard]] Result<std::size_t> write_plain(std::span<iovec> parts) noexcept;
    [[nodiscard]] Result<std::size_t> write_tls(ShardIo& io, std::span<const iovec> parts) noexcept;

    runtime::UniqueFd fd_;
    bool may_read_ = false;
    bool peer_ended_ =
        false;  ///< The end is in the socket: short reads do not mean that it is empty.
    std::unique_ptr<TlsSession> tls_;
    std::unique_ptr<detail::WebSocketLayer> websocket_;
};

}  // namespace weir::net
