#include <weir/websocket/frames.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#include <weir/base/assert.hpp>
#include <weir/base/text.hpp>

namespace weir::websocket {
namespace {

constexpr Byte kFinalBit = 0x80;
constexpr Byte kReservedBits = 0x70;
constexpr Byte kOpcodeBits = 0x0F;
constexpr Byte kMaskBit = 0x80;
constexpr Byte kLengthBits = 0x7F;
constexpr Byte kLength16 = 126;
constexpr Byte kLength64 = 127;

constexpr bool is_control(Opcode opcode) noexcept {
    return static_cast<Byte>(opcode) >= 8;
}

constexpr bool is_known(Opcode opcode) noexcept {
    return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong);
}

/// Codes that a peer may put into a closing frame. [RFC6455-7.4]
constexpr bool is_sendable_close_code(std::uint16_t code) noexcept {
    const bool defined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    return defined || (code >= 3000 && code <= 4999);
}

std::uint32_t turn(std::uint32_t mask, std::size_t bytes) noexcept {
    const auto bits = static_cast<int>(8 * (bytes % 4));
    return std::endian::native == std::endian::little ? std::rotr(mask, bits)
                                                      : std::rotl(mask, bits);
}

FrameHeader header(Byte first, std::uint64_t payload_size) noexcept {
    FrameHeader out;
    out.bytes[0] = first;
    if (payload_size < kLength16) {
        out.bytes[1] = static_cast<Byte>(payload_size);
        out.size = 2;
    } else if (payload_size <= 0xFFFF) {
        out.bytes[1] = kLength16;
        store_be(out.bytes.data() + 2, static_cast<std::uint16_t>(payload_size));
        out.size = 4;
    } else {
        out.bytes[1] = kLength64;
        store_be(out.bytes.data() + 2, payload_size);
        out.size = 10;
    }
    return out;
}

}  // namespace

struct FrameDecoder::Header {
    std::uint64_t length = 0;
    std::uint32_t mask = 0;
    std::uint8_t size = 0;  ///< 0: incomplete.
    Opcode opcode = Opcode::continuation;
    bool final = false;
};

Result<FrameDecoder::Header> FrameDecoder::read_header(ByteView in) const noexcept {
    ByteCursor cursor{in};
    const auto start = cursor.read_be<std::uint16_t>();
    if (!start) {
        return Header{};
    }
    const auto first = static_cast<Byte>(*start >> 8U);
    const auto second = static_cast<Byte>(*start & 0xFFU);
    Header out;
    out.final = (first & kFinalBit) != 0;
    out.opcode = static_cast<Opcode>(first & kOpcodeBits);
    out.length = second & kLengthBits;
    const bool masked = (second & kMaskBit) != 0;
    if ((first & kReservedBits) != 0) {
        return errc::reserved_bits;
    }
    if (!is_known(out.opcode)) {
        return errc::reserved_opcode;
    }
    if (masked != (role_ == Role::server)) {
        return masked ? errc::mask_unexpected : errc::mask_missing;
    }
    if (is_control(out.opcode) && !out.final) {
        return errc::control_fragmented;
    }
    if (is_control(out.opcode) && out.length > kControlPayloadMax) {
        return errc::control_too_long;
    }
    if (out.length == kLength16) {
        const auto length = cursor.read_be<std::uint16_t>();
        if (!length) {
            return Header{};
        }
        if (*length < kLength16) {
            return errc::length_not_minimal;
        }
        out.length = *length;
    } else if (out.length == kLength64) {
        const auto length = cursor.read_be<std::uint64_t>();
        if (!length) {
            return Header{};
        }
        if (*length <= 0xFFFF) {
            return errc::length_not_minimal;
        }
        if ((*length >> 63U) != 0) {
            return errc::length_overflow;
        }
        out.length = *length;
    }
    if (masked) {
        const auto mask = cursor.read(sizeof(out.mask));
        if (!mask) {
            return Header{};
        }
        std::memcpy(&out.mask, mask->data(), sizeof(out.mask));
    }
    out.size = static_cast<std::uint8_t>(in.size() - cursor.size());
    return out;
}

Result<Event> FrameDecoder::control(const Header& header, std::span<Byte>& in) noexcept {
    const auto length = static_cast<std::size_t>(header.length);
    if (in.size() - header.size < length) {
        return Event{};
    }
    const auto payload = in.subspan(header.size, length);
    in = in.subspan(header.size + length);
    auto mask = header.mask;
    apply_mask(payload, mask);
    if (header.opcode != Opcode::close) {
        return Event{
            header.opcode == Opcode::ping ? Event::Kind::ping : Event::Kind::pong, 0, payload
        };
    }
    ended_ = true;
    if (payload.empty()) {
        return Event{Event::Kind::close, kCloseNoStatus, {}};
    }
    if (payload.size() == 1 || !is_sendable_close_code(load_be<std::uint16_t>(payload.data()))) {
        return errc::close_code_invalid;
    }
    const auto reason = payload.subspan(2);
    if (!is_utf8(as_text(reason))) {
        return errc::close_reason_invalid;
    }
    return Event{Event::Kind::close, load_be<std::uint16_t>(payload.data()), reason};
}

