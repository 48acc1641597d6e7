#include <fmt/format.h>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/functions/time_pattern.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

/// A pattern that is not constant is read for each message.
constexpr std::size_t kStepsToCompile = 20;
/// Printing or reading a time of some fields.
constexpr std::size_t kStepsToUse = 4;

struct PreparedPattern final : Prepared {
    std::optional<TimePattern> pattern;
};

using Compile = std::optional<TimePattern> (*)(std::string_view);

template <Compile compile, std::size_t argument>
std::unique_ptr<Prepared> prepare(ConstantArguments arguments, std::string& problem) {
    load_time_zones();
    const auto& constant = arguments[argument];
    if (!constant || !constant->is(Type::string)) {
        return nullptr;
    }
    if (argument == 0 && arguments.size() > 2 && arguments[2] && arguments[2]->is(Type::string) &&
        !find_time_zone(arguments[2]->text())) {
        problem = fmt::format("there is no time zone {}", arguments[2]->text());
    }
    auto prepared = std::make_unique<PreparedPattern>();
    prepared->pattern = compile(constant->text());
    if (!prepared->pattern) {
        problem = fmt::format("not a pattern of date and time: {}", constant->text());
    }
    return prepared;
}

template <Compile compile, std::size_t argument, class Use>
Value with_pattern(const Call& call, Use use) {
    constexpr std::size_t kPatternBytesPerStep = 3;  // A letter may be a field.
    if (!call.context.budget().spend(
            kStepsToUse + call.text(argument).size() / kPatternBytesPerStep
        )) {
        return {};
    }
    if (call.prepared != nullptr) {
        const auto& pattern = static_cast<const PreparedPattern*>(call.prepared)->pattern;
        return pattern ? use(*pattern) : Value{};
    }
    if (!call.context.budget().spend(kStepsToCompile)) {
        return {};
    }
    const auto pattern = compile(call.text(argument));
    return pattern ? use(*pattern) : Value{};
}

Value parse_time(const Call& call) {
    /// Year 9999 and back as far; further away the calendar means nothing.
    constexpr std::int64_t kFarthestMs = 253'402'300'799'999;
    const std::int64_t ms = floor_to_int64(call.number(1));
    if (ms > kFarthestMs || ms < -kFarthestMs) {
        return {};
    }
    const auto zone = call.size() > 2 ? find_time_zone(call.text(2)) : std::optional{TimeZone{}};
    if (!zone) {
        return {};
    }
    return with_pattern<TimePattern::for_printing, 0>(call, [&](const TimePattern& pattern) {
        std::string& out = call.context.buffer();
        pattern.print(out, ms, *zone);
        return call.context.text(out);
    });
}

Value time_to_epoch(const Call& call) {
    return with_pattern<TimePattern::for_reading, 1>(call, [&](const TimePattern& pattern) {
        const auto ms = pattern.read(call.text(0));
        return ms ? Value::integer(*ms) : Value{};
    });
}

constexpr Function kFunctions[] = {
    {.name = "parse_time",
     .signature = "parse_time(pattern, milliseconds [, zone])",
     .help = "a time since 1970 as text, by a Joda-Time pattern; UTC unless a zone is given",
     .parameters = {text, number, text},
     .result = kGivesText,
     .arguments_min = 2,
     .arguments_max = 3,
     .profiles = kSince2016,
     .call = parse_time,
     .prepare = prepare<TimePattern::for_printing, 0>},
    {.name = "time_to_epoch",
     .signature = "time_to_epoch(text, pattern)",
     .help =
         "milliseconds since 1970 of a text, by a java.time pattern; UTC unless it names a zone",
     .parameters = {text, text},
     .result = kGivesInteger,
     .arguments_min = 2,
     .arguments_max = 2,
     .profiles = kSince2016,
     .call = time_to_epoch,
     .prepare = prepare<TimePattern::for_reading, 1>},
};

}  // namespace

std::span<const Function> time_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
