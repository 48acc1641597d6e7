#include <weir/rules/document.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <iterator>

#include <weir/document/readers.hpp>
#include <weir/document/yaml.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/compiler.hpp>
#include <weir/rules/detail/targets.hpp>
#include <weir/rules/head_schema.hpp>

namespace weir::rules {
namespace {

using document::Diagnostics;
using document::Node;

constexpr std::string_view kFence = "---";
constexpr std::size_t kTopicBytesMax = 4096;

/// The two halves of a file. Lines count from 1.
struct Halves {
    std::string_view head;
    std::uint32_t head_line = 1;
    std::string_view sql;
    std::uint32_t sql_line = 1;
};

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
        line.remove_suffix(1);
    }
    return line;
}

void report_file(
    Diagnostics& diagnostics, std::string_view file, std::string message, std::string help
) {
    diagnostics.add({
        .code = std::string{code::kFrontMatter},
        .message = std::move(message),
        .file = std::string{file},
        .range = {{1, 1}, {1, 1}},
        .help = std::move(help),
    });
}

std::optional<Halves> split(
    std::string_view file, std::string_view text, Diagnostics& diagnostics
) {
    constexpr std::string_view kHelp =
        "a rule file is a line ---, YAML with at least `to:`, a line ---, then the SQL";
    std::string_view rest = text;
    if (take_line(rest) != kFence) {
        report_file(diagnostics, file, "a rule file begins with a line ---", std::string{kHelp});
        return std::nullopt;
    }
    Halves halves;
    halves.head_line = 2;
    std::uint32_t line = 2;
    const char* const head = rest.data();
    while (!rest.empty()) {
        const char* const begin = rest.data();
        const auto content = take_line(rest);
        ++line;
        if (content == kFence) {
            halves.head = {head, static_cast<std::size_t>(begin - head)};
            halves.sql = rest;
            halves.sql_line = line;
            return halves;
        }
    }
    report_file(diagnostics, file, "no line --- ends the head of the rule", std::string{kHelp});
    return std::nullopt;
}

std::string stem(std::string_view file) {
    const auto slash = file.rfind('/');
    auto base = slash == std::string_view::npos ? file : file.substr(slash + 1);
    const auto point = base.rfind('.');
    return std::string{point == 0 ? base : base.substr(0, point)};
}

/// Reads the head. Every reader reports what is wrong and goes on.
class HeadReader {
public:
    HeadReader(RuleDefinition& rule, const ast::Statement* statement, Diagnostics& diagnostics)
        : rule_{rule}, statement_{statement}, diagnostics_{diagnostics} {}

    void read_actions(const Node& head);
    void read_memory(const Node& head);

private:
    std::optional<Action> action(const Node& node);
    std::optional<Action> stream(const Node& node);
    std::optional<Action> http(const Node& node);
    std::optional<Action> republish(const Node& node);
    Batch batch(const Node& node);
    [[nodiscard]] detail::TemplateContext templates() const {
        return {rule_.profile, statement_, diagnostics_};
    }
    void read_limits(const Node& node, std::string_view age, StateLimits& limits);
    ProgramPtr expression(const Node& node);

    template <class T>
    void assign(T& out, const std::optional<T>& value) {
        if (value) {
            out = *value;
        }
    }

    RuleDefinition& rule_;
    const ast::Statement* statement_;
    Diagnostics& diagnostics_;
};

void HeadReader::read_actions(const Node& head) {
    if (const auto to = document::require_key(head, diagnostics_, "to")) {
        const auto items = document::one_or_more(*to);
        if (items.empty()) {
            document::report(
                diagnostics_,
                *to,
                code::kFrontMatter,
                "the rule sends its output nowhere",
                "add an action: - stream: name"
            );
        }
        if (items.size() > kActionsMax) {
            document::report(
                diagnostics_,
                *to,
                code::kLimit,
                fmt::format("a rule has at most {} actions", kActionsMax)
            );
        }
        for (const Node& item : items) {
            if (auto read = action(item)) {
                rule_.actions.push_back(std::move(*read));
            }
        }
    }
    if (const auto on_error = head.get("on_error")) {
        rule_.on_error = action(*on_error);
    }
}

