// Hostile rule files, statements and templates: read, compiled in every profile, and run once if they compile.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <weir/rules/compiler.hpp>
#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>

namespace {

using namespace weir;
using namespace weir::rules;

void run(const Program& program) {
    static const std::string kPayload =
        std::string{R"({"a":1,"b":[1,2.5,"x",null],"c":{"d":"text"},"s":"2023-11-14"})"} +
        std::string(model::Message::kSpareBytes, '\0');
    static Evaluator evaluator;
    const auto payload =
        std::string_view{kPayload}.substr(0, kPayload.size() - model::Message::kSpareBytes);
    static_cast<void>(evaluator.evaluate(program, {.topic = "a/b/c", .payload = as_bytes(payload)})
    );
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
    static_cast<void>(parse_rule("fuzz.sql", text, diagnostics));
    static_cast<void>(Template::compile(text, {.dollar_escape = true}, diagnostics));
    static_cast<void>(diagnostics.render_json());
    return 0;
}
