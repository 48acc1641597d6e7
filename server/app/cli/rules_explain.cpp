// `weir rules explain`: the value of every clause and expression for one message.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "rule_commands.hpp"
#include "rule_files.hpp"
#include "rule_run.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string rule;
    std::string topic;
    std::string payload;
    std::string device;
    std::vector<std::string> before;  ///< Payloads.
    Format format = Format::table;
};

/// A step below the one that it is a part of.
struct Shown {
    const RuleStep* step;
    std::size_t depth;
};

bool is_part_of(std::string_view inner, std::string_view outer) {
    return inner.data() >= outer.data() && inner.size() < outer.size() &&
           inner.data() + inner.size() <= outer.data() + outer.size();
}

/// A number or a text as it is written: everybody sees its value.
bool is_literal(std::string_view expression) {
    const char c = expression.front();
    return (c >= '0' && c <= '9') ||
           ((c == '\'' || c == '"') && expression.find(c, 1) == expression.size() - 1);
}

/// Steps come innermost first; here the whole stands before its parts.
std::vector<Shown> arranged(const std::vector<RuleStep>& steps) {
    struct Tree {
        const RuleStep* step;
        std::vector<Tree> parts = {};
    };
    std::vector<Tree> roots;
    for (const auto& step : steps) {
        Tree tree{&step};
        auto first = roots.end();
        while (first != roots.begin() && std::prev(first)->step->clause == step.clause &&
               is_part_of(std::prev(first)->step->expression, step.expression)) {
            --first;
        }
        tree.parts.assign(std::make_move_iterator(first), std::make_move_iterator(roots.end()));
        roots.erase(first, roots.end());
        roots.push_back(std::move(tree));
    }
    std::vector<Shown> shown;
    const auto show = [&](const auto& self, const std::vector<Tree>& trees, std::size_t depth) -> void {
        for (const auto& tree : trees) {
            if (tree.parts.empty() && is_literal(tree.step->expression)) {
                continue;
            }
            shown.push_back({tree.step, depth});
            self(self, tree.parts, depth + 1);
        }
    };
    show(show, roots, 0);
    return shown;
}

/// On one line, and not too much of it.
std::string shortened(std::string_view text, std::size_t size_max) {
    std::string out;
    for (const char c : text) {
        const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!space || (!out.empty() && out.back() != ' ')) {
            out += space ? ' ' : c;
        }
    }
    if (out.size() > size_max) {
        out.resize(size_max);
        while (!out.empty() && !is_utf8(out)) {
            out.pop_back();
        }
        out += "...";
    }
    return out;
}

/// Where a payload stops being JSON; nothing if it is, or if there is none.
std::optional<std::size_t> not_json_at(std::string_view payload) {
    if (payload.empty()) {
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = 64;  // Of the evaluator.
    json::stream_parser parser{{}, options};
    boost::system::error_code error;
    const std::size_t read = parser.write_some(payload, error);
    const auto rest = payload.substr(read);
    if (error || rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
        return read;
    }
    parser.finish(error);
    return error ? std::optional{payload.size()} : std::nullopt;
}

std::string as_text(const RuleFile& file, const RuleMessage& message, const RuleRun& run) {
    constexpr std::size_t kWidth = 56;
    std::string out = fmt::format(
        "{}\nFROM     {} {} {}\n",
        file.file.path,
        fmt::join(file.rule.program->filters, ", "),
        run.topic_matches ? "matches" : "does not match",
        message.topic
    );
    if (const auto at = not_json_at(message.payload())) {
        const bool is_cut = *at == message.payload().size();
        out += fmt::format(
            "PAYLOAD  is not JSON, {}: its fields are Undefined\n",
            is_cut ? "it ends too early" : fmt::format("from byte {} on", *at + 1)
        );
    }
    std::string_view clause;
    for (const auto& [step, depth] : arranged(run.steps)) {
        const bool first = std::exchange(clause, step->clause) != step->clause;
        out += fmt::format(
            "{:<8} {:<{}} {}\n",
            first ? clause : "",
            std::string(2 * depth, ' ') + shortened(step->expression, kWidth),
            kWidth + 3,
            shortened(step->value, kWidth)
        );
    }
    for (const auto& delivery : run.deliveries) {
        out += fmt::format("would go to {}: {}\n", delivery.to, delivery.payload);
    }
    for (const auto& failure : run.failures) {
        out += fmt::format("failed: {}\n", failure);
    }
    return out + (run.matched ? "" : run.is_duplicate ? "a duplicate\n" : "no match\n");
}

json::object as_json(const RuleFile& file, const RuleMessage& message, const RuleRun& run) {
    json::array steps;
    for (const auto& [step, depth] : arranged(run.steps)) {
        steps.push_back(
            {{"clause", step->clause},
             {"depth", depth},
             {"expression", step->expression},
             {"value", step->value}}
        );
    }
    json::array deliveries;
    for (const auto& delivery : run.deliveries) {
        deliveries.push_back({{"to", delivery.to}, {"payload", delivery.payload}});
    }
    return {
        {"rule", file.rule.name},
        {"topic_matches", run.topic_matches},
        {"payload_is_json", !message.payload().empty() && !not_json_at(message.payload())},
        {"matched", run.matched},
        {"duplicate", run.is_duplicate},
        {"steps", std::move(steps)},
        {"outputs", std::move(deliveries)},
        {"failures", json::array(run.failures.begin(), run.failures.end())}
    };
}

ExitCode run(const Options& options, const Globals& globals) {
    const auto file = load_rule_file(options.rule, globals);
    RuleMessage message;
    message.topic = options.topic;
    message.set_payload(options.payload);
    message.principal.thing = options.device;
    message.client_id = options.device;
    message.now_ms = SystemClock{}.wall().count();
    RuleRunner runner{file.requests};
    for (const auto& payload : options.before) {
        auto earlier = message;
        earlier.set_payload(payload);
        runner.run_before(file.rule, earlier);
    }
    const auto result = runner.run(file.rule, message);
    if (options.format == Format::json) {
        print_json(as_json(file, message, result));
    } else {
        print(as_text(file, message, result));
    }
    return result.matched && result.failures.empty() ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_rules_explain(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "explain",
        "Why a rule takes a message, or does not: the value of every expression. Exit code 1: it "
        "does not",
        R"(weir rules explain hot --topic data/p7/temp --payload '{"temp":20}')"
        "\n"
        R"(weir rules explain rules.d/hot.sql --topic data/p7/temp --payload '{"temp":20}' -o json)"
    );
    const auto options = std::make_shared<Options>();
    command.add_option("rule", options->rule, "File or name of a rule")->required();
    command.add_option("--topic", options->topic, "Of the message")->required();
    command.add_option("--payload", options->payload, "Of the message (default: none)");
    command.add_option("--device", options->device, "Which publishes it");
    command
        .add_option(
            "--before", options->before, "Payload of a message before it, for last() and changed(); may be repeated"
        )
        ->allow_extra_args(false);
    add_format_without_csv(command, options->format);
    choose(command, chosen, options, run);
}

}  // namespace weir::cli
