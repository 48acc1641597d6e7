#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <weir/base/text.hpp>
#include <weir/document/readers.hpp>

namespace weir::document {
namespace {

/// "the text 'no'", "a list", ...: what stands there instead of what was expected.
std::string describe(const Node& node) {
    switch (node.kind()) {
        case Kind::null:
            return "nothing";
        case Kind::sequence:
            return "a list";
        case Kind::mapping:
            return "a mapping";
        case Kind::scalar:
            break;
    }
    constexpr std::size_t kShownMax = 40;
    const auto text = node.text();
    const auto shown =
        text.size() <= kShownMax ? fmt::format("'{}'", text) : std::string{"a long text"};
    switch (scalar_type(node)) {
        case ScalarType::boolean:
        case ScalarType::integer:
        case ScalarType::real:
            return std::string{text.substr(0, kShownMax)};
        default:
            return text.size() <= kShownMax ? "the text " + shown : shown;
    }
}

void wrong_type(
    const Node& node, Diagnostics& diagnostics, std::string_view expected, std::string help = {}
) {
    report(
        diagnostics,
        node,
        code::kWrongType,
        fmt::format("expected {}, got {}", expected, describe(node)),
        std::move(help)
    );
}

/// `show` makes the ends readable.
template <class T, class Show>
void report_range(const Node& node, Diagnostics& diagnostics, const Bounds<T>& bounds, Show show) {
    const auto allowed = bounds.max == Bounds<T>{}.max
                             ? fmt::format("at least {}", show(bounds.min))
                         : bounds.min == bounds.max
                             ? fmt::format("only {}", show(bounds.min))
                             : fmt::format("from {} to {}", show(bounds.min), show(bounds.max));
    report(
        diagnostics,
        node,
        code::kOutOfRange,
        fmt::format("{} is out of range", node.text()),
        fmt::format("allowed: {}", allowed)
    );
}

template <class T, class Show>
bool within(
    const Node& node, Diagnostics& diagnostics, T value, const Bounds<T>& bounds, Show show
) {
    if (value >= bounds.min && value <= bounds.max) {
        return true;
    }
    report_range(node, diagnostics, bounds, show);
    return false;
}

/// The largest unit that shows the duration as a whole number.
std::string show_duration(std::chrono::milliseconds duration) {
    constexpr std::pair<std::int64_t, std::string_view> kUnits[] = {
        {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}
    };
    for (const auto& [factor, name] : kUnits) {
        if (duration.count() != 0 && duration.count() % factor == 0) {
            return fmt::format("{}{}", duration.count() / factor, name);
        }
    }
    return "0";
}

std::string join_words(std::span<const std::string_view> words) {
    constexpr std::size_t kShownMax = 24;
    const auto shown = words.first(std::min(words.size(), kShownMax));
    return fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < words.size() ? ", ..." : "");
}

bool is_digits(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_integer(std::string_view text) noexcept {
    if (text.starts_with("0o") || text.starts_with("0x")) {
        const bool hex = text[1] == 'x';
        text.remove_prefix(2);
        return !text.empty() && std::ranges::all_of(text, [hex](char c) {
            return (c >= '0' && c <= (hex ? '9' : '7')) ||
                   (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
        });
    }
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    return is_digits(text);
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, and the names of infinity
/// and NaN.
bool is_real(std::string_view text) noexcept {
    if (text == ".nan" || text == ".NaN" || text == ".NAN") {
        return true;
    }
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    if (text == ".inf" || text == ".Inf" || text == ".INF") {
        return true;
    }
    if (const auto exponent = text.find_first_of("eE"); exponent != std::string_view::npos) {
        auto digits = text.substr(exponent + 1);
        if (digits.starts_with('-') || digits.starts_with('+')) {
            digits.remove_prefix(1);
        }
        if (!is_digits(digits)) {
            return false;
        }
        text = text.substr(0, exponent);
    }
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    const auto fraction =
        point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    return (is_digits(whole) && (fraction.empty() || is_digits(fraction))) ||
           (whole.empty() && is_digits(fraction));
}

}  // namespace

std::optional<Rate> slower(const std::optional<Rate>& a, const std::optional<Rate>& b) noexcept {
    if (!a || !b) {
        return a ? a : b;
    }
    return b->per_second() < a->per_second() ? b : a;
}

void report(
    Diagnostics& diagnostics,
    const Place& place,
    std::string_view code,
    std::string message,
    std::string help,
    std::string label
) {
    diagnostics.add({
        .code = std::string{code},
        .message = std::move(message),
        .file = place.file,
        .range = place.range,
        .label = std::move(label),
        .help = std::move(help),
    });
}

void report(
    Diagnostics& diagnostics,
    const Node& node,
    std::string_view code,
    std::string message,
    std::string help,
    std::string label
) {
    report(
        diagnostics,
        Place{std::string{node.file()}, node.range()},
        code,
        std::move(message),
        std::move(help),
        std::move(label)
    );
}

std::optional<bool> as_bool(const Node& node, Diagnostics& diagnostics) {
    if (scalar_type(node) == ScalarType::boolean) {
        return node.text().front() == 't' || node.text().front() == 'T';
    }
    wrong_type(node, diagnostics, "true or false");
    return std::nullopt;
}

std::optional<std::int64_t> as_int(
    const Node& node, Diagnostics& diagnostics, Bounds<std::int64_t> bounds
) {
    const auto text = node.text();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (scalar_type(node) != ScalarType::integer || error == std::errc::invalid_argument ||
        end != text.data() + text.size()) {
        wrong_type(
            node,
            diagnostics,
            "a whole number",
            node.quoted() && is_integer(text) ? "remove the quotes" : ""
        );
        return std::nullopt;
    }
    const auto show = [](std::int64_t number) { return std::to_string(number); };
    if (error != std::errc{}) {  // More than 64 bits: out of any bounds.
        report_range(node, diagnostics, bounds, show);
        return std::nullopt;
    }
    if (!within(node, diagnostics, value, bounds, show)) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> as_size(
    const Node& node, Diagnostics& diagnostics, Bounds<std::uint64_t> bounds
) {
    const auto value = node.is_scalar() ? parse_size(node.text()) : std::nullopt;
    if (!value) {
        wrong_type(
            node,
            diagnostics,
            "a size",
            "write a number with B, KiB, MiB, GiB or TiB, such as 128KiB"
        );
        return std::nullopt;
    }
    return within(node, diagnostics, *value, bounds, format_size) ? value : std::nullopt;
}

std::optional<std::chrono::milliseconds> as_duration(
    const Node& node, Diagnostics& diagnostics, DurationBounds bounds
) {
    const auto value = node.is_scalar() ? parse_duration(node.text()) : std::nullopt;
    if (!value) {
        wrong_type(
            node,
            diagnostics,
            "a duration",
            "write a number with ms, s, m, h or d, such as 30s or 1m30s"
        );
        return std::nullopt;
    }
    return within(node, diagnostics, *value, bounds, show_duration) ? value : std::nullopt;
}

std::optional<Rate> as_rate(const Node& node, Diagnostics& diagnostics) {
    const auto text = node.text();
    const auto slash = text.find('/');
    if (node.is_scalar() && slash != std::string_view::npos) {
        auto per = std::string{text.substr(slash + 1)};
        if (!per.empty() && (per.front() < '0' || per.front() > '9')) {
            per.insert(0, 1, '1');
        }
        const auto amount = parse_size(text.substr(0, slash));
        const auto duration = parse_duration(per);
        if (amount && duration && duration->count() > 0) {
            return Rate{*amount, *duration};
        }
    }
    wrong_type(
        node, diagnostics, "a rate", "write an amount per time, such as 20/s, 64KiB/s or 100/m"
    );
    return std::nullopt;
}

std::optional<std::string> as_string(
    const Node& node, Diagnostics& diagnostics, Bounds<std::size_t> bytes
) {
    if (!node.is_scalar()) {
        wrong_type(node, diagnostics, "a text");
        return std::nullopt;
    }
    if (node.text().size() < bytes.min || node.text().size() > bytes.max) {
        report(
            diagnostics,
            node,
            code::kOutOfRange,
            node.text().empty() ? "the text is empty"
                                : fmt::format("the text has {} bytes", node.text().size()),
            fmt::format("allowed: from {} to {} bytes", bytes.min, bytes.max)
        );
        return std::nullopt;
    }
    return std::string{node.text()};
}

std::optional<std::size_t> as_choice(
    const Node& node, Diagnostics& diagnostics, std::span<const std::string_view> words
) {
    if (!node.is_scalar()) {
        wrong_type(node, diagnostics, fmt::format("one of {}", join_words(words)));
        return std::nullopt;
    }
    if (const auto found = std::ranges::find(words, node.text()); found != words.end()) {
        return static_cast<std::size_t>(found - words.begin());
    }
    const auto near = nearest(node.text(), words);
    report(
        diagnostics,
        node,
        code::kUnknownValue,
        fmt::format("unknown value '{}'", node.text()),
        near ? fmt::format("did you mean '{}'?", *near)
             : fmt::format("one of: {}", join_words(words))
    );
    return std::nullopt;
}

bool is_unlimited(const Node& node) noexcept {
    return node.is_scalar() && !node.quoted() && node.text() == "unlimited";
}

ScalarType scalar_type(const Node& node) noexcept {
    if (node.is_null()) {
        return ScalarType::null;
    }
    const auto text = node.text();
    if (!node.is_scalar() || node.quoted()) {
        return ScalarType::text;
    }
    if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" ||
        text == "FALSE") {
        return ScalarType::boolean;
    }
    if (is_integer(text)) {
        return ScalarType::integer;
    }
    return is_real(text) ? ScalarType::real : ScalarType::text;
}

bool expect_mapping(const Node& node, Diagnostics& diagnostics, std::string_view what) {
    if (!node.is_mapping()) {
        wrong_type(node, diagnostics, fmt::format("a mapping, {}", what));
    }
    return node.is_mapping();
}

bool expect_sequence(const Node& node, Diagnostics& diagnostics, std::string_view what) {
    if (!node.is_sequence()) {
        wrong_type(node, diagnostics, fmt::format("a list, {}", what));
    }
    return node.is_sequence();
}

bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    std::span<const std::string_view> known,
    std::string_view what
) {
    bool all_known = true;
    for (const auto& entry : mapping.entries()) {
        if (std::ranges::find(known, entry.key.text()) != known.end()) {
            continue;
        }
        all_known = false;
        const auto near = nearest(entry.key.text(), known);
        report(
            diagnostics,
            entry.key,
            code::kUnknownKey,
            fmt::format("unknown key '{}'", entry.key.text()),
            near ? fmt::format("did you mean '{}'?", *near)
                 : fmt::format("known keys: {}", join_words(known)),
            fmt::format("not {}", what)
        );
    }
    return all_known;
}

bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    std::initializer_list<std::string_view> known,
    std::string_view what
) {
    return check_keys(mapping, diagnostics, std::span{known.begin(), known.size()}, what);
}

std::optional<Node> require_key(
    const Node& mapping, Diagnostics& diagnostics, std::string_view key
) {
    const auto value = mapping.get(key);
    if (value && !value->is_null()) {
        return value;
    }
    report(
        diagnostics,
        value ? *value : mapping,
        code::kMissingKey,
        fmt::format("the key '{}' is missing", key)
    );
    return std::nullopt;
}

std::vector<Node> one_or_more(const Node& node) {
    return node.is_sequence() ? node.items() : std::vector{node};
}

}  // namespace weir::document
