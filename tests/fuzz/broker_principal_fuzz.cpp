// Who a stored session belongs to: what is read back is what was written, and no bytes make a named device one that needs no proof.
#include <weir/base/assert.hpp>
#include <weir/broker/durable_records.hpp>

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{data, size};
    const auto named = broker::decode_principal("default", "probe", input);
    WEIR_ASSERT(named->method != model::AuthMethod::anonymous && named->policies.empty());
    const auto nobody = broker::decode_principal("default", "", input);
    WEIR_ASSERT(nobody->method == model::AuthMethod::anonymous);
    for (const auto& principal : {named, nobody}) {
        const auto again = broker::decode_principal(
            principal->tenant, principal->thing, broker::encode_credential(*principal)
        );
        WEIR_ASSERT(again->method == principal->method);
        WEIR_ASSERT(again->credential == principal->credential);
    }
    return 0;
}
