#include <weir/storage/detail/writer.hpp>

#include <algorithm>

#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/stream_index.hpp>

namespace weir::storage::detail {
namespace {

/// Of a stream, that a pass looks at: what is left is for the next one.
constexpr std::size_t kCutsMax = 4'096;
/// No record is so much newer than its group, unless the clock was ahead and has been set back.
constexpr std::chrono::hours kAhead{1};

bool is_ahead(std::int64_t time_ms, WallTime now) noexcept {
    return WallTime{time_ms} > now + kAhead;
}

template <class Head, class Decode>
Result<void> load_heads(const Engine& engine, Family family, Catalog& catalog, Decode decode) {
    const std::string from{kHead};
    const std::string to{static_cast<char>(kHead + 1)};
    Result<void> outcome;
    WEIR_CHECK(engine.scan(family, from, to, [&](std::string_view key, std::string_view value) {
        const Result<Head> head = decode(as_bytes(value));
        if (!head) {
            outcome = head.error();
            return false;
        }
        catalog.load(std::string{key.substr(1)}, *head);
        return true;
    }));
    return outcome;
}

Result<std::optional<std::uint32_t>> read_mark(const Engine& engine, std::string_view key) {
    WEIR_TRY(const auto text, engine.get(Family::meta, key));
    if (!text) {
        return std::nullopt;
    }
    if (text->size() != sizeof(std::uint32_t)) {
        return errc::malformed_record;
    }
    return load_be<std::uint32_t>(as_bytes(*text).data());
}

void put_mark(Engine& engine, std::string_view key, std::uint32_t value) {
    std::array<Byte, sizeof value> raw{};
    store_be(raw.data(), value);
    engine.put(Family::meta, key, as_text(raw));
}

[[nodiscard]] std::int64_t difference(std::uint64_t before, std::uint64_t after) noexcept {
    return static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before);
}

}  // namespace

Result<void> Writer::load() {
    WEIR_TRY(const auto schema, read_mark(engine_, kSchemaKey));
    if (schema.value_or(kSchemaVersion) > kSchemaVersion) {
        return errc::newer_version;
    }
    WEIR_TRY(const auto open_hour, read_mark(engine_, kUsageOpenHourKey));
    open_hour_ = open_hour.value_or(0);
    usage_open_hour_ = open_hour_;
    WEIR_CHECK(load_heads<StreamHead>(engine_, Family::streams, catalog_, decode_stream_head));
    WEIR_CHECK(load_heads<OutboxHead>(engine_, Family::outbox, catalog_, decode_outbox_head));
    WEIR_CHECK(sessions_.load());
    if (!schema) {
        put_mark(engine_, kSchemaKey, kSchemaVersion);
        WEIR_CHECK(engine_.commit());
    }
    return {};
}

template <class T>
void Writer::touch(T& log, std::vector<T*>& list) {
    if (!log.touched) {
        log.touched = true;
        list.push_back(&log);
    }
}

Result<void> Writer::apply(const Batch& batch, std::vector<std::uint64_t>& offsets) {
    sessions_.begin_batch();
    BatchReader reader{batch};
    for (BatchReader::Item item{}; reader.next(item);) {
        dirty_ = true;
        WEIR_CHECK(apply(item, offsets));
    }
    return {};
}

Result<void> Writer::apply(const BatchReader::Item& item, std::vector<std::uint64_t>& offsets) {
    switch (item.kind) {
        case OpKind::append_stream: {
            StreamLog& log = catalog_.stream(item.name);
            offsets.push_back(log.working.next);
            append_stream(log, item);
            break;
        }
        case OpKind::enqueue_outbox: {
            OutboxLog& log = catalog_.outbox(item.name);
            offsets.push_back(log.working.next);
            enqueue(log, item);
            break;
        }
        case OpKind::settle_outbox:
        case OpKind::dead_letter:
            return settle(catalog_.outbox(item.name), item.from, item.to, item.value);
        case OpKind::purge_dead_letters:
            return purge(catalog_.outbox(item.name), item.from, item.to);
        case OpKind::add_usage:
            add_usage(item);
            break;
        case OpKind::close_usage:
            close_usage(static_cast<std::uint32_t>(item.from));
            break;
        case OpKind::put:
            if (item.family == Family::sessions) {
                sessions_.note(item.family, item.name);
            }
            engine_.put(item.family, item.name, item.value);
            break;
        case OpKind::erase:
            engine_.erase(item.family, item.name);
            break;
        case OpKind::erase_range:
            engine_.erase_range(item.family, item.name, item.value);
            break;
        default:
            return apply_queue(item);
    }
    return {};
}

