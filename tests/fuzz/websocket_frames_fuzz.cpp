// The first byte says how the rest is cut into reads. Cutting must not change what is decoded.
#include <algorithm>

#include <weir/base/assert.hpp>
#include <weir/websocket/frames.hpp>

namespace {

using namespace weir;
using namespace weir::websocket;

/// Everything that was decoded: kinds of control frames, data, the error.
Bytes decode(ByteView input, std::size_t step) {
    FrameDecoder decoder{Role::server, 1 << 20};
    Bytes out;
    Bytes carry;
    while (!input.empty()) {
        const auto lent = input.first(std::min(step, input.size()));
        input = input.subspan(lent.size());
        append(carry, lent);
        std::span<Byte> in{carry};
        for (;;) {
            const auto event = decoder.next(in);
            if (!event) {
                append_be(out, close_code(event.error()));
                return out;
            }
            if (event->kind == Event::Kind::need_more) {
                break;
            }
            if (event->kind != Event::Kind::data) {
                out.push_back(static_cast<Byte>(event->kind));
                append_be(out, event->close_code);
            }
            append(out, event->data);
        }
        WEIR_ASSERT(in.size() <= kCarryMax);
        carry = Bytes{in.begin(), in.end()};
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    WEIR_ASSERT(decode(input, input.size() + 1) == decode(input, std::size_t{1} + data[0] % 32));
    return 0;
}
