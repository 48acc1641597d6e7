#include <weir/metering/ledger.hpp>

#include <algorithm>
#include <limits>

#include <weir/base/bytes.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

using storage::Batch;
using storage::Family;
using storage::Store;

constexpr std::string_view kRunKey = "ledger/run";
constexpr std::string_view kSealPrefix = "ledger/seal/";
constexpr std::string_view kGapPrefix = "ledger/gap/";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kSealsPerCall = 1'000;
constexpr std::size_t kSealBytes = 8 + 8 + 32 + 32;
constexpr std::uint32_t kRecentHours = 48;

/// How the last run stands, with the time up to which its usage is stored.
struct Run {
    bool running = false;
    WallTime drained{0};
};

void put_run(Batch& batch, const Run& run) {
    Bytes body;
    body.push_back(run.running ? 1 : 0);
    append_be(body, static_cast<std::uint64_t>(run.drained.count()));
    batch.put(Family::audit, kRunKey, kVersion, body);
}

Result<void> check_version(std::uint8_t version) {
    if (version > kVersion) {
        return storage::errc::newer_version;
    }
    return {};
}

WallTime read_time(ByteCursor& in) {
    return WallTime{static_cast<std::int64_t>(*in.read_be<std::uint64_t>())};
}

Result<std::optional<Run>> load_run(const Store& store) {
    WEIR_TRY(const auto value, store.get(Family::audit, kRunKey));
    if (!value) {
        return std::nullopt;
    }
    WEIR_CHECK(check_version(value->version));
    ByteCursor in{value->body};
    if (in.size() != 9) {
        return storage::errc::malformed_record;
    }
    const bool running = *in.read_be<Byte>() != 0;
    return Run{running, read_time(in)};
}

template <class T>
std::string numbered_key(std::string_view prefix, T number) {
    std::array<Byte, sizeof number> raw{};
    store_be(raw.data(), number);
    return std::string{prefix} + std::string{as_text(raw)};
}

void put_seal(Batch& batch, const Seal& seal) {
    Bytes body;
    body.reserve(kSealBytes);
    append_be(body, seal.entries);
    append_be(body, static_cast<std::uint64_t>(seal.sealed.count()));
    append(body, seal.previous);
    append(body, seal.hash);
    batch.put(Family::audit, numbered_key(kSealPrefix, seal.hour), kVersion, body);
}

Result<Seal> read_seal(std::string_view key, std::uint8_t version, ByteView body) {
    WEIR_CHECK(check_version(version));
    ByteCursor in{body};
    ByteCursor number{as_bytes(key.substr(kSealPrefix.size()))};
    if (in.size() != kSealBytes || number.size() != sizeof(std::uint32_t)) {
        return storage::errc::malformed_record;
    }
    Seal seal;
    seal.hour = *number.read_be<std::uint32_t>();
    seal.entries = *in.read_be<std::uint64_t>();
    seal.sealed = read_time(in);
    std::ranges::copy(*in.read(32), seal.previous.begin());
    std::ranges::copy(*in.read(32), seal.hash.begin());
    return seal;
}

void put_gap(Batch& batch, const Gap& gap) {
    Bytes body;
    append_be(body, static_cast<std::uint64_t>(gap.from.count()));
    append_be(body, gap.hour);
    batch.put(
        Family::audit,
        numbered_key(kGapPrefix, static_cast<std::uint64_t>(gap.to.count())),
        kVersion,
        body
    );
}

Result<Gap> read_gap(std::string_view key, std::uint8_t version, ByteView body) {
    WEIR_CHECK(check_version(version));
    ByteCursor number{as_bytes(key.substr(kGapPrefix.size()))};
    ByteCursor in{body};
    if (number.size() != 8 || in.size() != 8 + 4) {
        return storage::errc::malformed_record;
    }
    Gap gap;
    gap.to = read_time(number);
    gap.from = read_time(in);
    gap.hour = *in.read_be<std::uint32_t>();
    return gap;
}

/// Hash over everything that a seal vouches for. Fields have their lengths in front, so that no two
/// hours look alike.
Result<Seal> compute_seal(
    const Store& store, std::uint32_t hour, const Sha256& previous, const std::vector<Gap>& gaps
) {
    Seal seal{.hour = hour, .previous = previous};
    Bytes scratch;
    append(scratch, previous);
    append_be(scratch, hour);
    for (const Gap& gap : gaps) {
        if (gap.hour == hour) {
            append_be(scratch, static_cast<std::uint64_t>(gap.from.count()));
            append_be(scratch, static_cast<std::uint64_t>(gap.to.count()));
        }
    }
    Sha256 hash = sha256(scratch);
    WEIR_CHECK(store.read_usage(
        {.from_hour = hour, .to_hour = hour + 1},
        [&](const storage::UsageEntry& entry) {
            scratch.assign(hash.begin(), hash.end());
            append_be(scratch, static_cast<std::uint16_t>(entry.tenant.size()));
            append(scratch, entry.tenant);
            append_be(scratch, static_cast<std::uint16_t>(entry.device.size()));
            append(scratch, entry.device);
            storage::encode(scratch, entry.sums);
            hash = sha256(scratch);
            ++seal.entries;
            return true;
        }
    ));
    seal.hash = hash;
    return seal;
}

