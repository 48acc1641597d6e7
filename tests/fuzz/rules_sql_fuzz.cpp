// Hostile rule files, statements and templates: read, compiled in every profile, and run once if they compile.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <weir/rules/compiler.hpp>
#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/state_memory.hpp>

namespace {

using namespace weir;
using namespace weir::rules;

Input message() {
    static const std::string kPayload =
        std::string{R"({"a":1,"b":[1,2.5,"x",null],"c":{"d":"text"},"s":"2023-11-14"})"} +
        std::string(model::Message::kSpareBytes, '\0');
    const auto payload =
        std::string_view{kPayload}.substr(0, kPayload.size() - model::Message::kSpareBytes);
    return {.topic = "a/b/c", .payload = as_bytes(payload)};
}

void run(const Program& program) {
    static Evaluator evaluator;
    static_cast<void>(evaluator.evaluate(program, message()));
}

/// Twice: the second message knows of the first.
void run(const RuleDefinition& rule) {
    static Evaluator evaluator;
    StateMemory state;
    for (int i = 0; i < 2; ++i) {
        if (!evaluator.evaluate(rule, message(), &state)) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const Profile profile : {Profile::native, Profile::aws_2016, Profile::aws_2015}) {
        document::Diagnostics diagnostics;
        const auto program =
            compile_statement(text, {.profile = profile, .filter_required = false}, diagnostics);
        if ((program == nullptr) != diagnostics.has_errors()) {
            std::abort();
        }
        if (program != nullptr) {
            run(*program);
        }
        diagnostics.add_source("", text);
        static_cast<void>(diagnostics.render_text());
    }
    document::Diagnostics diagnostics;
    if (const auto rule = parse_rule("fuzz.sql", text, diagnostics)) {
        run(*rule);
    }
    static_cast<void>(Template::compile(text, {.dollar_escape = true}, diagnostics));
    static_cast<void>(diagnostics.render_json());
    return 0;
}
