#include <weir/sinks/detail/error_report.hpp>

#include <fmt/format.h>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks::detail {

std::string error_report(
    std::string_view sink,
    const ErrorTarget& to,
    const storage::OutboxEntry& entry,
    const storage::DeadLetterNote& note
) {
    const auto& record = entry.record;
    const auto published = published_of(record);
    const bool has_payload = published && published->kept != Published::Kept::dropped;
    return fmt::format(
        R"({{"ruleName":"{}","topic":"{}",{}"device":"{}","time":"{}",{}"base64Output":"{}","deadLetter":{},"attempts":{},)"
        R"("failures":[{{"failedAction":"{}","failedResource":"{}","errorMessage":"{}"}}]}})",
        log::json_escape(record.rule),
        log::json_escape(record.topic),
        published ? fmt::format(R"("clientId":"{}",)", log::json_escape(published->client_id)) : "",
        log::json_escape(record.key),
        format_time(note.time_ms),
        has_payload ? fmt::format(R"("base64OriginalPayload":"{}",)", to_base64(published->payload))
                    : "",
        to_base64(record.payload),
        entry.offset,
        note.attempts,
        log::json_escape(to.action),
        log::json_escape(sink),
        log::json_escape(note.reason)
    );
}

}  // namespace weir::sinks::detail
