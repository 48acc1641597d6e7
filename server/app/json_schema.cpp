// The schema as JSON Schema.
#include <fmt/format.h>

#include <string>
#include <vector>
#include <weir/app_config/config_reference.hpp>
#include <weir/base/log.hpp>
#include <weir/model/limits.hpp>

namespace weir::app {
namespace {

constexpr std::string_view kReference =
    R"({"type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,)"
    R"("properties":{"env":{"type":"string","minLength":1},"file":{"type":"string","minLength":1}}})";

std::string quoted(std::string_view text) {
    return '"' + log::json_escape(text) + '"';
}

std::string words_of(const Key& key) {
    std::string list;
    for (const auto word : key.words) {
        list += (list.empty() ? "" : ",") + quoted(word);
    }
    return fmt::format(R"({{"enum":[{}]}})", list);
}

std::string pattern(std::string_view expression) {
    return fmt::format(R"({{"type":"string","pattern":{}}})", quoted(expression));
}

/// Without references and special words. Numbers in place of texts are what YAML makes of `name:
/// 42` or `size: 512`.
std::string plain_value(const Key& key) {
    constexpr std::string_view kText = R"({"type":["string","number","boolean"]})";
    switch (key.type) {
        case Type::boolean:
            return R"({"type":"boolean"})";
        case Type::integer: {
            std::string bounds = fmt::format(R"("minimum":{})", key.min);
            if (key.max != 0 && key.max != model::kUnlimited) {
                bounds += fmt::format(R"(,"maximum":{})", key.max);
            }
            return fmt::format(R"({{"type":"integer",{}}})", bounds);
        }
        case Type::size:
            return R"({"anyOf":[{"type":"integer","minimum":0},{"type":"string","pattern":"^[0-9]+ *([KMGT]i?)?B?$"}]})";
        case Type::duration:
            return R"({"anyOf":[{"const":0},{"type":"string","pattern":"^([0-9]+(ms|s|m|h|d))+$|^0$"}]})";
        case Type::rate:
            return pattern("^[0-9]+ *([KMGT]i?)?B?/([0-9]+(ms|s|m|h|d))*(ms|s|m|h|d)?$");
        case Type::name:
            return fmt::format(
                R"({{"anyOf":[{{"type":["number","boolean"]}},{}]}})",
                pattern("^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
            );
        case Type::word:
            // 1.2 without quotes is a number to JSON Schema.
            return key.path.ends_with("min_version") ? R"({"enum":["1.2","1.3",1.2,1.3]})"
                                                     : words_of(key);
        case Type::url:
            return pattern("^https?://");
        case Type::address:
        case Type::endpoint:
            return R"({"type":"string","minLength":1})";
        default:
            return std::string{kText};
    }
}

std::string any_of(const std::vector<std::string>& choices) {
    return fmt::format(R"({{"anyOf":[{}]}})", fmt::join(choices, ","));
}

/// Whether a value may be {env: ...} or {file: ...}.
bool takes_references(FileKind kind) {
    return kind != FileKind::policy && kind != FileKind::rule && kind != FileKind::price_list;
}

/// A single value, with everything that may stand for it.
std::string scalar(FileKind kind, const Key& key) {
    std::vector<std::string> choices{plain_value(key)};
    if (takes_references(kind)) {
        choices.emplace_back(kReference);
    }
    if (key.type != Type::word && !key.words.empty()) {
        choices.insert(choices.begin() + 1, words_of(key));
    }
    return any_of(choices);
}

std::string one_or_list(FileKind kind, const Key& key, Type item_type) {
    Key item = key;
    item.type = item_type;
    item.words = item_type == Type::word ? key.words : std::vector<std::string_view>{};
    const auto one = scalar(kind, item);
    const auto bound = key.max == 0 ? "" : fmt::format(R"(,"maxItems":{})", key.max);
    return any_of({one, fmt::format(R"({{"type":"array","items":{}{}}})", one, bound)});
}

std::string mapping(FileKind kind, const std::string& path);

std::string list(FileKind kind, const Key& key) {
    return fmt::format(
        R"({{"type":"array","minItems":{},"maxItems":{},"items":{}}})",
        key.min,
        key.max,
        mapping(kind, key.path + "[]")
    );
}

std::string value(FileKind kind, const Key& key) {
    switch (key.type) {
        case Type::mapping:
            return mapping(kind, key.path);
        case Type::list:
            return list(kind, key);
        case Type::mappings:
            return any_of({mapping(kind, key.path + "[]"), list(kind, key)});
        case Type::words:
            return one_or_list(kind, key, Type::word);
        case Type::networks:
        case Type::paths:
        case Type::texts:
            return one_or_list(kind, key, Type::text);
        case Type::headers:
            return fmt::format(
                R"({{"type":"object","maxProperties":{},"additionalProperties":{}}})",
                key.max,
                scalar(kind, {.path = key.path, .type = Type::text})
            );
        case Type::secret:
            return std::string{kReference};
        default:
            return scalar(kind, key);
    }
}

std::string mapping(FileKind kind, const std::string& path) {
    std::string properties;
    std::string required;
    for (const auto& [name, key] : children(kind, path)) {
        const auto about = key->fallback.empty()
                               ? std::string{key->help}
                               : fmt::format("{} Default: {}", key->help, key->fallback);
        properties += fmt::format(
            R"({}{}:{{"description":{},"allOf":[{}]}})",
            properties.empty() ? "" : ",",
            quoted(name),
            quoted(about),
            value(kind, *key)
        );
        if (key->required) {
            required += (required.empty() ? "" : ",") + quoted(name);
        }
    }
    return fmt::format(
        R"({{"type":"object","additionalProperties":false,"required":[{}],"properties":{{{}}}}})",
        required,
        properties
    );
}

}  // namespace

std::string json_schema(FileKind kind) {
    return fmt::format(
        R"({{"$schema":"https://json-schema.org/draft/2020-12/schema","title":{},"allOf":[{}]}})",
        quoted(describe(kind)),
        mapping(kind, "")
    );
}

}  // namespace weir::app
