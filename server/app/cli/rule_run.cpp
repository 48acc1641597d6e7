#include "rule_run.hpp"

#include <algorithm>
#include <variant>

#include <weir/base/topic.hpp>

namespace weir::cli {
namespace {

class Steps final : public rules::Recorder {
public:
    explicit Steps(std::vector<RuleStep>& steps) : steps_{steps} {}

    void clause(std::string_view name) override { clause_ = name; }
    void evaluated(std::string_view expression, const rules::Value& value) override {
        constexpr std::size_t kStepsMax = 1'000;  // A query over a long list repeats itself.
        if (steps_.size() < kStepsMax) {
            steps_.push_back({clause_, expression, rules::shown(value), value.is_undefined()});
        }
    }

private:
    std::vector<RuleStep>& steps_;
    std::string_view clause_;
};

bool topic_matches(const rules::Program& program, std::string_view topic) {
    const auto profile = program.profile == rules::Profile::native ? TopicProfile::mqtt
                                                                   : TopicProfile::aws;
    return program.filters.empty() ||
           std::ranges::any_of(program.filters, [&](const std::string& filter) {
               return filter_matches(filter, topic, profile);
           });
}

}  // namespace

RuleRun RuleRunner::run(
    const rules::RuleDefinition& rule, const RuleMessage& message, bool record
) {
    RuleRun result;
    result.topic_matches = topic_matches(*rule.program, message.topic);
    if (!result.topic_matches) {
        return result;
    }
    Steps steps{result.steps};
    const auto input = message.input();  // Templates are filled in from it as well.
    const auto evaluated = evaluator_.evaluate(rule, input, &state_, record ? &steps : nullptr);
    result.is_duplicate = evaluated->is_duplicate;  // All memories are here.
    for (const auto& output : evaluated->outputs) {
        result.matched = true;
        deliver(result, rule, output);
    }
    return result;
}

void RuleRunner::deliver(
    RuleRun& run, const rules::RuleDefinition& rule, const rules::Output& output
) {
    if (output.kind == rules::Output::Kind::failed) {
        run.failures.push_back(output.error.message());
        return;
    }
    const bool is_json = output.kind == rules::Output::Kind::json;
    for (const auto& action : rule.actions) {
        std::string to;
        const rules::Template* text = nullptr;  // Is sent instead of the output.
        if (const auto* stream = std::get_if<rules::StreamAction>(&action)) {
            to = "stream/" + stream->stream;
        } else if (const auto* http = std::get_if<rules::HttpAction>(&action)) {
            to = "http/" + http->sink;
        } else if (const auto* log = std::get_if<rules::LogAction>(&action)) {
            to = "log";
            text = log->message ? &*log->message : nullptr;
        } else if (const auto* alert = std::get_if<rules::AlertAction>(&action)) {
            to = "alert/" + alert->sink;
            text = &alert->text;
        } else {
            const auto topic = evaluator_.render(std::get<rules::RepublishAction>(action).topic);
            if (!topic) {
                run.failures.push_back(topic.error().message());
                continue;
            }
            to = "republish/" + std::string{*topic};
        }
        if (text != nullptr) {
            const auto rendered = evaluator_.render(*text);
            if (!rendered) {
                run.failures.push_back(rendered.error().message());
                continue;
            }
            run.deliveries.push_back({std::move(to), std::string{*rendered}, false});
            continue;
        }
        run.deliveries.push_back({std::move(to), std::string{as_text(output.bytes)}, is_json});
    }
}

}  // namespace weir::cli