/// @param read   (key, version, body) -> Result<Record>
/// @param start  The key to begin at; empty: the first.
template <class Record, class Read>
Result<std::vector<Record>> read_all(
    const Store& store, std::string_view prefix, Read read, std::string_view start = {}
) {
    std::vector<Record> out;
    Result<void> outcome;
    WEIR_CHECK(store.scan(
        Family::audit,
        prefix,
        [&](std::string_view key, std::uint8_t version, ByteView body) {
            auto record = read(key, version, body);
            if (!record) {
                outcome = record.error();
                return false;
            }
            out.push_back(std::move(*record));
            return true;
        },
        start
    ));
    if (!outcome) {
        return outcome.error();
    }
    return out;
}

/// Where the chain ends.
/// @cost Reads the seals of the last two days, or if there are none goes back further.
Result<std::optional<Seal>> last_seal(const Store& store, std::uint32_t open) {
    for (std::uint32_t back = kRecentHours;; back *= 16) {
        const std::uint32_t from = open > back ? open - back : 0;
        WEIR_TRY(
            const auto found,
            read_all<Seal>(store, kSealPrefix, read_seal, numbered_key(kSealPrefix, from))
        );
        if (!found.empty()) {
            return found.back();
        }
        if (from == 0) {
            return std::nullopt;
        }
    }
}

/// Where the chain starts: the first hour with usage.
Result<std::optional<std::uint32_t>> first_used_hour(const Store& store) {
    std::optional<std::uint32_t> hour;
    WEIR_CHECK(store.read_usage(
        {.from_hour = 0, .to_hour = std::numeric_limits<std::uint32_t>::max()},
        [&](const storage::UsageEntry& entry) {
            hour = entry.hour;
            return false;
        }
    ));
    return hour;
}

}  // namespace

Result<std::optional<Gap>> Ledger::begin() {
    WEIR_TRY(const auto last, load_run(store_));
    const WallTime now = clock_.wall();
    Batch batch;
    std::optional<Gap> gap;
    begun_ = false;
    if (last && last->running) {
        // The stamp is one shard's; the others have drained within kDrainMax of it.
        gap = Gap{last->drained - kDrainMax, now, std::max(hour_of(now), store_.usage_open_hour())};
        put_gap(batch, *gap);
    }
    put_run(batch, {true, now});
    WEIR_CHECK(store_.commit(std::move(batch)));
    begun_ = true;
    if (gap) {
        log::warn(
            "metering_gap",
            {{"from", format_time(gap->from.count())},
             {"to", format_time(gap->to.count())},
             {"reason", "the last run did not end in order"}}
        );
    }
    return gap;
}

Result<void> Ledger::finish() {
    if (!has_begun()) {
        return {};
    }
    Batch batch;
    put_run(batch, {false, clock_.wall()});
    return store_.commit(std::move(batch));
}

void Ledger::stamp(Batch& batch, WallTime now) const {
    if (has_begun()) {
        put_run(batch, {true, now});
    }
}

Result<std::uint64_t> Ledger::seal() {
    const std::uint32_t open = hour_of(clock_.wall() - kGrace);
    WEIR_TRY(const auto last, last_seal(store_, open));
    WEIR_TRY(const auto first, first_used_hour(store_));
    if (!last && !first) {
        return std::uint64_t{0};
    }
    Sha256 previous = last ? last->hash : Sha256{};
    std::uint32_t hour = last ? last->hour + 1 : *first;
    if (hour >= open) {
        return std::uint64_t{0};
    }
    // Closing is durable before the hours are read, so that nothing slips in between.
    Batch closing;
    closing.close_usage(open);
    WEIR_CHECK(store_.commit(std::move(closing)));
    WEIR_TRY(const auto all_gaps, gaps(store_));
    Batch batch;
    std::uint64_t count = 0;
    for (; hour < open && count < kSealsPerCall; ++hour, ++count) {
        WEIR_TRY(auto seal, compute_seal(store_, hour, previous, all_gaps));
        seal.sealed = clock_.wall();
        previous = seal.hash;
        put_seal(batch, seal);
    }
    WEIR_CHECK(store_.commit(std::move(batch)));
    return count;
}

Result<std::vector<Seal>> Ledger::seals(const Store& store) {
    return read_all<Seal>(store, kSealPrefix, read_seal);
}

Result<std::vector<Gap>> Ledger::gaps(const Store& store) {
    return read_all<Gap>(store, kGapPrefix, read_gap);
}

Result<Verification> Ledger::verify(const Store& store) {
    WEIR_TRY(const auto chain, seals(store));
    WEIR_TRY(const auto all_gaps, gaps(store));
    Verification out;
    const Seal* before = nullptr;
    for (const Seal& seal : chain) {
        const Sha256 expected = before == nullptr ? Sha256{} : before->hash;
        WEIR_TRY(const auto computed, compute_seal(store, seal.hour, seal.previous, all_gaps));
        if (before != nullptr && seal.hour != before->hour + 1) {
            out.problem = "hours before it are missing from the chain";
        } else if (seal.previous != expected) {
            out.problem = "it does not follow the seal before it";
        } else if (computed.entries != seal.entries) {
            out.problem = "it was sealed with " + std::to_string(seal.entries) +
                          " devices and now has " + std::to_string(computed.entries);
        } else if (computed.hash != seal.hash) {
            out.problem = "its usage was changed after it was sealed";
        }
        if (!out.problem.empty()) {
            out.bad_hour = seal.hour;
            return out;
        }
        ++out.seals;
        before = &seal;
    }
    return out;
}

}  // namespace weir::metering
