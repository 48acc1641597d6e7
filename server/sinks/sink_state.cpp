#include <weir/sinks/detail/sink_state.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

namespace weir::sinks {

std::string_view name(Activity activity) noexcept {
    constexpr std::array<std::string_view, 6> kNames = {
        "starting", "idle", "gathering", "delivering", "backing_off", "removed"
    };
    return kNames[static_cast<std::size_t>(activity)];
}

std::string_view name(BreakerState state) noexcept {
    constexpr std::array<std::string_view, 3> kNames = {"closed", "half_open", "open"};
    return kNames[static_cast<std::size_t>(state)];
}

void LatencyHistogram::add(std::chrono::milliseconds took) noexcept {
    const auto bucket = std::ranges::lower_bound(kBounds, took);
    ++counts[static_cast<std::size_t>(bucket - kBounds.begin())];
    sum += took;
}

std::uint64_t LatencyHistogram::count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

namespace detail {
namespace {

/// Several commits may follow each other while a status is read.
constexpr int kReadsMax = 8;
/// One claim of one run (none: zeroes), then the counters.
constexpr std::uint8_t kOneClaim = 1;
/// Counters, then per claim the number of runs and each run's ends.
constexpr std::uint8_t kVersion = 2;

std::string state_key(const std::string& sink) {
    return "sinks/" + sink;
}

bool read_numbers(ByteCursor& cursor, std::initializer_list<std::uint64_t*> numbers) {
    for (auto* const number : numbers) {
        const auto read = cursor.read_be<std::uint64_t>();
        if (!read) {
            return false;
        }
        *number = *read;
    }
    return true;
}

Result<SinkState> decode_one_claim(ByteView body) {
    SinkState state;
    Run run;
    ByteCursor cursor{body};
    auto& [delivered, dead, lost] = state.counters;
    if (!read_numbers(cursor, {&run.first, &run.last, &delivered, &dead, &lost})) {
        return storage::errc::malformed_record;
    }
    if (run.first != 0) {
        state.claims.push_back({run});
    }
    return state;
}

Result<SinkState> decode_claims(ByteView body) {
    SinkState state;
    ByteCursor cursor{body};
    auto& [delivered, dead, lost] = state.counters;
    if (!read_numbers(cursor, {&delivered, &dead, &lost})) {
        return storage::errc::malformed_record;
    }
    while (!cursor.empty()) {
        const auto count = cursor.read_be<std::uint16_t>();
        if (!count || *count == 0 || *count > kRunsMax) {
            return storage::errc::malformed_record;
        }
        Claim claim(*count);
        std::uint64_t after = 0;
        for (auto& run : claim) {
            if (!read_numbers(cursor, {&run.first, &run.last}) || run.first <= after ||
                run.last < run.first) {
                return storage::errc::malformed_record;
            }
            after = run.last;
        }
        state.claims.push_back(std::move(claim));
    }
    return state;
}

}  // namespace

Claim claim_of(const std::vector<storage::OutboxEntry>& batch) {
    Claim claim;
    for (const auto& entry : batch) {
        if (!claim.empty() && claim.back().last + 1 == entry.offset) {
            claim.back().last = entry.offset;
        } else {
            claim.push_back({entry.offset, entry.offset});
        }
    }
    return claim;
}

void put_state(storage::Batch& batch, const std::string& sink, const SinkState& state) {
    Bytes body;
    const auto& [delivered, dead, lost] = state.counters;
    for (const std::uint64_t number : {delivered, dead, lost}) {
        append_be(body, number);
    }
    for (const auto& claim : state.claims) {
        append_be(body, static_cast<std::uint16_t>(claim.size()));
        for (const auto& run : claim) {
            append_be(body, run.first);
            append_be(body, run.last);
        }
    }
    batch.put(storage::Family::meta, state_key(sink), kVersion, body);
}

Result<SinkState> decode_state(std::uint8_t version, ByteView body) {
    if (version > kVersion) {
        return storage::errc::newer_version;
    }
    return version == kOneClaim ? decode_one_claim(body) : decode_claims(body);
}

void add_outbox(SinkStatus& status, const storage::OutboxInfo& outbox, WallTime now) {
    status.in = outbox.next - 1;
    status.pending = outbox.records;
    status.pending_bytes = outbox.bytes;
    status.dead_letters = outbox.dead_records;
    if (outbox.oldest_ms != 0) {
        status.oldest_age = std::max(now - WallTime{outbox.oldest_ms}, WallTime{0});
    }
}

Result<void> add_stored(SinkStatus& status, storage::Store& store, WallTime now) {
    for (int reads = 1;; ++reads) {
        if (const auto outbox = store.outbox(status.name)) {
            add_outbox(status, *outbox, now);
        }
        WEIR_TRY(const auto state, load_state(store, status.name));
        status.counters = state.counters;
        const bool is_whole = status.in == status.pending + status.counters.total();
        if (is_whole || reads == kReadsMax) {
            return {};
        }
        store.drain();  // A commit came between, or its end is not shown by the outbox yet.
    }
}

Result<SinkState> load_state(const storage::Store& store, const std::string& sink) {
    WEIR_TRY(const auto value, store.get(storage::Family::meta, state_key(sink)));
    if (!value) {
        return SinkState{};
    }
    return decode_state(value->version, value->body);
}

}  // namespace detail
}  // namespace weir::sinks
