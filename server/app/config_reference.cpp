#include <weir/app_config/config_reference.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/written.hpp>
#include <weir/document/codes.hpp>
#include <weir/model/limits.hpp>
#include <weir/policy/codes.hpp>
#include <weir/rules/codes.hpp>

namespace weir::app {
namespace {

constexpr std::array kKinds = {
    FileKind::gateway, FileKind::sink, FileKind::file_sink, FileKind::s3_sink, FileKind::stream
};

/// In front of the keys of files in folders.
std::string_view topic_prefix(FileKind kind) {
    constexpr std::array<std::string_view, 5> kPrefixes = {
        "", "sinks.", "streams.", "file-sinks.", "s3-sinks."
    };
    return kPrefixes.at(static_cast<std::size_t>(kind));
}

/// "listeners[].tls" is asked for as "listeners.tls".
std::string topic_of(FileKind kind, const Key& key) {
    std::string result{topic_prefix(kind)};
    std::ranges::copy_if(key.path, std::back_inserter(result), [](char c) {
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
    std::string text{name(key.type)};
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

std::string explain_key(FileKind kind, const Key& key) {
    auto out = fmt::format("{}\n    {}\n\n", topic_of(kind, key), key.help);
    const auto into = std::back_inserter(out);
    if (key.type != Type::mapping && key.type != Type::list) {
        fmt::format_to(into, "    value    {}\n    default  {}\n", allowed(key), default_of(key));
    }
    fmt::format_to(into, "    change   {}\n    since    {}\n", describe(key.reload), key.since);
    const auto nested = children(kind, key.type == Type::list ? key.path + "[]" : key.path);
    if (!nested.empty()) {
        fmt::format_to(into, "\n    keys:\n");
        for (const auto& [name, child] : nested) {
            fmt::format_to(into, "      {:<20} {}\n", name, child->help);
        }
    }
    return out;
}

std::string explain_kind(FileKind kind, std::string_view topic) {
    auto out = fmt::format("{}\n    keys:\n", topic);
    for (const auto& [name, child] : children(kind, "")) {
        fmt::format_to(std::back_inserter(out), "      {:<20} {}\n", name, child->help);
    }
    return out;
}

constexpr std::array<std::pair<std::string_view, FileKind>, 5> kKindTopics = {{
    {"weir.yaml", FileKind::gateway},
    {"sinks", FileKind::sink},
    {"file-sinks", FileKind::file_sink},
    {"s3-sinks", FileKind::s3_sink},
    {"streams", FileKind::stream},
}};

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
        auto value = key.type == Type::mapping || key.type == Type::list
                         ? std::string{name(key.type)}
                         : allowed(key);
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
    for (const auto& [name, kind] : kKindTopics) {
        if (name == topic) {
            return explain_kind(kind, topic);
        }
    }
    for (const auto kind : kKinds) {
        for (const auto& key : schema(kind)) {
            if (topic_of(kind, key) == topic) {
                return explain_key(kind, key);
            }
        }
    }
    for (const auto& info : all_codes()) {
        if (info.code == topic) {
            return explain_code(info);
        }
    }
    return std::nullopt;
}

std::vector<std::string> topics() {
    std::vector<std::string> result;
    for (const auto& [name, kind] : kKindTopics) {
        result.emplace_back(name);
    }
    for (const auto kind : kKinds) {
        for (const auto& key : schema(kind)) {
            result.push_back(topic_of(kind, key));
        }
    }
    for (const auto& info : all_codes()) {
        result.emplace_back(info.code);
    }
    return result;
}

std::string reference_markdown() {
    std::string out =
        "# Configuration reference\n\n"
        "Made by `weir explain --markdown` from the table that validates the files.\n\n"
        "`live`: taken over by a reload; `restart`: needs a restart.\n"
        "Any single value may be `{env: NAME}` or `{file: path}`; a secret must be. Paths are "
        "relative to the file.\n\n";
    constexpr std::array<std::string_view, 5> kTitles = {
        "weir.yaml",
        "sinks.d/*.yaml",
        "streams.d/*.yaml",
        "sinks.d/*.yaml with `type: file`",
        "sinks.d/*.yaml with `type: s3`",
    };
    for (const auto kind : kKinds) {
        fmt::format_to(
            std::back_inserter(out), "## {}\n\n", kTitles.at(static_cast<std::size_t>(kind))
        );
        append_rows(out, kind);
    }
    return out;
}

}  // namespace weir::app
