#include "rule_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include <weir/base/topic.hpp>
#include <weir/pipeline/failure.hpp>
#include <weir/pipeline/message_properties.hpp>

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

/// How the text of an action for people is called in its settings.
std::string_view name_of_text(const rules::Action& action) {
    return std::holds_alternative<rules::AlertAction>(action) ? "text" : "message";
}

}  // namespace

RuleRun RuleRunner::run(const rules::RuleDefinition& rule, const RuleMessage& message) {
    RuleRun result;
    result.topic_matches = topic_matches(*rule.program, message.topic);
    if (!result.topic_matches) {
        return result;
    }
    Steps steps{result.steps};
    const auto input = message.input();  // Templates are filled in from it as well.
    const auto evaluated = evaluator_.evaluate(rule, input, &state_, &steps);
    result.is_duplicate = evaluated->is_duplicate;  // All memories are here.
    for (const auto& output : evaluated->outputs) {
        result.matched = true;
        deliver(result, rule, output);
    }
    return result;
}

void RuleRunner::run_before(const rules::RuleDefinition& rule, const RuleMessage& message) {
    if (topic_matches(*rule.program, message.topic)) {
        static_cast<void>(evaluator_.evaluate(rule, message.input(), &state_, nullptr));
    }
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
            if (!request(run, http->sink)) {
                continue;
            }
        } else if (const auto* log = std::get_if<rules::LogAction>(&action)) {
            to = "log";
            text = log->message ? &*log->message : nullptr;
        } else if (const auto* alert = std::get_if<rules::AlertAction>(&action)) {
            to = "alert/" + alert->sink;
            text = &alert->text;
            if ((alert->key && !render(run, "key", *alert->key)) || !request(run, alert->sink)) {
                continue;
            }
        } else {
            auto made = pipeline::render_republish(
                std::get<rules::RepublishAction>(action), evaluator_, property_bytes_
            );
            auto& properties = made.properties;
            if (properties.failure != model::Reason::none) {
                run.failures.push_back(pipeline::message_of({
                    .rule = nullptr,
                    .reason = properties.failure,
                    .error = properties.error,
                    .detail = std::move(properties.detail),
                }));
                continue;
            }
            to = "republish/" + made.topic;
        }
        if (text == nullptr) {
            run.deliveries.push_back({std::move(to), std::string{as_text(output.bytes)}, is_json});
        } else if (auto rendered = render(run, name_of_text(action), *text)) {
            run.deliveries.push_back({std::move(to), std::move(*rendered), false});
        }
    }
}

bool RuleRunner::request(RuleRun& run, const std::string& sink) {
    const auto found = requests_ == nullptr ? Requests::const_iterator{} : requests_->find(sink);
    if (requests_ == nullptr || found == requests_->end()) {
        return true;
    }
    std::string failed;
    const auto parts = found->second.render(evaluator_, &failed);
    if (!parts) {
        run.failures.push_back(failed + ": " + parts.error().message());
    }
    return parts.has_value();
}

std::optional<std::string> RuleRunner::render(
    RuleRun& run, std::string_view part, const rules::Template& text
) {
    const auto rendered = evaluator_.render(text);
    if (!rendered) {
        run.failures.push_back(
            fmt::format("{} {}: {}", part, text.source(), rendered.error().message())
        );
        return std::nullopt;
    }
    return std::string{*rendered};
}

}  // namespace weir::cli