error_code FrameDecoder::begin_data(const Header& header) noexcept {
    if (header.opcode == Opcode::continuation && !fragmented_) {
        return errc::continuation_unexpected;
    }
    if (header.opcode != Opcode::continuation && fragmented_) {
        return errc::message_interleaved;
    }
    if (header.opcode == Opcode::text) {
        return errc::text_refused;
    }
    if (header.opcode == Opcode::binary) {
        message_left_ = message_bytes_max_;
    }
    if (header.length > message_left_) {
        return errc::message_too_big;
    }
    message_left_ -= header.length;
    frame_left_ = header.length;
    mask_ = header.mask;
    fragmented_ = !header.final;
    return {};
}

Event FrameDecoder::take_data(std::span<Byte>& in) noexcept {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, in.size()));
    const auto piece = in.first(count);
    if (role_ == Role::server) {
        apply_mask(piece, mask_);
    }
    in = in.subspan(count);
    frame_left_ -= count;
    return Event{Event::Kind::data, 0, piece};
}

Result<Event> FrameDecoder::next(std::span<Byte>& in) noexcept {
    while (!in.empty() && !ended_) {
        if (frame_left_ > 0) {
            return take_data(in);
        }
        const auto header = read_header(in);
        if (!header) {
            ended_ = true;
            return header.error();
        }
        if (header->size == 0) {
            return Event{};
        }
        if (is_control(header->opcode)) {
            auto event = control(*header, in);
            ended_ = ended_ || !event;
            return event;
        }
        if (const auto error = begin_data(*header)) {
            ended_ = true;
            return error;
        }
        in = in.subspan(header->size);
    }
    in = in.subspan(in.size());
    return Event{};
}

FrameHeader server_header(Opcode opcode, std::uint64_t payload_size) noexcept {
    return header(static_cast<Byte>(kFinalBit | static_cast<Byte>(opcode)), payload_size);
}

ControlFrame control_frame(Opcode opcode, ByteView payload) noexcept {
    WEIR_DEBUG_ASSERT(is_control(opcode));
    const auto count = std::min(payload.size(), kControlPayloadMax);
    ControlFrame out;
    out.bytes[0] = static_cast<Byte>(kFinalBit | static_cast<Byte>(opcode));
    out.bytes[1] = static_cast<Byte>(count);
    std::copy_n(payload.begin(), count, out.bytes.begin() + 2);
    out.size = static_cast<std::uint8_t>(2 + count);
    return out;
}

ControlFrame close_frame(std::uint16_t code, std::string_view reason) noexcept {
    if (code == kCloseNoStatus) {
        return control_frame(Opcode::close, {});
    }
    std::size_t count = std::min(reason.size(), kControlPayloadMax - 2);
    while (count < reason.size() && count > 0 && (static_cast<Byte>(reason[count]) & 0xC0U) == 0x80U
    ) {
        --count;
    }
    std::array<Byte, kControlPayloadMax> payload;
    store_be(payload.data(), code);
    std::copy_n(reason.begin(), count, payload.begin() + 2);
    return control_frame(Opcode::close, ByteView{payload}.first(2 + count));
}

Bytes client_frame(Opcode opcode, ByteView payload, std::uint32_t mask, bool final) {
    auto head = header(
        static_cast<Byte>((final ? kFinalBit : 0U) | static_cast<Byte>(opcode)), payload.size()
    );
    head.bytes[1] |= kMaskBit;
    std::memcpy(head.bytes.data() + head.size, &mask, sizeof(mask));
    head.size += sizeof(mask);
    Bytes out{head.view().begin(), head.view().end()};
    append(out, payload);
    apply_mask(std::span{out}.subspan(head.size), mask);
    return out;
}

void apply_mask(std::span<Byte> data, std::uint32_t& mask) noexcept {
    const std::uint64_t wide = (std::uint64_t{mask} << 32U) | mask;
    std::size_t i = 0;
    for (; i + sizeof(wide) <= data.size(); i += sizeof(wide)) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data() + i, sizeof(word));
        word ^= wide;
        std::memcpy(data.data() + i, &word, sizeof(word));
    }
    std::array<Byte, sizeof(mask)> key;
    std::memcpy(key.data(), &mask, sizeof(mask));
    for (; i < data.size(); ++i) {
        data[i] ^= key[i % key.size()];
    }
    mask = turn(mask, data.size());
}

}  // namespace weir::websocket