Result<void> Writer::apply_queue(const BatchReader::Item& item) {
    const SessionId session{item.from};
    const auto packet_id = [&item] {
        return load_be<std::uint16_t>(as_bytes(item.value).data());
    };
    switch (item.kind) {
        case OpKind::keep:
            sessions_.keep(MessageId{item.from}, item.value);
            break;
        case OpKind::enqueue:
            sessions_.enqueue(session, item.to, item.value);
            break;
        case OpKind::mark_queued:
            return sessions_.mark(session, item.to, EntryState::queued, 0);
        case OpKind::mark_sent:
            return sessions_.mark(session, item.to, EntryState::sent, packet_id());
        case OpKind::mark_released:
            return sessions_.mark(session, item.to, EntryState::released, packet_id());
        case OpKind::settle:
            return sessions_.settle(session, item.to);
        case OpKind::drop_session:
            return sessions_.drop(session);
        default:
            break;
    }
    return {};
}

void Writer::append_stream(StreamLog& log, const BatchReader::Item& item) {
    touch(log, streams_);
    StreamHead& head = log.working;
    if (head.next - head.index_offset >= kIndexRecords ||
        head.bytes_ever - head.index_bytes >= kIndexBytes) {
        scratch_.clear();
        const bool was_set_back = is_ahead(head.time_max, now_);
        encode(
            scratch_,
            IndexEntry{head.next, head.bytes_ever, was_set_back ? now_.count() : head.time_max}
        );
        engine_.put(Family::streams, LogKey{kIndex, log.name, head.next}.view(), as_text(scratch_));
        head.index_offset = head.next;
        head.index_bytes = head.bytes_ever;
    }
    engine_.put(Family::streams, LogKey{kRecord, log.name, head.next}.view(), item.value);
    ++head.next;
    head.bytes_ever += item.value.size();
    head.time_max = std::max(head.time_max, static_cast<std::int64_t>(item.from));
}

void Writer::enqueue(OutboxLog& log, const BatchReader::Item& item) {
    touch(log, outboxes_);
    const std::uint64_t cost = item.value.size() + kOutboxEntryOverhead;
    engine_.put(Family::outbox, LogKey{kRecord, log.name, log.working.next}.view(), item.value);
    ++log.working.next;
    ++log.working.records;
    log.working.bytes += cost;
    log.group_reserved += cost;
}

/// Removes entries; with a note they become dead letters. Reads the entries, as their sizes must be
/// known.
Result<void> Writer::settle(
    OutboxLog& log, std::uint64_t from, std::uint64_t to, std::string_view note
) {
    touch(log, outboxes_);
    OutboxHead& head = log.working;
    const std::uint64_t committed_next = log.committed().next;
    from = std::max(from, head.first);
    to = std::min(to, committed_next - 1);
    if (from > to) {
        return {};
    }
    std::optional<std::uint64_t> survivor;
    const LogKey end{kRecord, log.name, committed_next};
    WEIR_CHECK(engine_.scan(
        Family::outbox,
        LogKey{kRecord, log.name, from}.view(),
        end.view(),
        [&](std::string_view key, std::string_view value) {
            const std::uint64_t offset = LogKey::offset_of(key);
            if (removed_.contains(key)) {
                return true;
            }
            if (offset > to) {
                survivor = offset;
                return false;
            }
            removed_.emplace(key);
            engine_.erase(Family::outbox, key);
            --head.records;
            head.bytes -= std::min<std::uint64_t>(head.bytes, value.size() + kOutboxEntryOverhead);
            if (!note.empty()) {
                std::string letter{note};
                letter += value;
                engine_.put(Family::outbox, LogKey{kDead, log.name, offset}.view(), letter);
                ++head.dead_records;
                head.dead_bytes += letter.size();
            }
            return true;
        }
    ));
    if (from == head.first) {
        head.first = survivor.value_or(committed_next);
    }
    return {};
}

