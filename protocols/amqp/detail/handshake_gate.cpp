#include "handshake_gate.hpp"

#include <algorithm>

namespace weir::amqp::detail {
namespace {

constexpr Byte kAmqpId = 0;
constexpr Byte kSaslId = 3;
constexpr Byte kAmqpFrame = 0;
constexpr Byte kSaslFrame = 1;

}  // namespace

std::size_t HandshakeGate::admit(ByteView bytes) noexcept {
    if (head_bytes_ < head_.size()) {
        const auto count = std::min(head_.size() - head_bytes_, bytes.size());
        std::copy_n(bytes.begin(), count, head_.begin() + static_cast<std::ptrdiff_t>(head_bytes_));
        head_bytes_ += count;
        if (head_bytes_ == head_.size()) {
            on_head();
        }
        return count;
    }
    const auto count = std::min(left_, bytes.size());
    left_ -= count;
    if (left_ == 0) {
        head_bytes_ = 0;
    }
    return count;
}

void HandshakeGate::on_head() noexcept {
    if (layer_ == Layer::header) {
        // "AMQP", the id of the layer and version 1.0.0. [AMQP-2.2]
        const Byte id = head_[4];
        const bool known =
            as_text(head_).starts_with("AMQP") && (id == kAmqpId || (id == kSaslId && !sasl_done_));
        violated_ = violated_ || !known;
        layer_ = id == kSaslId ? Layer::sasl : Layer::amqp;
        head_bytes_ = 0;
        return;
    }
    // Size, data offset, type, channel. [AMQP-2.3]
    const auto size = load_be<std::uint32_t>(head_.data());
    const Byte type = layer_ == Layer::sasl ? kSaslFrame : kAmqpFrame;
    violated_ = violated_ || size < head_.size() || head_[5] != type;
    left_ = std::max<std::size_t>(size, head_.size()) - head_.size();
    if (left_ == 0) {
        head_bytes_ = 0;
    }
}

void HandshakeGate::authenticated() noexcept {
    sasl_done_ = true;
    layer_ = Layer::header;
}

}  // namespace weir::amqp::detail
