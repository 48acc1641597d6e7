// A decision, once made, must not change with the bytes that follow.
#include <weir/base/assert.hpp>
#include <weir/proxy/preface.hpp>
#include <weir/proxy/sniff.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weir;
    using namespace weir::proxy;
    const ByteView input{data, size};
    const auto whole = parse_preface(input);
    const auto sniffed = sniff(input);
    if (whole) {
        WEIR_ASSERT(whole->size <= size && whole->size <= kPrefaceBytesMax);
        WEIR_ASSERT(sniffed == Sniffed::proxy_preface);
        WEIR_ASSERT(!to_text(whole->source).empty());
    }
    for (std::size_t count = 0; count < size; ++count) {
        const auto part = parse_preface(input.first(count));
        if (part) {
            WEIR_ASSERT(whole && whole->size == part->size && whole->source == part->source);
        } else if (part.error() != errc::need_more) {
            WEIR_ASSERT(!whole && whole.error() == part.error());
        }
        const auto early = sniff(input.first(count));
        WEIR_ASSERT(early == Sniffed::need_more || early == sniffed);
    }
    return 0;
}
