/// What of a rule failed over a message, and what its error action gets of that.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/error.hpp>
#include <weir/model/reason.hpp>
#include <weir/rules/rule_set.hpp>
#include <weir/storage/outbox_room.hpp>

namespace weir::pipeline {

/// An evaluation or an action that failed.
struct Failure {
    const rules::Rule* rule;
    const rules::Action* action = nullptr;  ///< Null: the evaluation.
    model::Reason reason = model::Reason::rule_failed;
    error_code error = {};    ///< Of the evaluation or of a template, if that is what failed.
    std::string detail = {};  ///< Which part of the action, or what is wrong with it; for people.
    /// Of an outbox that had room where all together had none; null: that is not why.
    storage::OutboxRoom* over_budget = nullptr;
};

/// "http", "republish", "stream", "log", "alert".
[[nodiscard]] std::string_view kind_of(const rules::Action& action) noexcept;
/// The sink, the stream, or the topic of a republish as it is written; empty: the log.
[[nodiscard]] std::string_view resource_of(const rules::Action& action) noexcept;
/// "header X-Site ${site}: an expression of the template has no value for this message"
[[nodiscard]] std::string message_of(const Failure& failure);

/// The message that failed.
struct ReportFacts {
    std::string_view rule;
    std::string_view topic;
    std::string_view trace_id;
    std::string_view client_id;
    std::string_view device;
    WallTime time;
    ByteView payload;
};

/// Failures of one message that are told one by one; the others are told by their number.
inline constexpr std::size_t kReportedMax = 20;

/// {"ruleName","topic","traceId","clientId","device","time","base64OriginalPayload",
/// "failures":[{"failedAction","failedResource","errorMessage"}]}, and "moreFailures" if there are more
/// than kReportedMax. Of an evaluation, `failedAction` is "evaluate" and `failedResource` the rule.
[[nodiscard]] std::string error_report(
    const ReportFacts& facts, std::span<const Failure> failures
);

}  // namespace weir::pipeline
