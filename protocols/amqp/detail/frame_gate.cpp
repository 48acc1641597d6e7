#include "frame_gate.hpp"

#include <strings.h>

#include <algorithm>

#include <weir/amqp/conditions.hpp>

#include "performative.hpp"

namespace weir::amqp::detail {
namespace {

/// Of a frame [AMQP-2.3.1]; a protocol header is as long.
constexpr std::size_t kHeadBytes = 8;
constexpr Byte kAmqpId = 0;
constexpr Byte kSaslId = 3;
constexpr Byte kAmqpFrame = 0;
constexpr Byte kSaslFrame = 1;
/// Of peers that may be anybody.
constexpr std::size_t kHandshakeFrameBytesMax = 8 * 1024;
/// Capacity that a connection keeps for its next incomplete frame.
constexpr std::size_t kKeptBytes = 512;

}  // namespace

FrameGate::Portion FrameGate::take(ByteView bytes) {
    if (refusal_) {
        return {.taken = bytes.size()};
    }
    if (held_.empty()) {
        const std::size_t whole = admit_whole(bytes);
        if (refusal_) {
            return {.taken = bytes.size(), .admitted = bytes.first(whole)};
        }
        if (whole > 0) {
            return {.taken = whole, .admitted = bytes.first(whole)};
        }
    }
    return hold(bytes);
}

std::size_t FrameGate::admit_whole(ByteView bytes) {
    std::size_t whole = 0;
    bool is_one = false;
    while (!is_one && bytes.size() - whole >= kHeadBytes) {
        const ByteView rest = bytes.subspan(whole);
        const auto size = size_of(rest);
        if (!size || *size > rest.size()) {
            break;
        }
        is_one = layer_ != Layer::running;
        if (!check(rest.first(*size))) {
            break;
        }
        whole += *size;
    }
    return whole;
}

FrameGate::Portion FrameGate::hold(ByteView bytes) {
    Portion portion;
    const auto fill = [&](std::size_t size) {
        const std::size_t count = std::min(size - held_.size(), bytes.size() - portion.taken);
        if (const std::size_t needed = held_.size() + count; held_.capacity() < needed) {
            // At once what may have a password: no copy of it stays behind.
            held_.reserve(layer_ == Layer::sasl ? size : std::min(size, 2 * needed));
        }
        append(held_, bytes.subspan(portion.taken, count));
        portion.taken += count;
        return held_.size() == size;
    };
    if (held_.size() < kHeadBytes && !fill(kHeadBytes)) {
        return portion;
    }
    const auto size = size_of(held_);
    if (size && fill(*size) && check(held_)) {
        portion.admitted = held_;
    }
    return portion;
}

void FrameGate::fed() noexcept {
    if (layer_ == Layer::sasl && !held_.empty()) {
        ::explicit_bzero(held_.data(), held_.size());
    }
    if (held_.capacity() > kKeptBytes) {
        held_ = {};
    }
    held_.clear();
}

std::optional<std::size_t> FrameGate::size_of(ByteView head) {
    if (layer_ == Layer::header) {
        return kHeadBytes;
    }
    const auto size = load_be<std::uint32_t>(head.data());
    const std::size_t bytes_max = layer_ == Layer::running
                                      ? frame_bytes_max_
                                      : std::min(frame_bytes_max_, kHandshakeFrameBytesMax);
    if (size < kHeadBytes || size > bytes_max) {
        refuse({condition::kFramingError, "a frame is too small or too large"});
        return std::nullopt;
    }
    return size;
}

bool FrameGate::check(ByteView whole) {
    if (const auto error = layer_ == Layer::header ? check_header(whole) : check_frame(whole)) {
        refuse(*error);
    }
    return !refusal_;
}

std::optional<Error> FrameGate::check_header(ByteView header) {
    // "AMQP", the id of the layer and version 1.0.0. [AMQP-2.2]
    const Byte id = header[4];
    const bool known = as_text(header).starts_with("AMQP") &&
                       (id == kAmqpId || (id == kSaslId && !sasl_done_)) && header[5] == 1 &&
                       header[6] == 0 && header[7] == 0;
    if (!known) {
        return Error{condition::kFramingError, "not a protocol header of AMQP 1.0"};
    }
    layer_ = id == kSaslId ? Layer::sasl : Layer::open;
    return std::nullopt;
}

std::optional<Error> FrameGate::check_frame(ByteView frame) {
    // Size, data offset in words, type, channel. [AMQP-2.3]
    const std::size_t body_at = std::size_t{frame[4]} * 4;
    const Byte type = layer_ == Layer::sasl ? kSaslFrame : kAmqpFrame;
    if (body_at < kHeadBytes || body_at > frame.size() || frame[5] != type) {
        return Error{condition::kFramingError, "a frame has a wrong head"};
    }
    const ByteView body = frame.subspan(body_at);
    if (layer_ == Layer::running) {
        return body.empty() ? std::nullopt
                            : rules_.check(load_be<std::uint16_t>(frame.data() + 6), body);
    }
    Performative performative;
    if (const auto done = performative.read(body); !done) {
        return error_of(done.error());
    }
    const auto code = performative.code();
    const bool fits =
        layer_ == Layer::sasl ? code == kSaslInit || code == kSaslResponse : code == kOpen;
    if (!fits) {
        return Error{condition::kFramingError, "not a frame of the handshake"};
    }
    if (layer_ == Layer::open) {
        layer_ = Layer::running;
    }
    return std::nullopt;
}

void FrameGate::authenticated() noexcept {
    sasl_done_ = true;
    layer_ = Layer::header;
}

}  // namespace weir::amqp::detail
