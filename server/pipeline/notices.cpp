#include <weir/pipeline/notices.hpp>

#include <weir/base/text.hpp>

namespace weir::pipeline {

std::string notice_text(ByteView text) {
    const std::string_view whole = as_text(text);
    const auto shown = utf8_start(whole, kNoticeBytesMax);
    if (!is_utf8(shown)) {
        return std::to_string(whole.size()) + " bytes";
    }
    return std::string{shown} + (shown.size() < whole.size() ? "..." : "");
}

std::string alert_json(std::string_view text, const AlertFacts& facts) {
    std::string shown{text};
    if (facts.held_back > 0) {
        shown += " (" + std::to_string(facts.held_back) + " more since the last one)";
    }
    return R"({"text":")" + log::json_escape(shown) + R"(","rule":")" +
           log::json_escape(facts.rule) + R"(","key":")" + log::json_escape(facts.key) +
           R"(","topic":")" + log::json_escape(facts.topic) + R"(","device":")" +
           log::json_escape(facts.device) + R"(","time":")" + format_time(facts.time.count()) +
           R"(","held_back":)" + std::to_string(facts.held_back) +
           (facts.report.empty() ? "" : R"(,"report":)") + std::string{facts.report} + '}';
}

void LogNotice::write() const {
    log::write(
        level,
        "rule_log",
        {{"rule", rule},
         {"topic", topic},
         {"device", device},
         {"message", text},
         {"held_back", held_back}}
    );
}

}  // namespace weir::pipeline
