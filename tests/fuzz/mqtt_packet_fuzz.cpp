// One packet, decoded in every version from either end. What is valid must survive being encoded
// and decoded again. Input: the bytes of a packet.
#include <cstdint>

#include <weir/base/assert.hpp>
#include <weir/mqtt/decoder.hpp>

#include "../support/encode_packet.hpp"

namespace {

using namespace weir;
using namespace weir::mqtt;
using test::encode;

constexpr std::uint32_t kNoLimit = 1U << 28U;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto frame = read_frame({data, size}, kNoLimit);
    if (!frame) {
        return 0;
    }
    for (const auto version : {Version::v31, Version::v311, Version::v5}) {
        for (const auto sender : {Role::client, Role::server}) {
            const DecodeOptions options{.version = version, .sender = sender};
            const auto packet = decode(*frame, options);
            if (!packet) {
                continue;
            }
            const Bytes once = encode(*packet, version);
            WEIR_ASSERT(once.size() <= frame->size + 2);
            const auto again_frame = read_frame(once, kNoLimit);
            WEIR_ASSERT(again_frame.has_value() && again_frame->size == once.size());
            const auto again = decode(*again_frame, options);
            WEIR_ASSERT(again.has_value());
            WEIR_ASSERT(encode(*again, version) == once);
        }
    }
    return 0;
}
