/// Lets the bytes before Open into the engine one protocol header or frame at a time.
#pragma once

#include <array>
#include <cstdint>

#include <weir/base/bytes.hpp>

namespace weir::amqp::detail {

/// The engine takes frames of the wrong layer, and stumbles over bytes that a peer pipelines behind
/// its SASL init. So each header or frame goes in alone, checked for its layer, and what follows
/// waits until it is answered.
class HandshakeGate {
public:
    /// How many of `bytes` may go in now: at most up to the end of the current header or frame. 0
    /// only for no bytes.
    [[nodiscard]] std::size_t admit(ByteView bytes) noexcept;

    /// SASL is through: a second protocol header follows.
    void authenticated() noexcept;

    /// Something came that is not legal where it came: nothing more may go in.
    [[nodiscard]] bool violated() const noexcept { return violated_; }

private:
    enum class Layer : std::uint8_t { header, sasl, amqp };

    void on_head() noexcept;

    std::array<Byte, 8> head_{};  ///< Of the current frame, or the protocol header.
    std::size_t head_bytes_ = 0;
    std::size_t left_ = 0;  ///< Of the current frame, behind its head.
    Layer layer_ = Layer::header;
    bool sasl_done_ = false;
    bool violated_ = false;
};

}  // namespace weir::amqp::detail
