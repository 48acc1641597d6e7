// Hostile payloads, and hostile records of what was remembered, under a fixed set of statements. What counts as JSON, and what
// comes out, is held against simdjson's other parser.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/compiler.hpp>
#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

namespace {

using namespace weir;
using namespace weir::rules;

constexpr std::string_view kStatements[] = {
    "SELECT * FROM 'a'",
    "SELECT *, a + b AS sum, a * b AS product, a / b AS quotient, a % b AS rest, -a AS minus FROM "
    "'a'",
    "SELECT a = b AS equal, a < b AS less, a IN b AS inside, NOT a AS n, a AND b AS both FROM 'a'",
    "SELECT (SELECT VALUE x.v FROM a AS x WHERE x.v > 1) AS r, get(a, b) AS g, concat(a, b, 'x') "
    "AS c FROM 'a'",
    "SELECT upper(a) AS u, substring(a, 1, b) AS s, length(a) AS l, replace(a, b, 'xy') AS p FROM "
    "'a'",
    "SELECT regexp_replace(a, b, '$1-') AS r, regexp_substr(a, '[a-z]+') AS s, lpad(a, b) AS l "
    "FROM 'a'",
    "SELECT decode(a, 'base64') AS d, encode(*, 'base64') AS e, md2(a) AS m, sha256(a) AS h FROM "
    "'a'",
    "SELECT cast(a AS int) AS i, cast(a AS decimal) AS d, cast(a AS string) AS s, round(a) AS r "
    "FROM 'a'",
    "SELECT * AS whole, [*, a] AS list, (SELECT VALUE b FROM a) AS inner FROM 'a'",
    "SELECT trunc(a, b) AS t, power(a, b) AS p, bitand(a, b) AS x, sqrt(a) AS q, chr(a) AS c FROM "
    "'a'",
    "SELECT parse_time(b, a) AS p, parse_time('yyyy-MM-dd E w', a, b) AS q, time_to_epoch(a, b) AS "
    "e FROM 'a'",
    "SELECT time_to_epoch(a, 'yyyy-MM-dd HH:mm:ss.SSS VV') AS e, transform('enrichArray', b, a) AS "
    "t FROM 'a'",
};

constexpr std::string_view kNative[] = {
    "FOREACH a AS x DO x.v, b, x AS element INCASE x <> b FROM 'a'",
    "FOREACH concat(a, b) DO VALUE item FROM 'a'",
    "SELECT size(a) AS n, keys(a) AS k, elements(a) AS v, merge(a, b) AS m, contains(a, b) AS c, "
    "slice(a, b) AS s FROM 'a'",
    "SELECT sum(a) AS s, avg(a) AS v, min(a) AS l, max(a) AS h, type_of(a) AS t, coalesce(a, b) AS "
    "c FROM 'a'",
    "SELECT split(a, b) AS s, join(a, b) AS j, parse_json(a) AS p, encode(a, 'hex') AS e, "
    "decode(a, 'hex') AS d FROM 'a'",
    "SELECT read_int(*, a, b) AS i, read_float(*, a, 4) AS f, bits(*, a, b) AS t, "
    "read_int(bytes(a, 'base64'), b, 2, 'signed', 'little') AS o FROM 'a'",
};

std::vector<ProgramPtr> compile_all() {
    std::vector<ProgramPtr> programs;
    for (const auto sql : kNative) {
        document::Diagnostics diagnostics;
        programs.push_back(compile_statement(sql, {}, diagnostics));
        if (programs.back() == nullptr) {
            std::abort();
        }
    }
    for (const auto sql : kStatements) {
        for (const Profile profile : {Profile::native, Profile::aws_2016}) {
            document::Diagnostics diagnostics;
            programs.push_back(compile_statement(sql, {.profile = profile}, diagnostics));
            if (programs.back() == nullptr) {
                std::abort();
            }
        }
    }
    return programs;
}

constexpr std::string_view kRemembering =
    "---\nto: {stream: s}\nstate: {key: \"concat(topic(), a)\"}\ndeduplicate: {by: b, within: 1m}\n---\n"
    "SET @d = a - last(a) SELECT last(a) AS a, last(*) AS whole, changed(b) AS c, last(last(b)) AS two, @d AS d FROM 'a/#' "
    "WHERE changed(a) OR last(b) = b OR true";

/// What a rule remembers of a message is what it finds with the next one, and a record of any bytes is a record.
void remember(Evaluator& evaluator, const Input& input, std::string_view bytes) {
    static const auto kRule = [] {
        document::Diagnostics diagnostics;
        auto rule = parse_rule("r.sql", kRemembering, diagnostics);
        if (!rule) {
            std::abort();
        }
        return std::move(*rule);
    }();
    StateMemory state;
    state.write({"r", StateKind::values, input.topic}, as_bytes(bytes), 0);
    for (int i = 0; i < 3; ++i) {
        const auto evaluated = evaluator.evaluate(kRule, input, &state);
        if (!evaluated || (evaluated->is_duplicate && !evaluated->outputs.empty())) {
            std::abort();
        }
    }
    state.clear();
    Input second = input;
    second.topic = "a/c";
    static_cast<void>(evaluator.evaluate(kRule, second, &state));
}

bool is_json(std::string_view text) {
    static simdjson::dom::parser parser;
    return parser.parse(text.data(), text.size(), false).error() == simdjson::SUCCESS;
}

/// What comes out as JSON is JSON, and what comes out as bytes was none.
void check(const Output& output, std::string_view payload, bool json) {
    if (output.kind == Output::Kind::json) {
        const std::string copy = std::string{as_text(output.bytes)} +
                                 std::string(model::Message::kSpareBytes, '\0');
        const auto out = std::string_view{copy}.substr(0, output.bytes.size());
        // Numbers beyond double, and deep nesting, are beyond the other parser.
        simdjson::dom::parser parser;
        const auto other = parser.parse(out.data(), out.size(), false).error();
        if (other != simdjson::SUCCESS && other != simdjson::NUMBER_ERROR) {
            std::abort();
        }
    }
    if (output.kind == Output::Kind::raw && json && !payload.empty() &&
        payload.find('[') == std::string_view::npos &&
        payload.find('{') == std::string_view::npos) {
        std::abort();  // It was JSON after all.
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto kPrograms = compile_all();
    static Evaluator evaluator;
    const std::string padded = std::string{reinterpret_cast<const char*>(data), size} +
                               std::string(model::Message::kSpareBytes, '\0');
    const auto payload = std::string_view{padded}.substr(0, size);
    const bool json = is_json(payload);
    for (const auto& program : kPrograms) {
        const Input input{.topic = "a/b", .payload = as_bytes(payload)};
        const auto outputs = evaluator.evaluate(*program, input);
        if (outputs.empty() && program->foreach == kNoNode) {
            std::abort();  // None of the statements has a WHERE.
        }
        for (const Output& output : outputs) {
            check(output, payload, json);
        }
    }
    remember(evaluator, {.topic = "a/b", .payload = as_bytes(payload)}, payload);
    return 0;
}
