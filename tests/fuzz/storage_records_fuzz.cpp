// A record that decodes is one that we could have written: encoded again it gives the same bytes.
// The first byte of the input chooses the kind of record.
#include <weir/base/assert.hpp>
#include <weir/storage/records.hpp>
#include <weir/storage/session_records.hpp>

#include <algorithm>

namespace {

using namespace weir;
using namespace weir::storage;

bool same(const Bytes& a, ByteView b) {
    return std::ranges::equal(a, b);
}

/// True but for a tenant that is spelled out where the encoder leaves it away.
template <class Record>
void check_round_trip(const Record& record, ByteView input) {
    Bytes again;
    encode(again, record);
    WEIR_ASSERT(encoded_size(record) == again.size());
    WEIR_ASSERT(same(again, input) || record.tenant == "default");
}

void check_dead_letter(ByteView input) {
    const auto letter = decode_dead_letter(input);
    if (!letter) {
        return;
    }
    Bytes record;
    encode(record, letter->record);
    Bytes again;
    encode(again, letter->note, record);
    WEIR_ASSERT(same(again, input) || letter->record.tenant == "default");
}

/// Not every spelling of a number is the encoder's, so the sums are compared.
void check_usage(ByteView input) {
    const auto delta = decode_usage(input);
    if (!delta) {
        return;
    }
    Bytes again;
    encode(again, *delta);
    const auto twice = decode_usage(again);
    WEIR_ASSERT(twice && *twice == *delta);
}

/// The same bytes again, but for a tenant that is spelled out.
template <class Decode>
void check_session_record(ByteView input, Decode decode) {
    const auto record = decode(input);
    if (!record) {
        return;
    }
    Bytes again;
    encode(again, *record);
    bool spelled_out = false;
    if constexpr (requires { record->tenant; }) {
        spelled_out = record->tenant == "default";
    }
    WEIR_ASSERT(same(again, input) || spelled_out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    switch (data[0] % 10) {
        case 0:
            if (const auto record = decode_stream_record(input)) {
                check_round_trip(*record, input);
            }
            break;
        case 1:
            if (const auto record = decode_outbox_record(input)) {
                check_round_trip(*record, input);
            }
            break;
        case 2:
            check_dead_letter(input);
            break;
        case 3:
            check_usage(input);
            break;
        case 4:
            check_session_record(input, decode_session);
            break;
        case 5:
            check_session_record(input, decode_subscription);
            break;
        case 6:
            check_session_record(input, decode_message);
            break;
        case 7:
            check_session_record(input, decode_will);
            break;
        case 8:
            check_session_record(input, decode_queue_entry);
            break;
        default:
            check_session_record(input, decode_retained);
            break;
    }
    return 0;
}
