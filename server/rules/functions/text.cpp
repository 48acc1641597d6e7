#include <locale.h>
#include <algorithm>
#include <clocale>
#include <cwchar>
#include <cwctype>
#include <optional>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

std::int64_t count_characters(std::string_view text) noexcept {
    return static_cast<std::int64_t>(text.size()) -
           std::ranges::count_if(text, detail::continues_character);
}

/// Byte offset of the `index`th character, or the end.
std::size_t offset_of_character(std::string_view text, std::int64_t index) noexcept {
    std::size_t at = 0;
    for (; at < text.size() && index > 0; --index) {
        at = detail::next_character(text, at);
    }
    return at;
}

Value length(const Call& call) {
    return Value::integer(count_characters(call.text(0)));
}

Value numbytes(const Call& call) {
    return Value::integer(static_cast<std::int64_t>(call.text(0).size()));
}

Value indexof(const Call& call) {
    const auto at = detail::find_text(call.text(0), call.text(1));
    return Value::integer(
        at == std::string_view::npos ? -1 : count_characters(call.text(0).substr(0, at))
    );
}

Value startswith(const Call& call) {
    return Value::boolean(call.text(0).starts_with(call.text(1)));
}
Value endswith(const Call& call) {
    return Value::boolean(call.text(0).ends_with(call.text(1)));
}

/// Reads one character of valid UTF-8; a byte that is none stands for itself.
char32_t read_character(std::string_view text, std::size_t& at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at++);
    const std::size_t more = first < 0xC0U ? 0 : (first < 0xE0U ? 1 : (first < 0xF0U ? 2 : 3));
    if (at + more > text.size()) {
        return first;
    }
    char32_t character = more == 0 ? first : first & (0x3FU >> more);
    for (std::size_t i = 0; i < more; ++i) {
        character = character << 6U | (byte(at++) & 0x3FU);
    }
    return character;
}

void append_character(std::string& out, char32_t c) {
    if (c < 0x80U) {
        out += static_cast<char>(c);
    } else if (c < 0x800U) {
        out += static_cast<char>(0xC0U | c >> 6U);
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else if (c < 0x10000U) {
        out += static_cast<char>(0xE0U | c >> 12U);
        out += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | c >> 18U);
        out += static_cast<char>(0x80U | (c >> 12U & 0x3FU));
        out += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    }
}

/// Unicode's one-to-one mappings as the C library has them, whatever locale the process runs in.
locale_t unicode() noexcept {
    static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kLocale;
}

template <wint_t (*convert)(wint_t, locale_t)>
Value change_case(const Call& call) {
    constexpr std::size_t kBytesPerStep = 32;
    const auto text = call.text(0);
    if (!call.context.budget().spend_work(text.size() / kBytesPerStep)) {
        return {};
    }
    std::string& out = call.context.buffer();
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = read_character(text, at);
        const bool map = c < 0x80U || unicode() != nullptr;
        const auto converted =
            map ? convert(static_cast<wint_t>(c), unicode()) : static_cast<wint_t>(c);
        append_character(out, static_cast<char32_t>(converted));
    }
    return call.context.text(out);
}

/// `count` spaces are added, however long the text is. Nothing: they cannot be paid for.
std::optional<std::size_t> padding(const Call& call) {
    constexpr std::int64_t kPaddingMax = 1000;
    const auto count = static_cast<std::size_t>(
        std::clamp<std::int64_t>(floor_to_int64(call.number(1)), 0, kPaddingMax)
    );
    return call.context.budget().spend_bytes(2 * count) ? std::optional{count} : std::nullopt;
}

Value lpad(const Call& call) {
    const auto count = padding(call);
    if (!count) {
        return {};
    }
    std::string& out = call.context.buffer();
    out.append(*count, ' ').append(call.text(0));
    return call.context.text(out);
}

Value rpad(const Call& call) {
    const auto count = padding(call);
    if (!count) {
        return {};
    }
    std::string& out = call.context.buffer();
    out.append(call.text(0)).append(*count, ' ');
    return call.context.text(out);
}

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kWhiteSpace = " \t\r\n\f\v";

std::string_view trimmed_left(std::string_view text, std::string_view set) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(set), text.size()));
    return text;
}

