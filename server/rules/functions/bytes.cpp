// Payloads that are no text: numbers at fixed places.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/base/digest.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/functions/words.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

constexpr std::array<std::string_view, 2> kSchemes = {"base64", "hex"};

/// From base64 or hex.
Value bytes(const Call& call) {
    if (!call.context.budget().spend_bytes(2 * call.text(0).size())) {
        return {};
    }
    const bool hex = call.text(1) == "hex";
    if (!hex && call.text(1) != "base64") {
        return {};
    }
    const auto decoded = hex ? from_hex(call.text(0)) : from_base64(call.text(0));
    return decoded ? Value::binary(as_bytes(call.context.store(as_text(*decoded)))) : Value{};
}

struct Options {
    bool is_signed = false;
    bool little = false;
};

/// The words behind the first three arguments; nothing if one is unknown.
std::optional<Options> read_options(const Call& call) {
    Options options;
    for (std::size_t i = 3; i < call.size(); ++i) {
        const auto word = call.text(i);
        options.is_signed = options.is_signed || word == "signed";
        options.little = options.little || word == "little";
        if (word != "signed" && word != "unsigned" && word != "little" && word != "big") {
            return std::nullopt;
        }
    }
    return options;
}

/// `count` bytes from `offset` on as a big-endian number; nothing beyond the end.
std::optional<std::uint64_t> read_word(const Call& call, bool little) {
    const std::int64_t offset = floor_to_int64(call.number(1));
    const std::int64_t count = floor_to_int64(call.number(2));
    if (!call[0].is(Type::binary) || offset < 0 || count < 1 || count > 8) {
        return std::nullopt;
    }
    const ByteView all = call[0].bytes();
    const auto size = static_cast<std::int64_t>(all.size());
    if (offset > size - count) {
        return std::nullopt;
    }
    std::uint64_t word = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(offset + (little ? count - 1 - i : i));
        word = word << 8U | all[at];
    }
    return word;
}

Value read_int(const Call& call) {
    const auto options = read_options(call);
    const auto word = options ? read_word(call, options->little) : std::nullopt;
    if (!word) {
        return {};
    }
    if (!options->is_signed) {
        return Value::number({static_cast<Int128>(*word), 0}, Type::integer);
    }
    const auto unused = static_cast<unsigned>(64 - 8 * floor_to_int64(call.number(2)));
    return Value::integer(static_cast<std::int64_t>(*word << unused) >> unused);
}

Value read_float(const Call& call) {
    const auto options = read_options(call);
    const std::int64_t count = floor_to_int64(call.number(2));
    const auto word = options && (count == 4 || count == 8) ? read_word(call, options->little)
                                                            : std::nullopt;
    if (!word) {
        return {};
    }
    if (count == 8) {
        return call.context.number(from_double(std::bit_cast<double>(*word)), Type::decimal);
    }
    const auto single = std::bit_cast<float>(static_cast<std::uint32_t>(*word));
    return call.context.number(from_float(single), Type::decimal);
}

/// Most significant bit first.
Value bits(const Call& call) {
    constexpr std::int64_t kCountMax = 64;
    const std::int64_t offset = floor_to_int64(call.number(1));
    const std::int64_t count = floor_to_int64(call.number(2));
    if (!call[0].is(Type::binary) || offset < 0 || count < 1 || count > kCountMax) {
        return {};
    }
    const ByteView all = call[0].bytes();
    if (offset > static_cast<std::int64_t>(all.size()) * 8 - count) {
        return {};
    }
    std::uint64_t word = 0;
    for (auto at = static_cast<std::size_t>(offset); at < static_cast<std::size_t>(offset + count);
         ++at) {
        word = word << 1U | (static_cast<unsigned>(all[at / 8]) >> (7 - at % 8) & 1U);
    }
    return Value::number({static_cast<Int128>(word), 0}, Type::integer);
}

constexpr Function kFunctions[] = {
    {.name = "bits",
     .signature = "bits(bytes, offset, count)",
     .help = "1..64 bits as a whole number, offsets in bits from 0; * stands for the payload",
     .parameters = {any, integer, integer},
     .result = kGivesInteger,
     .arguments_min = 3,
     .arguments_max = 3,
     .profiles = kNativeOnly,
     .takes_bytes = true,
     .call = bits},
    {.name = "bytes",
     .signature = "bytes(text, 'base64')",
     .help = "the bytes that a text in base64 or hex stands for, for bits, read_int and read_float",
     .parameters = {text, text},
     .result = set_of({Type::binary}),
     .arguments_min = 2,
     .arguments_max = 2,
     .profiles = kNativeOnly,
     .call = bytes,
     .prepare = check_word<kSchemes, 1>},
    {.name = "read_float",
     .signature = "read_float(bytes, offset, count [, 'little'])",
     .help = "a floating-point number of 4 or 8 bytes; * stands for the payload",
     .parameters = {any, integer, integer, text},
     .result = kGivesNumber,
     .arguments_min = 3,
     .arguments_max = 4,
     .profiles = kNativeOnly,
     .takes_bytes = true,
     .call = read_float},
    {.name = "read_int",
     .signature = "read_int(bytes, offset, count [, 'signed'] [, 'little'])",
     .help = "a whole number of 1..8 bytes, big-endian and without sign unless told otherwise; * "
             "stands for the payload",
     .parameters = {any, integer, integer, text},
     .result = kGivesNumber,
     .arguments_min = 3,
     .arguments_max = 5,
     .profiles = kNativeOnly,
     .takes_bytes = true,
     .call = read_int},
};

}  // namespace

std::span<const Function> byte_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
