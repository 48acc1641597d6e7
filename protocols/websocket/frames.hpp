/// RFC 6455 frames without buffers: a decoder that unmasks in place, and encoders for headers and
/// control frames.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/websocket/error.hpp>

namespace weir::websocket {

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

enum class Role : std::uint8_t { server, client };

inline constexpr std::size_t kControlPayloadMax = 125;
/// Longest control frame of a server.
inline constexpr std::size_t kControlBytesMax = 2 + kControlPayloadMax;
/// Longest header: 2 bytes, a 64-bit length, a mask.
inline constexpr std::size_t kHeaderMax = 14;
/// What FrameDecoder leaves unread at most: a masked control frame but for its last byte.
inline constexpr std::size_t kCarryMax = 2 + 4 + kControlPayloadMax - 1;

/// A closing frame without a code; never written into one. [RFC6455-7.4.1]
inline constexpr std::uint16_t kCloseNoStatus = 1005;
/// Close codes that we send. [RFC6455-7.4.1]
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kClosePolicy = 1008;

struct Event {
    enum class Kind : std::uint8_t {
        need_more,  ///< `in` holds nothing more to decode; keep what is left of it (at most
                    ///< kCarryMax bytes).
        data,       ///< A piece of binary data: `data`. Its borders mean nothing.
        ping,       ///< Answer with control_frame(Opcode::pong, data).
        pong,
        close,  ///< `close_code` (kCloseNoStatus if the peer gave none), `data` is the reason. Answer and
                ///< close.
    };

    Kind kind = Kind::need_more;
    std::uint16_t close_code = 0;
    ByteView data = {};  ///< Unmasked; points into the bytes given.
};

/// One direction of one connection. Not copied while in use; no heap, no time, no thread of its
/// own.
class FrameDecoder {
public:
    /// @param role               The side that decodes: a server insists on masks, a client on
    /// none.
    /// @param message_bytes_max  Bound of one message, all its fragments together.
    explicit FrameDecoder(
        Role role = Role::server,
        std::uint64_t message_bytes_max = std::numeric_limits<std::int64_t>::max()
    ) noexcept
        : message_left_{message_bytes_max}, message_bytes_max_{message_bytes_max}, role_{role} {}

    /// Decodes the next event and advances `in` past it.
    ///
    /// Data is unmasked in place and passed on as it comes, a frame may yield many pieces. An
    /// incomplete header or control frame is left in `in`: call again with these bytes in front of
    /// the next ones. After a closing frame or an error, everything is dropped unread.
    /// @errors websocket::errc; close_code() tells what to answer.
    [[nodiscard]] Result<Event> next(std::span<Byte>& in) noexcept;

    /// True inside a frame or between the fragments of a message.
    [[nodiscard]] bool mid_message() const noexcept { return fragmented_ || frame_left_ > 0; }

private:
    struct Header;

    [[nodiscard]] Result<Header> read_header(ByteView in) const noexcept;
    [[nodiscard]] Result<Event> control(const Header& header, std::span<Byte>& in) noexcept;
    [[nodiscard]] error_code begin_data(const Header& header) noexcept;
    [[nodiscard]] Event take_data(std::span<Byte>& in) noexcept;

    std::uint64_t frame_left_ = 0;  ///< Payload bytes of the open data frame still to come.
    std::uint64_t message_left_;    ///< What the open message may still declare.
    std::uint64_t message_bytes_max_;
    std::uint32_t mask_ =
        0;  ///< As loaded from memory, turned so that its first byte applies next.
    Role role_;
    bool fragmented_ = false;  ///< A message waits for continuation frames.
    bool ended_ = false;
};

static_assert(sizeof(FrameDecoder) <= 40, "held by every WebSocket connection");

/// A frame header, to be sent in front of the payload.
struct FrameHeader {
    std::array<Byte, kHeaderMax> bytes;
    std::uint8_t size;

    [[nodiscard]] ByteView view() const noexcept { return {bytes.data(), size}; }
};

/// Header of a whole unmasked message of `payload_size` bytes: 2, 4 or 10 bytes.
[[nodiscard]] FrameHeader server_header(Opcode opcode, std::uint64_t payload_size) noexcept;

/// A whole control frame of a server.
struct ControlFrame {
    std::array<Byte, kControlBytesMax> bytes;
    std::uint8_t size;

    [[nodiscard]] ByteView view() const noexcept { return {bytes.data(), size}; }
};

/// `payload` beyond kControlPayloadMax bytes is cut off.
[[nodiscard]] ControlFrame control_frame(Opcode opcode, ByteView payload) noexcept;
/// `reason` is cut at a character so that it fits (123 bytes). With kCloseNoStatus the frame is empty.
[[nodiscard]] ControlFrame close_frame(std::uint16_t code, std::string_view reason) noexcept;

/// For test peers and benches: a masked client frame. `mask` should be random in anything but a
/// test.
[[nodiscard]] Bytes client_frame(
    Opcode opcode, ByteView payload, std::uint32_t mask, bool final = true
);

/// XORs `data` with the repeated 4 bytes of `mask` as they lie in memory, and turns `mask` for what
/// follows.
void apply_mask(std::span<Byte> data, std::uint32_t& mask) noexcept;

}  // namespace weir::websocket
