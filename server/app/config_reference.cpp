#include <weir/app_config/config_reference.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/written.hpp>
#include <weir/app_config/reason_reference.hpp>
#include <weir/base/text.hpp>
#include <weir/document/codes.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/reason.hpp>
#include <weir/policy/codes.hpp>
#include <weir/rules/codes.hpp>

namespace weir::app {
namespace {

struct Kind {
    FileKind kind;
    std::string_view topic;  ///< As it is asked for; in front of its keys, but for the gateway's.
    std::string_view files;
};

constexpr std::array<Kind, 8> kKinds = {{
    {FileKind::gateway, "weir.yaml", "weir.yaml"},
    {FileKind::policy, "policies", "policies.d/*.yaml"},
    {FileKind::rule, "rules", "rules.d/*.sql, between the lines ---"},
    {FileKind::sink, "sinks", "sinks.d/*.yaml"},
    {FileKind::file_sink, "file-sinks", "sinks.d/*.yaml with `type: file`"},
    {FileKind::s3_sink, "s3-sinks", "sinks.d/*.yaml with `type: s3`"},
    {FileKind::stream, "streams", "streams.d/*.yaml"},
    {FileKind::price_list, "pricing", "pricing.d/*.yaml"},
}};

/// "listeners[].tls" is asked for as "listeners.tls".
std::string without_brackets(std::string_view path) {
    std::string result;
    std::ranges::copy_if(path, std::back_inserter(result), [](char c) {
        return c != '[' && c != ']';
    });
    return result;
}

std::string written_number(const Key& key, std::uint64_t value) {
    if (value == model::kUnlimited) {
        return "unlimited";
    }
    if (key.type == Type::size) {
        return detail::written_size(value);
    }
    if (key.type == Type::duration) {
        return detail::written_duration(std::chrono::milliseconds{static_cast<std::int64_t>(value)}
        );
    }
    return std::to_string(value);
}

bool is_number(Type type) {
    return type == Type::integer || type == Type::size || type == Type::duration;
}

std::string allowed(const Key& key) {
    if (key.type == Type::word || key.type == Type::words) {
        return fmt::format(
            "{}{}", key.type == Type::words ? "one or a list of " : "", fmt::join(key.words, " | ")
        );
    }
    std::string text{key.type == Type::texts ? "text or a list of them" : name(key.type)};
    if (key.type == Type::text && key.max != 0) {
        text += fmt::format(", up to {} bytes", key.max);
    }
    if (is_number(key.type) && key.max != 0 && key.max != model::kUnlimited) {
        text +=
            fmt::format(", {} to {}", written_number(key, key.min), written_number(key, key.max));
    } else if (is_number(key.type) && key.min != 0) {
        text += fmt::format(", at least {}", written_number(key, key.min));
    }
    for (const auto word : key.words) {
        text += fmt::format(", or {}", word);
    }
    return text;
}

std::string default_of(const Key& key) {
    if (!key.fallback.empty()) {
        return key.fallback;
    }
    return key.required ? "none, it has to be written" : "none";
}

bool has_keys(const Key& key) {
    return key.type == Type::mapping || key.type == Type::list || key.type == Type::mappings;
}

/// Below which the keys of a list or mapping stand.
std::string parent_path(const Key& key) {
    return key.type == Type::mapping ? key.path : key.path + "[]";
}

/// `head`, beside it the text, and `tail`, which is never broken.
void append_line(
    std::string& out, std::string_view head, std::string_view text, std::string_view tail = {}
) {
    auto lines = std::string{head} + wrapped(text, kExplainWidth, head.size(), head.size());
    if (!tail.empty()) {
        const auto column = lines.size() - (lines.rfind('\n') + 1);  // npos + 1 is 0.
        const bool fits = column + 1 + tail.size() <= kExplainWidth;
        lines += fits ? " " : '\n' + std::string(head.size(), ' ');
        lines += tail;
    }
    out += lines + '\n';
}

std::string explain_key(const Kind& kind, const Key& key) {
    auto out = fmt::format("{}\n    {}\n\n", topic_of(kind.kind, key.path), wrapped(key.help, kExplainWidth, 4, 4));
    const auto into = std::back_inserter(out);
    if (!has_keys(key)) {
        fmt::format_to(into, "    value    {}\n    default  {}\n", allowed(key), default_of(key));
    }
    fmt::format_to(into, "    change   {}\n    since    {}\n", describe(key.reload), key.since);
    const auto nested = has_keys(key) ? children(kind.kind, parent_path(key)) : std::vector<Child>{};
    if (!nested.empty()) {
        fmt::format_to(into, "\n    keys:\n");
        for (const auto& [name, child] : nested) {
            append_line(out, fmt::format("      {:<20} ", name), child->help);
        }
    }
    return out;
}

/// "size, 64KiB to 1TiB; default 1GiB": what a line has room for.
std::string brief(const Key& key) {
    auto text = has_keys(key) ? std::string{name(key.type)} : allowed(key);
    if (!key.fallback.empty()) {
        text += fmt::format("; default {}", key.fallback);
    }
    return text + (key.required ? "; required" : "");
}

void append_keys(std::string& out, FileKind kind, std::string_view path, std::size_t depth) {
    for (const auto& [name, key] : children(kind, path)) {
        append_line(
            out,
            fmt::format("      {:<24} ", fmt::format("{:{}}{}", "", 2 * depth, name)),
            key->help,
            fmt::format("[{}]", brief(*key))
        );
        // weir.yaml has too many keys for one screen; those below are asked for by name.
        if (has_keys(*key) && kind != FileKind::gateway) {
            append_keys(out, kind, parent_path(*key), depth + 1);
        }
    }
}

std::string explain_kind(const Kind& kind) {
    auto out = fmt::format("{}: {}\n    keys:\n", kind.topic, kind.files);
    append_keys(out, kind.kind, "", 0);
    return out;
}

std::vector<document::CodeInfo> all_codes() {
    std::vector<document::CodeInfo> result;
    for (const auto list : {document::codes(), policy::codes(), rules::codes(), codes()}) {
        result.insert(result.end(), list.begin(), list.end());
    }
    return result;
}

std::string explain_code(const document::CodeInfo& info) {
    auto out = fmt::format("{}: {}\n", info.code, info.title);
    auto rest = info.explanation;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        fmt::format_to(std::back_inserter(out), "    {}\n", rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return out;
}

void append_rows(std::string& out, FileKind kind) {
    fmt::format_to(
        std::back_inserter(out),
        "| key | value | default | change | meaning |\n|---|---|---|---|---|\n"
    );
    for (const auto& key : schema(kind)) {
        const auto value = has_keys(key) ? std::string{name(key.type)} : allowed(key);
        std::string escaped;
        for (const char c : value) {
            escaped += c == '|' ? "\\|" : std::string{c};
        }
        constexpr std::array<std::string_view, 2> kChange = {"live", "restart"};
        fmt::format_to(
            std::back_inserter(out),
            "| `{}` | {} | {} | {} | {} |\n",
            key.path,
            escaped,
            key.fallback.empty() ? (key.required ? "required" : "")
                                 : fmt::format("`{}`", key.fallback),
            kChange.at(static_cast<std::size_t>(key.reload)),
            key.help
        );
    }
    out += '\n';
}

}  // namespace

std::optional<std::string> explain(std::string_view topic) {
    const auto plain = without_brackets(topic);
    for (const auto& kind : kKinds) {
        if (kind.topic == topic) {
            return explain_kind(kind);
        }
        for (const auto& key : schema(kind.kind)) {
            if (topic_of(kind.kind, key.path) == plain) {
                return explain_key(kind, key);
            }
        }
    }
    for (const auto& info : all_codes()) {
        if (info.code == topic) {
            return explain_code(info);
        }
    }
    return explain_reason(topic);
}

std::string topic_of(FileKind kind, std::string_view path) {
    const auto plain = without_brackets(path);
    return kind == FileKind::gateway
               ? plain
               : fmt::format("{}.{}", std::ranges::find(kKinds, kind, &Kind::kind)->topic, plain);
}

std::vector<std::string> topics() {
    std::vector<std::string> result;
    for (const auto& kind : kKinds) {
        result.emplace_back(kind.topic);
    }
    for (const auto& kind : kKinds) {
        for (const auto& key : schema(kind.kind)) {
            result.push_back(topic_of(kind.kind, key.path));
        }
    }
    for (const auto& info : all_codes()) {
        result.emplace_back(info.code);
    }
    for (const auto& info : model::all_reasons()) {
        result.emplace_back(info.name);
    }
    return result;
}

std::vector<std::string> topics_like(std::string_view topic) {
    std::vector<std::string> known = topics();
    if (topic.starts_with("WEIR-")) {  // The next number is about something else.
        return {};
    }
    std::vector<std::string> result;
    const auto ending = "." + without_brackets(topic);
    std::ranges::copy_if(known, std::back_inserter(result), [&](const std::string& name) {
        return name.ends_with(ending);
    });
    const std::vector<std::string_view> candidates{known.begin(), known.end()};
    if (const auto near = nearest(topic, candidates); near && result.empty()) {
        result.emplace_back(*near);
    }
    return result;
}

std::string reference_markdown() {
    std::string out =
        "# Configuration reference\n\n"
        "Made by `weir explain --markdown` from the table that validates the files.\n\n"
        "`live`: taken over by a reload; `restart`: needs a restart.\n"
        "In weir.yaml, sinks and streams any single value may be `{env: NAME}` or `{file: path}`; a "
        "secret must be. Paths are relative to the file.\n\n";
    for (const auto& kind : kKinds) {
        fmt::format_to(std::back_inserter(out), "## {}\n\n", kind.files);
        append_rows(out, kind.kind);
    }
    return out;
}

}  // namespace weir::app
