/// WebSocket framing between a connection's bytes and its socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/websocket/frames.hpp>

struct iovec;

namespace weir::net {
class SendQueue;
}

namespace weir::net::detail {

/// Reading: unmasks in place and moves the pieces together. Writing: whatever queues when a frame
/// begins becomes its payload; pongs go between frames, the closing frame after the last one. Holds
/// at most an incomplete header and kPongBytesMax of pongs.
class WebSocketLayer {
public:
    /// Pongs that wait for the socket. Beyond it only the latest ping is answered. [RFC6455-5.5.3]
    static constexpr std::size_t kPongBytesMax = 2 * 1024;

    /// @param raw_bytes what queues already and goes out unframed: the answer to the upgrade.
    WebSocketLayer(std::uint64_t message_bytes_max, std::size_t raw_bytes) noexcept
        : decoder_{websocket::Role::server, message_bytes_max}, frame_left_{raw_bytes} {}

    /// Bytes kept from the last read, which stand in front of what is read next.
    [[nodiscard]] ByteView carried() const noexcept { return carried_; }
    /// @param bytes carried() and what was read. @return the data among it, moved to the front.
    /// An end that comes behind data shows in ended().
    [[nodiscard]] ByteView decode(std::span<Byte> bytes) noexcept;
    /// end_of_stream: the peer closed; websocket::errc: it broke the protocol. The answer is
    /// queued.
    [[nodiscard]] const error_code& ended() const noexcept { return ended_; }

    /// Bytes of its own come first; then at most `limit` bytes of the queue belong to the open
    /// frame.
    struct Output {
        ByteView head;
        std::size_t limit;
    };
    [[nodiscard]] Output next_output(const SendQueue& queue) noexcept;
    void consumed_head(std::size_t size) noexcept;
    void consumed_payload(std::size_t size) noexcept { frame_left_ -= size; }

    /// Only the first call counts. What queues before it is still sent, nothing is after it.
    void queue_close(std::uint16_t code) noexcept;
    [[nodiscard]] bool has_output() const noexcept {
        return head_sent_ < head_.size() || !pongs_.empty() || closing_ == Closing::queued;
    }

private:
    enum class Closing : std::uint8_t { no, queued, begun };

    void queue_pong(ByteView payload) noexcept;
    void begin_frame(const SendQueue& queue) noexcept;

    websocket::FrameDecoder decoder_;
    Bytes carried_;
    Bytes pongs_;  ///< Wait for the end of the open frame.
    Bytes head_;   ///< Control frames and the header that are being sent.
    std::size_t head_sent_ = 0;
    std::uint64_t frame_left_;  ///< Payload of the open frame that is still to be sent.
    std::uint16_t close_code_ = 0;
    Closing closing_ = Closing::no;
    error_code ended_;
};

}  // namespace weir::net::detail
