// Hostile payloads under a fixed set of statements. What counts as JSON, and what comes out, is held against simdjson's
// other parser.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/compiler.hpp>
#include <weir/rules/evaluator.hpp>

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
    "SELECT trunc(a, b) AS t, power(a, b) AS p, bitand(a, b) AS x, sqrt(a) AS q, chr(a) AS c FROM "
    "'a'",
    "SELECT parse_time(b, a) AS p, parse_time('yyyy-MM-dd E w', a, b) AS q, time_to_epoch(a, b) AS "
    "e FROM 'a'",
    "SELECT time_to_epoch(a, 'yyyy-MM-dd HH:mm:ss.SSS VV') AS e, transform('enrichArray', b, a) AS "
    "t FROM 'a'",
};

std::vector<ProgramPtr> compile_all() {
    std::vector<ProgramPtr> programs;
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

bool is_json(std::string_view text) {
    static simdjson::dom::parser parser;
    return parser.parse(text.data(), text.size(), false).error() == simdjson::SUCCESS;
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
        const auto output =
            evaluator.evaluate(*program, {.topic = "a/b", .payload = as_bytes(payload)});
        if (!output) {
            std::abort();  // None of the statements has a WHERE.
        }
        if (output->kind == Output::Kind::json) {
            const std::string copy = std::string{as_text(output->bytes)} +
                                     std::string(model::Message::kSpareBytes, '\0');
            const auto out = std::string_view{copy}.substr(0, output->bytes.size());
            // Numbers beyond double, and deep nesting, are beyond the other parser.
            simdjson::dom::parser parser;
            const auto other = parser.parse(out.data(), out.size(), false).error();
            if (other != simdjson::SUCCESS && other != simdjson::NUMBER_ERROR) {
                std::abort();
            }
        }
        if (output->kind == Output::Kind::raw && json && size > 0 &&
            payload.find('[') == std::string_view::npos &&
            payload.find('{') == std::string_view::npos) {
            std::abort();  // It was JSON after all.
        }
    }
    return 0;
}
