#include <array>
#include <string_view>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/functions/md2.hpp>
#include <weir/rules/functions/words.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

template <DigestKind kind>
Value hashed(const Call& call) {
    constexpr std::size_t kSteps = 4;
    constexpr std::size_t kBytesPerStep = 64;
    auto& budget = call.context.budget();
    if (!budget.spend(kSteps) || !budget.spend_work(call.text(0).size() / kBytesPerStep)) {
        return {};
    }
    return call.context.text(to_hex(digest(kind, as_bytes(call.text(0)))));
}

Value hashed_md2(const Call& call) {
    // Slow and byte by byte, unlike the others.
    constexpr std::size_t kSteps = 12;
    constexpr std::size_t kBytesPerStep = 4;
    auto& budget = call.context.budget();
    if (!budget.spend(kSteps) || !budget.spend_work(call.text(0).size() / kBytesPerStep)) {
        return {};
    }
    return call.context.text(to_hex(md2(as_bytes(call.text(0)))));
}

enum class Scheme : std::uint8_t { base64, hex };

constexpr std::array<std::string_view, 2> kSchemes = {"base64", "hex"};

/// AWS knows base64 alone.
std::optional<Scheme> scheme(const Call& call) {
    if (call[1].is(Type::string) && call.text(1) == "base64") {
        return Scheme::base64;
    }
    const bool hex = call.context.profile() == Profile::native && call[1].is(Type::string) &&
                     call.text(1) == "hex";
    return hex ? std::optional{Scheme::hex} : std::nullopt;
}

Value encode(const Call& call) {
    const auto how = scheme(call);
    if (!how) {
        return {};
    }
    const auto text = call[0].is(Type::binary) ? std::optional{as_text(call[0].bytes())}
                                               : call.context.to_text(call[0]);
    if (!text || !call.context.budget().spend_bytes(2 * text->size())) {
        return {};
    }
    const auto bytes = as_bytes(*text);
    return call.context.text(*how == Scheme::hex ? to_hex(bytes) : to_base64(bytes));
}

Value decode(const Call& call) {
    const auto how = scheme(call);
    if (!how || !call[0].is(Type::string)) {
        return {};
    }
    if (!call.context.budget().spend_bytes(2 * call.text(0).size())) {
        return {};
    }
    const auto bytes = *how == Scheme::hex ? from_hex(call.text(0)) : from_base64(call.text(0));
    if (!bytes) {
        return Value::null();
    }
    const Value parsed = call.context.parse_json(as_text(*bytes));
    if (!parsed.is_undefined()) {
        return call.context.found(parsed);
    }
    return is_utf8(as_text(*bytes)) ? call.context.text(as_text(*bytes)) : Value::null();
}

constexpr Function hash(
    std::string_view name, std::string_view signature, Value (*call)(const Call&)
) {
    return {
        .name = name,
        .signature = signature,
        .help = "digest of the text, in lower-case hex",
        .parameters = {text},
        .result = kGivesText,
        .arguments_min = 1,
        .arguments_max = 1,
        .call = call
    };
}

constexpr Function kFunctions[] = {
    {.name = "decode",
     .signature = "decode(text, 'base64')",
     .help = "the JSON value, or else the text, that was encoded; Null if it cannot be decoded; "
             "natively also from hex",
     .parameters = {any, any},
     .arguments_min = 2,
     .arguments_max = 2,
     .profiles = kSince2016,
     .call = decode,
     .prepare = check_word<kSchemes, 1>},
    {.name = "encode",
     .signature = "encode(value, 'base64')",
     .help = "the text form of a value, or with * the bytes of the payload, in base64; natively also "
             "in hex",
     .parameters = {any, any},
     .result = kGivesText,
     .arguments_min = 2,
     .arguments_max = 2,
     .profiles = kSince2016,
     .takes_bytes = true,
     .call = encode,
     .prepare = check_word<kSchemes, 1>},
    hash("md2", "md2(text)", hashed_md2),
    hash("md5", "md5(text)", hashed<DigestKind::md5>),
    hash("sha1", "sha1(text)", hashed<DigestKind::sha1>),
    hash("sha224", "sha224(text)", hashed<DigestKind::sha224>),
    hash("sha256", "sha256(text)", hashed<DigestKind::sha256>),
    hash("sha384", "sha384(text)", hashed<DigestKind::sha384>),
    hash("sha512", "sha512(text)", hashed<DigestKind::sha512>),
};

}  // namespace

std::span<const Function> digest_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