std::string_view trimmed_right(std::string_view text, std::string_view set) noexcept {
    const auto last = text.find_last_not_of(set);
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Value ltrim(const Call& call) {
    return Value::string(trimmed_left(call.text(0), kBlanks));
}
Value rtrim(const Call& call) {
    return Value::string(trimmed_right(call.text(0), kBlanks));
}
Value trim(const Call& call) {
    if (!call.context.budget().spend_bytes(2 * call.text(0).size())) {
        return {};
    }
    return Value::string(trimmed_left(trimmed_right(call.text(0), kWhiteSpace), kWhiteSpace));
}

Value substring(const Call& call) {
    const auto text = call.text(0);
    const auto size = static_cast<std::int64_t>(text.size());
    const auto index = [&](std::size_t i) {
        return std::clamp<std::int64_t>(floor_to_int64(call.number(i)), 0, size);
    };
    const std::int64_t first = index(1);
    const std::int64_t last = call.size() > 2 ? index(2) : size;
    if (first >= last) {
        return Value::string("");
    }
    const auto begin = offset_of_character(text, first);
    const auto rest = text.substr(begin);
    return Value::string(rest.substr(0, offset_of_character(rest, last - first)));
}

Value replace(const Call& call) {
    const auto text = call.text(0);
    const auto from = call.text(1);
    const auto to = call.text(2);
    if (from.empty()) {
        return call[0];
    }
    std::string& out = call.context.buffer();
    std::size_t at = 0;
    for (auto found = detail::find_text(text, from); found != std::string_view::npos;
         found = detail::find_text(text, from, at)) {
        out.append(text, at, found - at).append(to);
        at = found + from.size();
        if (!call.context.budget().spend_bytes(detail::Budget::kBytesPerStep + to.size())) {
            return {};
        }
    }
    out.append(text, at);
    return call.context.text(out);
}

Value chr(const Call& call) {
    const std::int64_t code = floor_to_int64(call.number(0));
    if (code < 0 || code > 127) {
        return {};
    }
    const char character = static_cast<char>(code);
    return call.context.text({&character, 1});
}

constexpr Function on_text(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    TypeSet result,
    Value (*call)(const Call&),
    std::uint8_t profiles = kEveryProfile
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = {text},
        .result = result,
        .arguments_min = 1,
        .arguments_max = 1,
        .profiles = profiles,
        .call = call
    };
}

constexpr Function on_two(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    Parameter second,
    TypeSet result,
    Value (*call)(const Call&),
    std::uint8_t profiles = kEveryProfile
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = {text, second},
        .result = result,
        .arguments_min = 2,
        .arguments_max = 2,
        .profiles = profiles,
        .call = call
    };
}

constexpr Function kFunctions[] = {
    {.name = "chr",
     .signature = "chr(code)",
     .help = "the ASCII character of a code",
     .parameters = {number},
     .result = kGivesText,
     .arguments_min = 1,
     .arguments_max = 1,
     .call = chr},
    on_two("endswith", "endswith(text, end)", "true if the text ends so", text, kGivesBoolean, endswith),
    on_two(
        "indexof",
        "indexof(text, part)",
        "where the part begins, from 0; -1: nowhere",
        text,
        kGivesInteger,
        indexof,
        kSince2016
    ),
    on_text("length", "length(text)", "number of characters", kGivesInteger, length),
    on_text("lower", "lower(text)", "in lower case", kGivesText, change_case<towlower_l>),
    on_two("lpad", "lpad(text, count)", "the text behind 0..1000 spaces", number, kGivesText, lpad),
    on_text("ltrim", "ltrim(text)", "without spaces and tabs in front", kGivesText, ltrim),
    on_text(
        "numbytes", "numbytes(text)", "number of bytes in UTF-8", kGivesInteger, numbytes, kSince2016
    ),
    {.name = "replace",
     .signature = "replace(text, from, to)",
     .help = "every `from` replaced, as plain text",
     .parameters = {text, text, text},
     .result = kGivesText,
     .arguments_min = 3,
     .arguments_max = 3,
     .call = replace},
    on_two("rpad", "rpad(text, count)", "the text with 0..1000 spaces behind it", number, kGivesText, rpad),
    on_text("rtrim", "rtrim(text)", "without spaces and tabs at the end", kGivesText, rtrim),
    on_two("startswith", "startswith(text, start)", "true if the text begins so", text, kGivesBoolean, startswith),
    {.name = "substring",
     .signature = "substring(text, from [, to])",
     .help = "characters from, from 0, up to, not including, to",
     .parameters = {text, number, number},
     .result = kGivesText,
     .arguments_min = 2,
     .arguments_max = 3,
     .call = substring},
    on_text("trim", "trim(text)", "without white space at both ends", kGivesText, trim),
    on_text("upper", "upper(text)", "in upper case", kGivesText, change_case<towupper_l>),
};

}  // namespace

std::span<const Function> text_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
