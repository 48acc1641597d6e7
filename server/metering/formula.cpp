#include <weir/metering/formula.hpp>

#include <algorithm>
#include <array>

namespace weir::metering {
namespace {

using storage::UsageDelta;

constexpr std::uint64_t kRuleBlock = 5 * 1024;

// clang-format off
constexpr std::array<SchemeInfo, kSchemes> kSchemeTable = {{
    //                      name            block    basis                              control retained stored basic_ingest_free
    {Scheme::aws_2016_512, "aws-2016-512",    512,  SizeBasis::payload,                false,  false,   false, true},
    {Scheme::aws_5k,       "aws-5k",          5120, SizeBasis::everything,             true,   true,    true,  true},
    {Scheme::azure_4k,     "azure-4k",        4096, SizeBasis::payload_and_properties, false,  false,   false, false},
    {Scheme::pubsub_64k,   "pubsub-64k",     65536, SizeBasis::payload_and_properties, false,  false,   false, false},
}};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < kSchemes; ++i) {
        if (kSchemeTable[i].scheme != static_cast<Scheme>(i)) {
            return false;
        }
    }
    return true;
}
static_assert(in_order(), "one row per scheme, in the order of the enum");

std::uint64_t everything(const Traffic& message) {
    return message.payload_bytes + message.topic_bytes + message.property_bytes;
}

std::uint64_t size_of(const Traffic& message, SizeBasis basis) {
    switch (basis) {
        case SizeBasis::payload:
            return message.payload_bytes;
        case SizeBasis::payload_and_properties:
            return message.payload_bytes + message.property_bytes;
        case SizeBasis::everything:
            break;
    }
    return everything(message);
}

void add_control(UsageDelta& sums, std::uint64_t bytes) {
    for (const SchemeInfo& row : kSchemeTable) {
        if (row.counts_control) {
            sums.counters[index(Counter::units_control, row.scheme)] += units(bytes, row.block);
        }
    }
}

void add_control(UsageDelta& sums, Counter counter, std::uint64_t bytes) {
    sums.counters[index(counter)] += 1;
    add_control(sums, bytes);
}

UsageDelta control(Counter counter, std::uint64_t bytes) {
    UsageDelta delta;
    add_control(delta, counter, bytes);
    return delta;
}

}  // namespace

const SchemeInfo& info(Scheme scheme) noexcept {
    return kSchemeTable[static_cast<std::size_t>(scheme)];
}

std::span<const SchemeInfo> all_schemes() noexcept {
    return kSchemeTable;
}

std::optional<Scheme> find_scheme(std::string_view name) noexcept {
    const auto found = std::ranges::find(kSchemeTable, name, &SchemeInfo::name);
    return found == kSchemeTable.end() ? std::nullopt : std::optional{found->scheme};
}

std::uint64_t total_units(const UsageDelta& sums, Scheme scheme) noexcept {
    return sums.counters[index(Counter::units_in, scheme)] +
           sums.counters[index(Counter::units_out, scheme)] +
           sums.counters[index(Counter::units_control, scheme)];
}

UsageDelta publish_in(const Traffic& message) noexcept {
    UsageDelta delta;
    add_publish_in(delta, message);
    return delta;
}

UsageDelta publish_out(const Traffic& message) noexcept {
    UsageDelta delta;
    add_publish_out(delta, message);
    return delta;
}

void add_publish_in(UsageDelta& sums, const Traffic& message) noexcept {
    auto& counters = sums.counters;
    counters[index(Counter::messages_in)] += 1;
    counters[index(Counter::bytes_in)] += everything(message);
    counters[index(Counter::messages_retained)] += message.retain ? 1 : 0;
    for (const SchemeInfo& row : kSchemeTable) {
        if (message.basic_ingest && row.basic_ingest_free) {
            continue;
        }
        const std::uint64_t times = message.retain && row.counts_retained ? 2 : 1;
        counters[index(Counter::units_in, row.scheme)] +=
            times * units(size_of(message, row.basis), row.block);
    }
}

void add_publish_out(UsageDelta& sums, const Traffic& message) noexcept {
    auto& counters = sums.counters;
    counters[index(Counter::messages_out)] += 1;
    counters[index(Counter::bytes_out)] += everything(message);
    for (const SchemeInfo& row : kSchemeTable) {
        counters[index(Counter::units_out, row.scheme)] +=
            units(size_of(message, row.basis), row.block);
    }
}

void add_puback_in(UsageDelta& sums, std::uint64_t bytes) noexcept {
    add_control(sums, Counter::pubacks_in, bytes);
}

UsageDelta publish_stored(const Traffic& message) noexcept {
    UsageDelta delta;
    delta.counters[index(Counter::messages_stored)] = 1;
    for (const SchemeInfo& row : kSchemeTable) {
        if (row.counts_stored) {
            delta.counters[index(Counter::units_out, row.scheme)] =
                units(size_of(message, row.basis), row.block);
        }
    }
    return delta;
}

UsageDelta connect(std::uint64_t bytes) noexcept {
    return control(Counter::connects, bytes);
}
UsageDelta subscribe(std::uint64_t bytes) noexcept {
    return control(Counter::subscribes, bytes);
}
UsageDelta puback_in(std::uint64_t bytes) noexcept {
    return control(Counter::pubacks_in, bytes);
}

UsageDelta http_error(std::uint64_t body_bytes) noexcept {
    UsageDelta delta;
    add_control(delta, body_bytes);
    return delta;
}

UsageDelta rule_run(const Traffic& message, std::uint64_t actions) noexcept {
    const std::uint64_t size = units(everything(message), kRuleBlock);
    UsageDelta delta;
    delta.counters[index(Counter::rules_triggered)] = size;
    delta.counters[index(Counter::rule_actions)] = size * std::max<std::uint64_t>(1, actions);
    return delta;
}

UsageDelta minutes(std::uint64_t count) noexcept {
    UsageDelta delta;
    delta.counters[index(Counter::connected_minutes)] = count;
    return delta;
}

UsageDelta throttled() noexcept {
    UsageDelta delta;
    delta.counters[index(Counter::throttled)] = 1;
    return delta;
}

}  // namespace weir::metering
