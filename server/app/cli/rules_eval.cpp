// `weir rules eval --batch`: statements and messages by the line, for comparing the language with others.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/document/codes.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/compiler.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

#include "rule_commands.hpp"
#include "rule_message.hpp"

namespace weir::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kLineBytesMax = 16 * 1024 * 1024;
constexpr std::size_t kDepthMax = 512;

/// What a line came to, when it is no output.
struct Problem {
    std::string code;
    std::string message;
    document::Position at = {};
};

/// Throws Problem.
[[noreturn]] void refuse(std::string_view code, std::string message) {
    throw Problem{std::string{code}, std::move(message)};
}

std::string json_text(std::string_view text) {
    return '"' + log::json_escape(text) + '"';
}

/// Members of the line, checked one by one. Unknown ones are nobody's business.
class Fields {
public:
    explicit Fields(const json::object& members) : members_{members} {}

    [[nodiscard]] const json::value* find(std::string_view name) const {
        const auto* value = members_.if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const {
        const auto* value = find(name);
        if (value == nullptr) {
            return std::nullopt;
        }
        if (!value->is_string()) {
            refuse(document::code::kWrongType, fmt::format("`{}` is not a text", name));
        }
        return std::string_view{value->get_string()};
    }
    [[nodiscard]] std::string text_or(std::string_view name, std::string_view fallback) const {
        return std::string{text(name).value_or(fallback)};
    }
    [[nodiscard]] std::string bytes(std::string_view name) const {
        const auto decoded = from_base64(text(name).value_or(""));
        if (!decoded) {
            refuse(document::code::kWrongType, fmt::format("`{}` is not base64", name));
        }
        return std::string{as_text(*decoded)};
    }
    [[nodiscard]] bool is_true(std::string_view name) const {
        const auto* value = find(name);
        return value != nullptr && value->is_bool() && value->get_bool();
    }
    [[nodiscard]] std::int64_t number_or(std::string_view name, std::int64_t fallback) const {
        const auto* value = find(name);
        if (value == nullptr) {
            return fallback;
        }
        boost::system::error_code error;
        const auto number = value->to_number<std::int64_t>(error);
        if (error) {
            refuse(document::code::kWrongType, fmt::format("`{}` is not a whole number", name));
        }
        return number;
    }
    /// Calls `use(name, text)` with each member.
    template <class Use>
    void each_text(Use use) const {
        for (const auto& [name, value] : members_) {
            use(name, text(name).value_or(""));
        }
    }
    /// No fields if it is missing.
    [[nodiscard]] Fields object(std::string_view name) const {
        static const json::object kNone;
        const auto* value = find(name);
        if (value != nullptr && !value->is_object()) {
            refuse(document::code::kWrongType, fmt::format("`{}` is not an object", name));
        }
        return Fields{value == nullptr ? kNone : value->get_object()};
    }

private:
    const json::object& members_;
};

void require(bool fits, std::string_view what) {
    if (!fits) {
        refuse(document::code::kOutOfRange, fmt::format("`{}` has more than 65535 bytes", what));
    }
}

void read_mqtt5(RuleMessage& message, const Fields& mqtt5) {
    if (const auto format = mqtt5.text("format_indicator")) {
        message.add_payload_format(*format == "UTF8_DATA");
    }
    if (const auto type = mqtt5.text("content_type")) {
        require(message.add_content_type(*type), "content_type");
    }
    if (const auto topic = mqtt5.text("response_topic")) {
        require(message.add_response_topic(*topic), "response_topic");
    }
    if (mqtt5.text("correlation_data")) {
        require(message.add_correlation_data(mqtt5.bytes("correlation_data")), "correlation_data");
    }
}

void read_user_properties(RuleMessage& message, const json::value& pairs) {
    constexpr std::string_view kExpected = "`user_properties` is not a list of [key, value]";
    if (!pairs.is_array()) {
        refuse(document::code::kWrongType, std::string{kExpected});
    }
    for (const auto& pair : pairs.get_array()) {
        const auto* both = pair.if_array();
        if (both == nullptr || both->size() != 2 || !(*both)[0].is_string() ||
            !(*both)[1].is_string()) {
            refuse(document::code::kWrongType, std::string{kExpected});
        }
        require(
            message.add_user_property((*both)[0].get_string(), (*both)[1].get_string()),
            "user_properties"
        );
    }
}

/// The device that published, for the native profile.
void read_thing(RuleMessage& message, const Fields& context) {
    message.principal.thing = context.text_or("thing", "");
    message.principal.thing_type = context.text_or("thing_type", "");
    context.object("attributes").each_text([&](std::string_view name, std::string_view value) {
        message.principal.attributes.emplace_back(name, value);
    });
    const auto qos = context.number_or("qos", 0);
    if (qos < 0 || qos > 2) {
        refuse(document::code::kOutOfRange, "`qos` is 0, 1 or 2");
    }
    message.qos = static_cast<model::Qos>(qos);
}

/// What the cases leave out is as in the head of rules-sql-cases.json.
RuleMessage read_message(const Fields& fields) {
    RuleMessage message;
    message.topic = fields.text_or("topic", "");
    require(message.topic.size() <= 65'535, "topic");
    message.set_payload(
        fields.text("payload_base64") ? fields.bytes("payload_base64")
                                      : fields.text_or("payload", "")
    );
    const auto context = fields.object("context");
    message.client_id = context.text_or("clientid", "dev-1");
    message.trace_id = context.text_or("traceid", "12345678-1234-1234-1234-123456789012");
    message.source_ip = context.text_or("sourceip", "");
    message.principal.tenant = context.text_or("accountid", "123456789012");
    message.principal.credential = context.text_or("principal", "pppppppp");
    message.principal.method = model::AuthMethod::x509;
    message.now_ms = context.number_or("now", 1'700'000'000'123);
    message.protocol = context.is_true("http") ? model::Protocol::http : model::Protocol::mqtt;
    read_thing(message, context);
    read_mqtt5(message, context.object("mqtt5"));
    if (const auto* pairs = context.find("user_properties")) {
        read_user_properties(message, *pairs);
    }
    return message;
}

rules::Profile read_profile(const Fields& fields) {
    const auto version = fields.text_or("version", "2016-03-23");
    const auto group = fields.text_or("profile", "");
    if (const auto named = rules::parse_profile(group)) {
        return *named;
    }
    if (!group.empty() && group != "set") {
        refuse(document::code::kUnknownValue, fmt::format("there is no profile '{}'", group));
    }
    // `beta` is the newest one.
    const auto profile = rules::parse_profile(version == "beta" ? "aws-2016-03-23" : "aws-" + version);
    if (!profile) {
        refuse(document::code::kUnknownValue, fmt::format("there is no version '{}'", version));
    }
    return *profile;
}

/// One evaluator for all lines, as a shard has, and one memory: lines of one rule_name know what came before.
class Batch {
public:
    /// @return The answer, without a line end.
    [[nodiscard]] std::string answer(std::string_view line);

private:
    [[nodiscard]] std::string evaluate(const Fields& fields);
    [[nodiscard]] std::string statement(std::string_view sql, const Fields& fields);
    [[nodiscard]] std::string fill_in(std::string_view text, const Fields& fields);

    rules::Evaluator evaluator_;
    rules::StateMemory state_;
};

/// The first of the errors, which there is.
[[noreturn]] void refuse(const document::Diagnostics& diagnostics) {
    for (const auto& each : diagnostics.sorted()) {
        if (each.severity == document::Severity::error) {
            throw Problem{
                each.code, each.help.empty() ? each.message : each.message + "; " + each.help, each.range.begin
            };
        }
    }
    refuse(rules::code::kSyntax, "the statement cannot be read");
}

std::string raw_member(const rules::Output& output) {
    return R"("raw_base64":)" + json_text(to_base64(output.bytes));
}

std::string json_members(std::string_view output) {
    return fmt::format(R"("output":{},"output_text":{})", output, json_text(output));
}

/// What FOREACH made, as one list; bytes in it are {"raw_base64"}.
std::string list_of(std::span<const rules::Output> outputs) {
    std::string list = "[";
    for (const auto& output : outputs) {
        list += output.index == 0 ? "" : ",";
        list += output.kind == rules::Output::Kind::raw ? '{' + raw_member(output) + '}'
                                                        : std::string{as_text(output.bytes)};
    }
    return list + ']';
}

/// @param outputs  At least one.
std::string members_of(const rules::Program& program, std::span<const rules::Output> outputs) {
    const rules::Output& first = outputs.front();
    if (first.kind == rules::Output::Kind::failed) {
        refuse(rules::code::kBudget, first.error.message());
    }
    if (program.foreach != rules::kNoNode) {
        return json_members(list_of(outputs));
    }
    if (first.kind == rules::Output::Kind::raw) {
        return raw_member(first);
    }
    const auto text = as_text(first.bytes);
    return text.empty() ? R"("text":"")" : json_members(text);  // SELECT VALUE of Undefined is empty.
}

std::string Batch::statement(std::string_view sql, const Fields& fields) {
    const auto name = fields.text_or("rule_name", "");
    const auto message = read_message(fields);
    auto input = message.input();
    document::Diagnostics diagnostics;
    // Without a name, a statement knows only of lines that are the same statement.
    rules::RuleDefinition rule{.name = name.empty() ? std::string{sql} : name};
    rule.profile = read_profile(fields);
    rule.program = rules::compile_statement(
        sql, {.profile = rule.profile, .filter_required = name.empty()}, diagnostics
    );
    if (rule.program == nullptr) {
        refuse(diagnostics);
    }
    std::optional<std::string> result;
    const auto set = rules::RuleSet::build({std::move(rule)});
    if (const auto ingest = rules::parse_basic_ingest(input.topic); ingest && !name.empty()) {
        input.topic = ingest->topic;
        const auto* const named = set->find(ingest->rule);
        const auto evaluated = named == nullptr
                                   ? std::nullopt
                                   : evaluator_.evaluate(named->definition(), input, &state_);
        if (evaluated && !evaluated->outputs.empty()) {
            result = members_of(named->program(), evaluated->outputs);
        }
    } else {
        std::optional<Problem> problem;  // The evaluator lets no exception through.
        evaluator_.evaluate(*set, input, &state_, [&](const rules::Rule& rule_of_line, const rules::Evaluated& evaluated) {
            if (evaluated.outputs.empty()) {
                return;
            }
            try {
                result = members_of(rule_of_line.program(), evaluated.outputs);
            } catch (Problem& failed) {
                problem = std::move(failed);
            }
        });
        if (problem) {
            throw Problem{std::move(*problem)};
        }
    }
    return result.value_or(R"("no_match":true)");
}

std::string Batch::fill_in(std::string_view text, const Fields& fields) {
    const auto message = read_message(fields);
    document::Diagnostics diagnostics;
    const auto compiled = rules::Template::compile(
        text,
        {.compile = {.profile = read_profile(fields)},
         .dollar_escape = fields.text_or("field", "") == "republish.topic"},
        diagnostics
    );
    if (!compiled) {
        refuse(diagnostics);
    }
    const auto filled = evaluator_.render(*compiled, message.input());
    if (!filled) {
        refuse(rules::code::kTemplate, filled.error().message());
    }
    return R"("text":)" + json_text(*filled);
}

std::string Batch::evaluate(const Fields& fields) {
    const auto sql = fields.text("sql");
    const auto text = fields.text("template");
    if (sql.has_value() == text.has_value()) {
        refuse(document::code::kMissingKey, "a line has either `sql` or `template`");
    }
    return sql ? statement(*sql, fields) : fill_in(*text, fields);
}

std::string Batch::answer(std::string_view line) {
    std::string id = "null";
    std::string outcome;
    try {
        if (line.size() > kLineBytesMax) {
            refuse(document::code::kTooLarge, "the line has more than 16 MiB");
        }
        json::monotonic_resource memory;
        boost::system::error_code error;
        json::parse_options options;
        options.max_depth = kDepthMax;
        const auto parsed = json::parse(line, error, &memory, options);
        if (error || !parsed.is_object()) {
            refuse(
                document::code::kSyntax,
                error ? "the line is not JSON: " + error.message() : "the line is not a JSON object"
            );
        }
        const Fields fields{parsed.get_object()};
        if (const auto* given = fields.find("id")) {
            id = json::serialize(*given);
        }
        outcome = evaluate(fields);
    } catch (const Problem& problem) {
        outcome = fmt::format(
            R"("error":{{"code":{},"message":{},"line":{},"column":{}}})",
            json_text(problem.code),
            json_text(problem.message),
            problem.at.line,
            problem.at.column
        );
    }
    return fmt::format(R"({{"id":{},{}}})", id, outcome);
}

/// One byte more than the limit is kept of a line that is longer.
bool read_line(std::istream& in, std::string& line) {
    line.clear();
    auto* const buffer = in.rdbuf();
    constexpr auto kEnd = std::char_traits<char>::eof();
    auto c = buffer->sbumpc();
    if (c == kEnd) {
        return false;
    }
    for (; c != kEnd && c != '\n'; c = buffer->sbumpc()) {
        if (line.size() <= kLineBytesMax) {
            line.push_back(static_cast<char>(c));
        }
    }
    return true;
}

ExitCode run(const std::string& file) {
    std::ios::sync_with_stdio(false);
    std::ifstream opened;
    if (file != "-") {
        opened.open(file, std::ios::binary);
        if (!opened) {
            throw Failure{fmt::format("cannot read '{}'", file)};
        }
    }
    std::istream& in = file == "-" ? std::cin : opened;
    Batch batch;
    for (std::string line; read_line(in, line);) {
        if (line.find_first_not_of(" \t\r") != std::string::npos) {
            print(batch.answer(line) + '\n');
        }
    }
    return ExitCode::ok;
}

}  // namespace

void add_rules_eval(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "eval",
        "Evaluate statements and templates, one JSON object per line; needs no gateway",
        "weir rules eval --batch cases.ndjson\n"
        R"(echo '{"id":1,"sql":"SELECT a FROM '\''t'\''","topic":"t","payload":"{\"a\":1}"}' | )"
        "weir rules eval --batch -"
    );
    const auto file = std::make_shared<std::string>();
    command
        .add_option(
            "--batch",
            *file,
            "Lines {id, sql or template, topic, payload or payload_base64, context, rule_name, "
            "version}; -: standard input. AWS semantics unless a line says profile: native. The answer to a line has one "
            "of output (with output_text; for FOREACH a list), text, raw_base64, no_match and error"
        )
        ->required()
        ->type_name("FILE");
    choose(command, chosen, file, run);
}

}  // namespace weir::cli
