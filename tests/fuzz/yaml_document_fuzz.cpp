// Hostile documents: the parser, the readers on every node and the rendering of what they report.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/document/readers.hpp>
#include <weir/document/to_json.hpp>
#include <weir/document/yaml.hpp>

namespace {

using namespace weir::document;

void read_all(const Node& node, Diagnostics& diagnostics) {
    static_cast<void>(as_bool(node, diagnostics));
    static_cast<void>(as_int(node, diagnostics, {.min = -5, .max = 5}));
    static_cast<void>(as_size(node, diagnostics));
    static_cast<void>(as_duration(node, diagnostics));
    static_cast<void>(as_rate(node, diagnostics));
    static_cast<void>(as_string(node, diagnostics));
    check_keys(node, diagnostics, {"name", "port"}, "a setting");
    for (const auto& item : node.items()) {
        read_all(item, diagnostics);
    }
    for (const auto& [key, value] : node.entries()) {
        read_all(value, diagnostics);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto syntax = data[0] == 'j' ? Syntax::json : Syntax::yaml;
    Diagnostics diagnostics;
    if (const auto document = Document::parse(text, "fuzz.yaml", diagnostics, {.syntax = syntax})) {
        read_all(document->root(), diagnostics);
        static_cast<void>(to_json(document->root()));
    }
    static_cast<void>(diagnostics.render_text());
    static_cast<void>(diagnostics.render_json());
    return 0;
}
