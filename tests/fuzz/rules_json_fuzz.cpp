// Any bytes as the JSON of a payload, held against a reader that is slow and plain: the same texts are JSON, with the same
// values under the same names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <weir/model/message.hpp>
#include <weir/rules/detail/json.hpp>

#include "../support/json_reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weir;
    static rules::detail::Json json;
    const std::string padded = std::string{reinterpret_cast<const char*>(data), size} +
                               std::string(model::Message::kSpareBytes, '\0');
    const auto text = std::string_view{padded}.substr(0, size);
    const auto expected = test::JsonReferenceReader{text}.read();
    const bool valid = json.parse(as_bytes(text));
    if (valid != expected.has_value() ||
        (valid && !test::same(*expected, json.at(rules::detail::Json::kRoot)))) {
        std::abort();
    }
    json.release_excess();
    return 0;
}