Result<void> Writer::purge(OutboxLog& log, std::uint64_t from, std::uint64_t to) {
    touch(log, outboxes_);
    OutboxHead& head = log.working;
    const std::uint64_t end = to == std::numeric_limits<std::uint64_t>::max() ? to : to + 1;
    return engine_.scan(
        Family::outbox,
        LogKey{kDead, log.name, from}.view(),
        LogKey{kDead, log.name, end}.view(),
        [&](std::string_view key, std::string_view value) {
            if (removed_.emplace(key).second) {
                engine_.erase(Family::outbox, key);
                head.dead_records -= std::min<std::uint64_t>(head.dead_records, 1);
                head.dead_bytes -= std::min<std::uint64_t>(head.dead_bytes, value.size());
            }
            return true;
        }
    );
}

void Writer::add_usage(const BatchReader::Item& item) {
    if (item.from >= open_hour_) {
        engine_.add_usage(item.name, item.value);
        return;
    }
    std::string key{item.name};
    store_be(reinterpret_cast<Byte*>(key.data()), open_hour_);
    engine_.add_usage(key, item.value);
}

void Writer::close_usage(std::uint32_t before) {
    if (before > open_hour_) {
        open_hour_ = before;
        put_mark(engine_, kUsageOpenHourKey, before);
    }
}

Result<void> Writer::trim(WallTime now) {
    for (StreamLog* const log : catalog_.streams()) {
        WEIR_CHECK(trim(*log, now));
    }
    return trim_to_budget();
}

template <class Visit>
Result<void> Writer::scan_cuts(const StreamLog& log, Visit visit) const {
    const StreamHead& head = log.working;
    IndexEntry at;
    return scan_index(engine_, log.name, head.first + 1, head.next, [&](const IndexEntry& entry) {
        at.offset = entry.offset;
        at.bytes_before = entry.bytes_before;
        at.time_max = entry.time_max;
        at.gone_records += entry.gone_records;
        at.gone_bytes += entry.gone_bytes;
        return visit(std::as_const(at));
    });
}

Result<void> Writer::trim(StreamLog& log, WallTime now) {
    const Retention retention = log.retention();
    const std::uint64_t keep =
        retention.bytes == 0 ? std::numeric_limits<std::uint64_t>::max() : retention.bytes;
    StreamHead& head = log.working;
    if (head.index_offset <= head.first || (retention.age.count() == 0 && head.bytes() <= keep)) {
        return {};
    }
    const std::int64_t oldest = retention.age.count() == 0
                                    ? std::numeric_limits<std::int64_t>::min()
                                    : (now - retention.age).count();
    std::optional<IndexEntry> found;
    std::uint64_t kept = head.bytes();
    WEIR_CHECK(scan_cuts(log, [&](const IndexEntry& entry) {
        const std::uint64_t behind = head.bytes() - head.bytes_until(entry);
        const bool too_much = kept > keep && behind >= keep;
        const bool too_old = entry.time_max < oldest;
        if (!too_much && !too_old) {
            return is_ahead(entry.time_max, now);  // Entries behind it tell whether it is old.
        }
        found = entry;
        kept = behind;
        return true;
    }));
    if (found) {
        cut(log, *found);
    }
    return {};
}

void Writer::compact(WallTime now) {
    if (StreamLog* const changed = compaction_.step(now); changed != nullptr) {
        dirty_ = true;
        touch(*changed, streams_);
    }
}

Result<void> Writer::trim_to_budget() {
    struct Candidate {
        StreamLog* log;
        std::vector<IndexEntry> cuts;
        std::size_t taken = 0;
    };
    const std::uint64_t budget = budgets().budget(Area::streams);
    std::uint64_t total = 0;
    for (const StreamLog* const log : catalog_.streams()) {
        total += log->working.bytes();
    }
    if (budget == 0 || total <= budget) {
        return {};
    }
    std::vector<Candidate> candidates;
    for (StreamLog* const log : catalog_.streams()) {
        WEIR_TRY(auto cuts, find_cuts(*log, total - budget));
        candidates.push_back({log, std::move(cuts)});
    }
    const auto is_unread = [](const Candidate& each) { return each.taken == kCutsMax; };
    while (total > budget && std::ranges::none_of(candidates, is_unread)) {
        const auto oldest = std::ranges::min_element(candidates, {}, [](const Candidate& each) {
            return each.taken == each.cuts.size() ? std::numeric_limits<std::int64_t>::max()
                                                  : each.cuts[each.taken].time_max;
        });
        if (oldest->taken == oldest->cuts.size()) {
            break;
        }
        const StreamHead& head = oldest->log->working;
        const std::uint64_t before =
            oldest->taken == 0 ? 0 : head.bytes_until(oldest->cuts[oldest->taken - 1]);
        total -= head.bytes_until(oldest->cuts[oldest->taken]) - before;
        ++oldest->taken;
    }
    for (const Candidate& each : candidates) {
        if (each.taken > 0) {
            const IndexEntry& at = each.cuts[each.taken - 1];
            budgets().count_lost(
                Area::streams, at.offset - each.log->working.first - at.gone_records
            );
            cut(*each.log, at);
        }
    }
    return {};
}

