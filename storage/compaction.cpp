#include <weir/storage/detail/compaction.hpp>

#include <algorithm>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/stream_index.hpp>

namespace weir::storage::detail {
namespace {

/// How long a record without a payload tells readers that its key is gone.
constexpr std::chrono::days kTombstoneGrace{1};
/// A pass comes when what is new has half the bytes of what was passed; a little waits so long.
constexpr std::chrono::hours kPassPeriod{1};
/// Of a pass. It ends a segment later, with another pass for what is left: 2 to 4 MiB of memory.
constexpr std::size_t kKeysMax = 65'536;
/// Of a step, which ends a segment later: 1 or 2 ms. What was removed costs a little to pass by
/// until the engine has tidied up.
constexpr std::uint64_t kStepRecords = 1'024;
constexpr std::uint64_t kStepBytes = 256 * 1024;
constexpr std::uint64_t kStepOffsets = 32 * 1024;
/// Of a segment that was made of several, unless nothing is left of it: that is not read.
constexpr std::uint64_t kSegmentOffsets = 16 * 1024;

}  // namespace

bool Compaction::is_due(const StreamHead& head, const Rest& rest, WallTime now) {
    const bool has_news = head.index_offset > std::max(rest.clean, head.first);
    if ((!has_news && !rest.has_tombstones) || (now < rest.retry && !rest.hurried)) {
        return false;
    }
    const std::uint64_t passed = std::max(rest.clean_bytes, head.bytes_before_first);
    const std::uint64_t news = head.bytes_ever - passed;
    const std::uint64_t kept = head.bytes() - std::min(head.bytes(), news);
    return rest.hurried || now - rest.last >= kPassPeriod || (has_news && news >= kept / 2);
}

bool Compaction::fit_one(const Segment& a, const Segment& b) noexcept {
    const std::uint64_t records = a.records() + b.records();
    return records == 0 || (records <= kIndexRecords && a.bytes() + b.bytes() <= kIndexBytes &&
                            b.end.offset - a.first <= kSegmentOffsets);
}

Compaction::Key Compaction::digest_of(const StreamRecord& record) {
    Bytes text;
    text.push_back(static_cast<Byte>(record.tenant.size()));
    append(text, record.tenant);
    append(text, record.key);
    const auto digest = sha256(text);
    return {load_be<std::uint64_t>(digest.data()), load_be<std::uint64_t>(digest.data() + 8)};
}

StreamLog* Compaction::step(WallTime now) {
    changed_ = false;
    if (!pass_) {
        begin_pass(now);
    }
    if (!pass_) {
        busy_ = false;
        return nullptr;
    }
    StreamLog* const log = pass_->log;
    if (const auto worked = work(now); !worked) {
        log::warn(
            "stream_compaction_failed", {{"stream", log->name}, {"error", worked.error().message()}}
        );
        rests_[log].retry = now + kPassPeriod;
        rests_[log].hurried = false;
        pass_.reset();
    }
    busy_ = pass_.has_value() || hurried();
    return changed_ ? log : nullptr;
}

void Compaction::end_group(bool committed) {
    removed_ += committed ? removing_ : 0;
    removing_ = 0;
    if (!committed) {
        pass_.reset();
        rests_.clear();
        busy_ = false;
    }
}

void Compaction::hurry() {
    pass_.reset();
    for (StreamLog* const log : catalog_.streams()) {
        if (log->retention().compact) {
            rests_[log].hurried = true;
        }
    }
}

bool Compaction::hurried() const noexcept {
    return std::ranges::any_of(rests_, [](const auto& each) { return each.second.hurried; });
}

/// Over the stream that waited longest.
void Compaction::begin_pass(WallTime now) {
    StreamLog* chosen = nullptr;
    for (StreamLog* const log : catalog_.streams()) {
        if (!log->retention().compact) {
            rests_.erase(log);
            continue;
        }
        Rest& rest = rests_[log];
        if (!is_due(log->working, rest, now)) {
            rest.hurried = false;
        } else if (chosen == nullptr || rest.last < rests_[chosen].last) {
            chosen = log;
        }
    }
    if (chosen != nullptr) {
        const std::uint64_t clean = rests_[chosen].clean;
        pass_ = Pass{.log = chosen, .at = clean, .at_bytes = rests_[chosen].clean_bytes};
        pass_->end = clean;
        pass_->end_bytes = pass_->at_bytes;
    }
}

void Compaction::end_pass(WallTime now) {
    Rest& rest = rests_[pass_->log];
    rest.clean = pass_->end;
    rest.clean_bytes = pass_->end_bytes;
    rest.last = now;
    rest.has_tombstones = pass_->has_tombstones;
    rest.hurried = rest.hurried && pass_->end < pass_->log->working.index_offset;
    pass_.reset();
}

Result<void> Compaction::work(WallTime now) {
    if (!pass_->log->retention().compact) {
        pass_.reset();
        return {};
    }
    const StreamHead& head = pass_->log->working;
    Load load;
    while (load.records < kStepRecords && load.bytes < kStepBytes && load.offsets < kStepOffsets) {
        WEIR_TRY(const auto segment, next_segment());
        if (segment) {
            WEIR_CHECK(pass_->sweeping ? sweep(*segment, load, now) : gather(*segment, load));
        }
        const bool is_full = pass_->newest.size() >= kKeysMax;
        if (segment && (pass_->sweeping || !is_full)) {
            continue;
        }
        if (pass_->sweeping) {
            end_pass(now);
            return {};
        }
        pass_->sweeping = true;
        pass_->at = head.first;
        pass_->at_bytes = head.bytes_before_first;
    }
    return {};
}

Result<std::optional<Compaction::Segment>> Compaction::next_segment() {
    const StreamHead& head = pass_->log->working;
    if (pass_->at <= head.first) {  // Trimmed meanwhile, which leaves whole segments.
        pass_->at = head.first;
        pass_->at_bytes = head.bytes_before_first;
        pass_->before.reset();
    }
    const std::uint64_t end = pass_->sweeping ? pass_->end : head.index_offset;
    if (pass_->at >= end) {
        return std::nullopt;
    }
    std::optional<Segment> found;
    const auto take = [&](const IndexEntry& entry) {
        found = Segment{pass_->at, pass_->at_bytes, entry};
        return false;
    };
    WEIR_CHECK(scan_index(engine_, pass_->log->name, pass_->at + 1, end + 1, take));
    return found;
}

/// Visits the records that have a key. One that is damaged is passed by, and stays.
template <class Visit>
Result<void> Compaction::read(const Segment& segment, Load& load, Visit visit) const {
    const std::string& name = pass_->log->name;
    ++load.records;  // A look at the index costs about as much.
    if (segment.records() == 0) {
        return {};
    }
    load.offsets += segment.end.offset - segment.first;
    return engine_.scan(
        Family::streams,
        LogKey{kRecord, name, segment.first}.view(),
        LogKey{kRecord, name, segment.end.offset}.view(),
        [&](std::string_view key, std::string_view value) {
            ++load.records;
            load.bytes += value.size();
            const auto record = decode_stream_record(as_bytes(value));
            if (record && !record->key.empty()) {
                visit(LogKey::offset_of(key), *record, value.size());
            }
            return true;
        }
    );
}

Result<void> Compaction::gather(const Segment& segment, Load& load) {
    WEIR_CHECK(read(
        segment,
        load,
        [this](std::uint64_t offset, const StreamRecord& record, std::size_t) {
            pass_->newest[digest_of(record)] = offset;
        }
    ));
    pass_->end = pass_->at = segment.end.offset;
    pass_->end_bytes = pass_->at_bytes = segment.end.bytes_before;
    return {};
}

Result<void> Compaction::sweep(Segment segment, Load& load, WallTime now) {
    doomed_.clear();
    std::uint64_t bytes = 0;
    const auto expired = (now - kTombstoneGrace).count();
    WEIR_CHECK(read(
        segment,
        load,
        [&](std::uint64_t offset, const StreamRecord& record, std::size_t size) {
            const auto newest = pass_->newest.find(digest_of(record));
            const bool is_replaced = newest != pass_->newest.end() && offset < newest->second;
            const bool is_tombstone = record.payload.empty();
            // All that a tombstone replaces was before it, and is gone by now.
            if (is_replaced || (is_tombstone && record.time_ms <= expired)) {
                doomed_.push_back(offset);
                bytes += size;
            } else {
                pass_->has_tombstones = pass_->has_tombstones || is_tombstone;
            }
        }
    ));
    StreamLog& log = *pass_->log;
    LogKey record_key{kRecord, log.name};
    for (const std::uint64_t offset : doomed_) {
        record_key.move_to(offset);
        engine_.erase(Family::streams, record_key.view());
    }
    log.working.gone_records += doomed_.size();
    log.working.gone_bytes += bytes;
    removing_ += doomed_.size();
    segment.end.gone_records += doomed_.size();
    segment.end.gone_bytes += bytes;
    const bool joins = pass_->before && fit_one(*pass_->before, segment);
    if (joins) {
        const IndexEntry& border = pass_->before->end;
        engine_.erase(Family::streams, LogKey{kIndex, log.name, border.offset}.view());
        segment.first = pass_->before->first;
        segment.bytes_before = pass_->before->bytes_before;
        segment.end.gone_records += border.gone_records;
        segment.end.gone_bytes += border.gone_bytes;
    }
    if (joins || !doomed_.empty()) {
        scratch_.clear();
        encode(scratch_, segment.end);
        engine_.put(
            Family::streams, LogKey{kIndex, log.name, segment.end.offset}.view(), as_text(scratch_)
        );
        changed_ = true;
    }
    pass_->at = segment.end.offset;
    pass_->at_bytes = segment.end.bytes_before;
    pass_->before = segment;
    return {};
}

}  // namespace weir::storage::detail