std::optional<Action> HeadReader::action(const Node& node) {
    if (!document::expect_mapping(node, diagnostics_, "an action like {stream: name}") ||
        !document::check_keys(node, diagnostics_, head_schema(), "to[]", "an action")) {
        return std::nullopt;
    }
    if (node.size() != 1) {
        document::report(
            diagnostics_,
            node,
            code::kFrontMatter,
            "an action has one key: stream, http, republish, log, alert"
        );
        return std::nullopt;
    }
    const auto entry = node.entries().front();
    const auto kind = entry.key.text();
    if (kind == "stream") {
        return stream(entry.value);
    }
    if (kind == "log") {
        return detail::read_log(entry.value, templates());
    }
    if (kind == "alert") {
        return detail::read_alert(entry.value, templates());
    }
    return kind == "http" ? http(entry.value) : republish(entry.value);
}

std::optional<Action> HeadReader::stream(const Node& node) {
    const auto name = document::as_string(node, diagnostics_, {.min = 1, .max = 256});
    return name ? std::optional<Action>{StreamAction{*name}} : std::nullopt;
}

std::optional<Action> HeadReader::http(const Node& node) {
    static constexpr std::array<document::Word<Body>, 5> kBodies = {
        {{"json", Body::json},
         {"json-lines", Body::json_lines},
         {"array", Body::array},
         {"cloudevents", Body::cloudevents},
         {"raw", Body::raw}}
    };
    if (!document::expect_mapping(node, diagnostics_, "{sink: name}")) {
        return std::nullopt;
    }
    document::check_keys(
        node, diagnostics_, head_schema(), "to[].http", "a setting of an HTTP action"
    );
    HttpAction result;
    const auto sink = document::require_key(node, diagnostics_, "sink");
    if (!sink) {
        return std::nullopt;
    }
    assign(result.sink, document::as_string(*sink, diagnostics_, {.min = 1, .max = 256}));
    if (const auto body = node.get("body")) {
        result.body = document::as_enum<Body>(*body, diagnostics_, kBodies);
    }
    if (const auto limits = node.get("batch")) {
        result.batch = batch(*limits);
    }
    return result;
}

