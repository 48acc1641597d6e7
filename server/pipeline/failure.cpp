#include <weir/pipeline/failure.hpp>

#include <algorithm>
#include <array>
#include <variant>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>

namespace weir::pipeline {
namespace {

struct Resource {
    std::string_view operator()(const rules::StreamAction& action) const { return action.stream; }
    std::string_view operator()(const rules::HttpAction& action) const { return action.sink; }
    std::string_view operator()(const rules::RepublishAction& action) const {
        return action.topic.source();
    }
    std::string_view operator()(const rules::LogAction& /*action*/) const { return {}; }
    std::string_view operator()(const rules::AlertAction& action) const { return action.sink; }
};

/// The value of a member, in quotes.
std::string quoted(std::string_view text) {
    return '"' + log::json_escape(text) + '"';
}

std::string entry_of(const Failure& failure) {
    const bool is_action = failure.action != nullptr;
    return R"({"failedAction":)" + quoted(is_action ? kind_of(*failure.action) : "evaluate") +
           R"(,"failedResource":)" +
           quoted(is_action ? resource_of(*failure.action) : failure.rule->name()) +
           R"(,"errorMessage":)" + quoted(message_of(failure)) + '}';
}

}  // namespace

std::string_view kind_of(const rules::Action& action) noexcept {
    constexpr std::array<std::string_view, std::variant_size_v<rules::Action>> kKinds = {
        "stream", "http", "republish", "log", "alert"
    };
    return kKinds[action.index()];
}

std::string_view resource_of(const rules::Action& action) noexcept {
    return std::visit(Resource{}, action);
}

std::string message_of(const Failure& failure) {
    const bool says_all = !failure.error && failure.reason == model::Reason::rule_failed;
    if (says_all && !failure.detail.empty()) {
        return failure.detail;
    }
    const auto why =
        failure.error ? failure.error.message() : std::string{model::info(failure.reason).text};
    return failure.detail.empty() ? why : failure.detail + ": " + why;
}

std::string error_report(const ReportFacts& facts, std::span<const Failure> failures) {
    std::string out = R"({"ruleName":)" + quoted(facts.rule) + R"(,"topic":)" +
                      quoted(facts.topic) + R"(,"traceId":)" + quoted(facts.trace_id) +
                      R"(,"clientId":)" + quoted(facts.client_id) +
                      R"(,"device":)" + quoted(facts.device) + R"(,"time":)" +
                      quoted(format_time(facts.time.count())) + R"(,"base64OriginalPayload":)" +
                      quoted(to_base64(facts.payload)) + R"(,"failures":[)";
    const auto told = failures.first(std::min(failures.size(), kReportedMax));
    for (const Failure& failure : told) {
        out += (&failure == told.data() ? "" : ",") + entry_of(failure);
    }
    out += ']';
    if (told.size() < failures.size()) {
        out += R"(,"moreFailures":)" + std::to_string(failures.size() - told.size());
    }
    return out + '}';
}

}  // namespace weir::pipeline
