#include <weir/archive/record_json.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

namespace weir::archive {
namespace {

bool is_json(std::string_view text) {
    boost::system::error_code error;
    boost::json::monotonic_resource memory;
    static_cast<void>(boost::json::parse(text, error, &memory));
    return !error;
}

}  // namespace

std::optional<std::string> json_text(ByteView payload) {
    const auto text = as_text(payload);
    if (!is_json(text)) {
        return std::nullopt;
    }
    std::string out(text.size() + simdjson::SIMDJSON_PADDING, '\0');
    std::size_t size = 0;
    if (simdjson::minify(text.data(), text.size(), out.data(), size) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    out.resize(size);
    return out;
}

std::string payload_members(ByteView payload) {
    if (const auto text = json_text(payload)) {
        return fmt::format(R"("payload":{})", *text);
    }
    return fmt::format(R"("encoding":"base64","payload":"{}")", to_base64(payload));
}

std::string to_json_line(const storage::StreamEntry& entry) {
    const auto& record = entry.record;
    return fmt::format(
               R"({{"offset":{},"time":"{}","topic":"{}","device":"{}",{}}})",
               entry.offset,
               format_time(record.time_ms),
               log::json_escape(record.topic),
               log::json_escape(record.key),
               payload_members(record.payload)
           ) +
           '\n';
}

}  // namespace weir::archive
