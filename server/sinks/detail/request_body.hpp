/// Records to the body of a request.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

struct RequestBody {
    std::string text;
    std::string_view content_type;
};

/// @param batch  Not empty; of one rule. Its borders may be those of another format, before a reload: `raw` and `cloudevents`
///               then carry several records as a JSON array, and as the batch form.
///
/// Where a payload stands within JSON and is not JSON itself, it becomes a text, or, if it is not
/// UTF-8, {"payload_base64": "..."}. CloudEvents: `id` is "<sink>/<offset>", `source`
/// "/weir/rules/<rule>", `subject` the topic, `time` when the message came, the extension `device`
/// who published it.
[[nodiscard]] RequestBody make_body(
    std::span<const storage::OutboxEntry> batch, const Delivery& delivery, std::string_view sink
);

/// @return Empty if the library fails, which it does not for what fits into memory.
[[nodiscard]] std::string compress(std::string_view text, Compression how);

}  // namespace weir::sinks::detail
