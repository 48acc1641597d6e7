#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/net_text.hpp>
#include <weir/app_config/detail/scalar_reader.hpp>
#include <weir/model/limits.hpp>

namespace weir::app::detail {

using document::Document;
using document::Node;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kNameBytesMax = 64;

bool is_name(std::string_view text) {
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && text.size() <= kNameBytesMax && alphanumeric(text.front()) &&
           std::ranges::all_of(text, [&](char c) {
               return alphanumeric(c) || c == '_' || c == '-' || c == '.';
           });
}

template <class T>
std::optional<Value> wrap(std::optional<T> value) {
    return value ? std::optional<Value>{std::move(*value)} : std::nullopt;
}

/// The word that stands for a value: `unlimited`, `auto`, `none`.
std::optional<Value> special_word(const Key& key) {
    switch (key.type) {
        case Type::integer:
        case Type::size:
            return Value{key.words.front() == "unlimited" ? model::kUnlimited : std::uint64_t{0}};
        case Type::duration:
            return Value{milliseconds::max()};
        case Type::rate:
            return Value{std::optional<document::Rate>{}};
        default:
            return Value{std::optional<Endpoint>{}};
    }
}

}  // namespace

std::optional<Value> ScalarReader::read(const Node& node, const Key& key) {
    using std::uint64_t;
    const bool is_word = node.is_scalar() && !node.quoted() && key.type != Type::word &&
                         std::ranges::find(key.words, node.text()) != key.words.end();
    if (is_word) {
        return special_word(key);
    }
    switch (key.type) {
        case Type::boolean:
            return wrap(document::as_bool(node, diagnostics_));
        case Type::integer: {
            const auto max = key.max == 0 || key.max > static_cast<uint64_t>(INT64_MAX)
                                 ? INT64_MAX
                                 : static_cast<std::int64_t>(key.max);
            const auto value = document::as_int(
                node, diagnostics_, {.min = static_cast<std::int64_t>(key.min), .max = max}
            );
            return value ? std::optional<Value>{static_cast<uint64_t>(*value)} : std::nullopt;
        }
        case Type::size:
            return wrap(document::as_size(
                node, diagnostics_, {.min = key.min, .max = key.max == 0 ? UINT64_MAX : key.max}
            ));
        case Type::duration: {
            const auto max = key.max == 0 ? milliseconds::max()
                                          : milliseconds{static_cast<std::int64_t>(key.max)};
            return wrap(document::as_duration(
                node,
                diagnostics_,
                {.min = milliseconds{static_cast<std::int64_t>(key.min)}, .max = max}
            ));
        }
        case Type::rate: {
            const auto rate = document::as_rate(node, diagnostics_);
            return rate ? std::optional<Value>{std::optional{*rate}} : std::nullopt;
        }
        case Type::word: {
            const auto index = document::as_choice(node, diagnostics_, key.words);
            return index ? std::optional<Value>{std::string{key.words[*index]}} : std::nullopt;
        }
        default:
            return read_text(node, key);
    }
}

std::optional<Value> ScalarReader::read_text(const Node& node, const Key& key) {
    const auto bytes_max = key.max == 0 ? kTextBytesMax : static_cast<std::size_t>(key.max);
    auto text = document::as_string(node, diagnostics_, {.min = 1, .max = bytes_max});
    if (!text) {
        return std::nullopt;
    }
    if (key.type == Type::name && !is_name(*text)) {
        document::report(
            diagnostics_,
            node,
            code::kBadName,
            fmt::format("'{}' is not a name", *text),
            "1 to 64 letters, digits, '_', '-' and '.', the first a letter or a digit"
        );
        return std::nullopt;
    }
    if (key.type == Type::address && !is_address(*text)) {
        bad_address(node, "an IP address", "write one such as 127.0.0.1, 0.0.0.0 or \"::\"");
        return std::nullopt;
    }
    if (key.type == Type::endpoint) {
        auto endpoint = parse_endpoint(*text);
        if (!endpoint) {
            bad_address(
                node, "an address with a port", "write one such as 127.0.0.1:9464 or \"[::1]:9464\""
            );
            return std::nullopt;
        }
        return Value{std::optional{std::move(*endpoint)}};
    }
    if (key.type == Type::url) {
        if (auto error = url_error(*text)) {
            document::report(diagnostics_, node, code::kBadUrl, std::move(*error));
            return std::nullopt;
        }
    }
    if (key.type == Type::path) {
        return Value{absolute(*text)};
    }
    return Value{std::move(*text)};
}

void ScalarReader::with_substitution(
    const Node& node, const std::function<void(const Node&)>& use
) {
    if (!node.is_mapping()) {
        use(node);
        return;
    }
    const auto secret = read_reference(node);
    if (!secret) {
        return;
    }
    const auto text = secret->load(files_);
    if (!text && secret->file.empty()) {
        document::report(
            diagnostics_,
            node,
            code::kNoSuchVariable,
            fmt::format("the environment variable '{}' is not set", secret->variable)
        );
    } else if (!text) {
        document::report(
            diagnostics_,
            node,
            code::kUnreadable,
            fmt::format(
                "'{}' cannot be read, is empty or has more than 64 KiB", secret->file.string()
            )
        );
    } else {
        const auto scalar = Document::scalar(*text, node);
        use(scalar.root());
    }
}

std::optional<Secret> ScalarReader::read_reference(const Node& node) {
    constexpr std::array<std::string_view, 2> kForms = {"file", "env"};
    constexpr auto* kHelp = "write {file: path} or {env: NAME}";
    if (!node.is_mapping()) {
        document::report(
            diagnostics_,
            node,
            code::kOpenSecret,
            "a secret does not stand in the file itself",
            kHelp
        );
        return std::nullopt;
    }
    if (!document::check_keys(node, diagnostics_, kForms, "a way to refer to a value")) {
        return std::nullopt;
    }
    if (node.size() != 1) {
        document::report(
            diagnostics_, node, document::code::kWrongType, "expected one reference", kHelp
        );
        return std::nullopt;
    }
    const auto entry = node.entries().front();
    auto text = document::as_string(entry.value, diagnostics_);
    if (!text) {
        return std::nullopt;
    }
    Secret secret{.file = {}, .variable = {}, .place = {std::string{node.file()}, node.range()}};
    if (entry.key.text() == "file") {
        secret.file = absolute(*text);
    } else {
        secret.variable = std::move(*text);
    }
    return secret;
}

std::filesystem::path ScalarReader::absolute(std::string_view text) const {
    return (folder_ / text).lexically_normal();
}

void ScalarReader::bad_address(const Node& node, std::string_view expected, std::string help) {
    document::report(
        diagnostics_,
        node,
        code::kBadAddress,
        fmt::format("'{}' is not {}", node.text(), expected),
        std::move(help)
    );
}

}  // namespace weir::app::detail
