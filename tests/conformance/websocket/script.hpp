/// A client's frames, one after the other.
#pragma once

#include <string_view>

#include <weir/websocket/frames.hpp>

namespace weir::websocket::test {

class Script {
public:
    Script& binary(std::string_view data) { return frame(Opcode::binary, data); }
    Script& text(std::string_view data) { return frame(Opcode::text, data); }
    Script& ping(std::string_view data) { return frame(Opcode::ping, data); }
    Script& pong(std::string_view data) { return frame(Opcode::pong, data); }
    Script& close() { return frame(Opcode::close, {}); }
    Script& close(std::uint16_t code, std::string_view reason = {}) {
        Bytes payload;
        append_be(payload, code);
        append(payload, reason);
        return frame(Opcode::close, as_text(payload));
    }
    /// A fragment that another follows.
    Script& begin(std::string_view data) { return frame(Opcode::binary, data, false); }
    Script& more(std::string_view data) { return frame(Opcode::continuation, data, false); }
    Script& last(std::string_view data) { return frame(Opcode::continuation, data); }
    Script& frame(Opcode opcode, std::string_view data, bool final = true) {
        append(bytes_, client_frame(opcode, as_bytes(data), kMask, final));
        return *this;
    }
    /// A frame whose first byte (FIN, reserved bits, opcode) is `first`.
    Script& odd(unsigned first, std::string_view data) {
        const std::size_t at = bytes_.size();
        frame(Opcode::binary, data);
        bytes_[at] = static_cast<Byte>(first);
        return *this;
    }
    Script& raw(ByteView bytes) {
        append(bytes_, bytes);
        return *this;
    }

    operator Bytes() const { return bytes_; }  // NOLINT(google-explicit-constructor)

private:
    static constexpr std::uint32_t kMask = 0x37FA213D;

    Bytes bytes_;
};

}  // namespace weir::websocket::test
