// What sinks keep in the store may be damaged: it decodes, or it is refused. The first byte of the
// input chooses the kind of record, the second is the version of a state.
#include <weir/base/assert.hpp>
#include <weir/sinks/detail/sink_state.hpp>
#include <weir/sinks/record_extras.hpp>

#include <algorithm>

namespace {

using namespace weir;
using namespace weir::sinks;
namespace sink = weir::sinks::detail;

/// What decodes is encoded again to the same headers and the same order key.
void check_extras(ByteView input) {
    const auto headers = decode_headers(input);
    const storage::OutboxRecord record{.headers = input};
    const auto key = order_key_of(record);
    if (!headers) {
        return;
    }
    const auto again = encode_extras(*headers, key, published_of(record));
    const storage::OutboxRecord same{.headers = again};
    WEIR_ASSERT(order_key_of(same) == key);
    WEIR_ASSERT(std::ranges::equal(header_bytes(again), header_bytes(input)));
    WEIR_ASSERT(published_of(same).has_value() == published_of(record).has_value());
}

void check_state(ByteView input) {
    const auto state = input.empty() ? Result<sink::SinkState>{storage::errc::malformed_record}
                                     : sink::decode_state(input.front(), input.subspan(1));
    if (!state) {
        return;
    }
    for (const auto& claim : state->claims) {
        WEIR_ASSERT(!claim.empty() && claim.size() <= sink::kRunsMax);
        for (const auto& run : claim) {
            WEIR_ASSERT(input.front() == 1 || run.first <= run.last);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{data, size};
    if (input.empty()) {
        return 0;
    }
    if (input.front() % 2 == 0) {
        check_extras(input.subspan(1));
    } else {
        check_state(input.subspan(1));
    }
    return 0;
}