Result<std::vector<IndexEntry>> Writer::find_cuts(const StreamLog& log, std::uint64_t bytes) const {
    const StreamHead& head = log.working;
    std::vector<IndexEntry> cuts;
    if (head.index_offset <= head.first) {
        return cuts;
    }
    WEIR_CHECK(scan_cuts(log, [&](const IndexEntry& entry) {
        cuts.push_back(entry);
        return head.bytes_until(entry) < bytes && cuts.size() < kCutsMax;
    }));
    return cuts;
}

void Writer::cut(StreamLog& log, const IndexEntry& at) {
    dirty_ = true;
    touch(log, streams_);
    StreamHead& head = log.working;
    for (const char kind : {kRecord, kIndex}) {
        // The index entry at the cut goes too: the head says the same.
        const std::uint64_t end = kind == kRecord ? at.offset : at.offset + 1;
        engine_.erase_range(
            Family::streams,
            LogKey{kind, log.name, head.first}.view(),
            LogKey{kind, log.name, end}.view()
        );
    }
    head.first = at.offset;
    head.bytes_before_first = at.bytes_before;
    head.gone_records -= at.gone_records;
    head.gone_bytes -= at.gone_bytes;
}

void Writer::write_heads() {
    for (const StreamLog* const log : streams_) {
        scratch_.clear();
        encode(scratch_, log->working);
        engine_.put(Family::streams, head_key(log->name), as_text(scratch_));
    }
    for (const OutboxLog* const log : outboxes_) {
        scratch_.clear();
        encode(scratch_, log->working);
        engine_.put(Family::outbox, head_key(log->name), as_text(scratch_));
    }
}

Result<void> Writer::commit() {
    write_heads();
    const auto outcome = engine_.commit();
    end_group(outcome.has_value());
    return outcome;
}

void Writer::abandon() {
    engine_.abandon();
    end_group(false);
}

void Writer::end_group(bool committed) {
    for (StreamLog* const log : streams_) {
        log->touched = false;
        const StreamHead before = log->committed();
        if (!committed) {
            log->revert();
            continue;
        }
        log->publish();
        budgets().add(Area::streams, difference(before.bytes(), log->working.bytes()));
        if (log->working.next != before.next) {
            log->watchers.notify(log->working.next - 1);
        }
    }
    for (OutboxLog* const log : outboxes_) {
        log->touched = false;
        const OutboxHead before = log->committed();
        if (committed) {
            log->publish();
            log->room.set_stored(log->working.bytes);
            budgets().add(Area::outbox, difference(before.all_bytes(), log->working.all_bytes()));
        } else {
            log->revert();
        }
        log->room.release(std::exchange(log->group_reserved, 0));
        if (committed && log->working.next != before.next) {
            log->watchers.notify(log->working.next - 1);
        }
    }
    if (committed) {
        usage_open_hour_ = open_hour_;
    } else {
        open_hour_ = usage_open_hour_;
    }
    sessions_.end_group(committed);
    compaction_.end_group(committed);
    streams_.clear();
    outboxes_.clear();
    removed_.clear();
    dirty_ = false;
}

void Writer::release(const Batch& batch) {
    BatchReader reader{batch};
    for (BatchReader::Item item{}; reader.next(item);) {
        if (item.kind == OpKind::enqueue_outbox) {
            catalog_.outbox(item.name).room.release(item.value.size() + kOutboxEntryOverhead);
        }
    }
}

}  // namespace weir::storage::detail