Batch HeadReader::batch(const Node& node) {
    using std::chrono_literals::operator""s;
    Batch result;
    if (!document::expect_mapping(node, diagnostics_, "{messages: 100, bytes: 256KiB, wait: 1s}")) {
        return result;
    }
    document::check_keys(
        node, diagnostics_, head_schema(), "to[].http.batch", "a limit of a batch"
    );
    if (const auto messages = node.get("messages")) {
        const auto count = document::as_int(*messages, diagnostics_, {.min = 1, .max = 10'000});
        result.messages = static_cast<std::uint32_t>(count.value_or(1));
    }
    if (const auto bytes = node.get("bytes")) {
        assign(
            result.bytes,
            document::as_size(*bytes, diagnostics_, {.min = 1024, .max = 16 * 1024 * 1024})
        );
    }
    if (const auto wait = node.get("wait")) {
        assign(result.wait, document::as_duration(*wait, diagnostics_, {.max = 60s}));
    }
    return result;
}

std::optional<Action> HeadReader::republish(const Node& node) {
    if (!document::expect_mapping(node, diagnostics_, "{topic: template}")) {
        return std::nullopt;
    }
    document::check_keys(
        node, diagnostics_, head_schema(), "to[].republish", "a setting of a republish"
    );
    const auto topic = document::require_key(node, diagnostics_, "topic");
    if (!topic) {
        return std::nullopt;
    }
    RepublishAction result;
    if (const auto qos = node.get("qos")) {
        const auto level = document::as_int(*qos, diagnostics_, {.min = 0, .max = 1});
        result.qos = static_cast<model::Qos>(level.value_or(0));
    }
    if (const auto retain = node.get("retain")) {
        assign(result.retain, document::as_bool(*retain, diagnostics_));
    }
    auto compiled = templates().compile(*topic, kTopicBytesMax, true);
    if (!compiled) {
        return std::nullopt;
    }
    const bool wildcard = std::ranges::any_of(compiled->parts(), [](const Template::Part& part) {
        return part.text.find_first_of("+#") != std::string::npos;
    });
    if (wildcard) {
        document::report(
            diagnostics_, *topic, code::kTopicFilter, "a topic to publish to has no wildcards"
        );
        return std::nullopt;
    }
    result.topic = std::move(*compiled);
    result.properties = detail::read_properties(node, templates());
    return result;
}

ProgramPtr HeadReader::expression(const Node& node) {
    const auto text = document::as_string(node, diagnostics_, {.min = 1, .max = 4096});
    return text ? compile_expression(
                      *text,
                      {.profile = rule_.profile, .place = {node.file(), node.range().begin}},
                      statement_,
                      diagnostics_
                  )
                : nullptr;
}

/// @param age  What the key for the age is called.
void HeadReader::read_limits(const Node& node, std::string_view age, StateLimits& limits) {
    using std::chrono_literals::operator""s;
    using std::chrono_literals::operator""h;
    if (const auto keys = node.get("keys")) {
        const auto count = document::as_int(*keys, diagnostics_, {.min = 1, .max = 1'000'000});
        limits.keys = static_cast<std::uint64_t>(count.value_or(1));
    }
    if (const auto bytes = node.get("bytes")) {
        assign(
            limits.bytes,
            document::as_size(*bytes, diagnostics_, {.min = 64 * 1024, .max = 256 * 1024 * 1024})
        );
    }
    if (const auto value = node.get(age)) {
        assign(limits.age, document::as_duration(*value, diagnostics_, {.min = 1s, .max = 24h * 366}));
    }
}

void HeadReader::read_memory(const Node& head) {
    if (const auto state = head.get("state");
        state && document::expect_mapping(*state, diagnostics_, "{key: topic(2), age: 7d}")) {
        document::check_keys(*state, diagnostics_, head_schema(), "state", "a setting of state");
        read_limits(*state, "age", rule_.state.limits);
        if (const auto key = state->get("key")) {
            rule_.state.key = expression(*key);
        }
    }
    if (const auto node = head.get("deduplicate");
        node && document::expect_mapping(*node, diagnostics_, "{by: id, within: 10m}")) {
        document::check_keys(
            *node, diagnostics_, head_schema(), "deduplicate", "a setting of deduplicate"
        );
        Deduplicate& deduplicate = rule_.deduplicate.emplace();
        read_limits(*node, "within", deduplicate.limits);
        static_cast<void>(document::require_key(*node, diagnostics_, "within"));
        if (const auto by = document::require_key(*node, diagnostics_, "by")) {
            deduplicate.by = expression(*by);
        }
    }
    if (head.get("state") && rule_.program != nullptr && !rule_.remembers()) {
        document::report(
            diagnostics_,
            *head.get("state"),
            code::kState,
            "the rule remembers nothing",
            "use last(...) or changed(...) in the statement, or leave `state` out"
        );
    }
}

/// The keys of which the SQL's meaning depends, or nobody's.
void read_settings(RuleDefinition& rule, const Node& head, Diagnostics& diagnostics) {
    if (const auto node = head.get("description")) {
        if (auto text = document::as_string(*node, diagnostics, {.min = 0, .max = 4096})) {
            rule.description = std::move(*text);
        }
    }
    if (const auto node = head.get("profile")) {
        if (const auto index = document::as_choice(*node, diagnostics, kProfileNames)) {
            rule.profile = static_cast<Profile>(*index);
        }
    }
    if (const auto node = head.get("enabled")) {
        rule.enabled = document::as_bool(*node, diagnostics).value_or(true);
    }
}

}  // namespace

std::optional<RuleDefinition> parse_rule(
    std::string_view file,
    std::string_view text,
    document::Diagnostics& diagnostics,
    RuleDefinition* faulty
) {
    const std::size_t errors_before = diagnostics.errors();
    diagnostics.add_source(file, text);
    const auto halves = split(file, text, diagnostics);
    if (!halves) {
        return std::nullopt;
    }
    RuleDefinition rule{.name = stem(file)};
    rule.source = {std::string{file}, halves->sql_line};
    const auto parsed = document::Document::parse(
        halves->head, file, diagnostics, {.first_line = halves->head_line}
    );
    const bool readable =
        parsed && document::expect_mapping(parsed->root(), diagnostics, "the head of a rule");
    if (readable) {
        document::check_keys(
            parsed->root(), diagnostics, head_schema(), "", "a setting of a rule"
        );
        read_settings(rule, parsed->root(), diagnostics);
    }
    std::optional<ast::Statement> statement;
    rule.program = compile_statement(
        halves->sql,
        {.profile = rule.profile,
         .place = {file, {halves->sql_line, 1}},
         .filter_required = rule.profile == Profile::native},
        diagnostics,
        &statement
    );
    if (readable) {
        HeadReader reader{rule, statement ? &*statement : nullptr, diagnostics};
        reader.read_actions(parsed->root());
        reader.read_memory(parsed->root());
    }
    if (diagnostics.errors() == errors_before) {
        return rule;
    }
    if (faulty != nullptr) {
        *faulty = std::move(rule);
    }
    return std::nullopt;
}

}  // namespace weir::rules
