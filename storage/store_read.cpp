// Reads of a Store: any control thread, beside the storage thread.
#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/session_keys.hpp>
#include <weir/storage/detail/store_impl.hpp>
#include <weir/storage/detail/stream_index.hpp>

namespace weir::storage {
namespace {

using detail::LogKey;

/// Reads the entries of one kind of a log. `decode` fills the entry from its buffer.
template <class Entry, class Decode>
Result<std::vector<Entry>> read_log(
    const Engine& engine,
    Family family,
    const LogKey& from,
    const LogKey& to,
    ReadLimit limit,
    Decode decode
) {
    std::vector<Entry> entries;
    std::size_t bytes = 0;
    Result<void> outcome;
    if (limit.records == 0 || from.view() >= to.view()) {
        return entries;
    }
    WEIR_CHECK(engine.scan(
        family,
        from.view(),
        to.view(),
        [&](std::string_view key, std::string_view value) {
            if (!entries.empty() && bytes + value.size() > limit.bytes) {
                return false;
            }
            Entry& entry = entries.emplace_back();
            entry.offset = LogKey::offset_of(key);
            entry.buffer = to_bytes(value);
            outcome = decode(entry);
            bytes += value.size();
            return outcome.has_value() && entries.size() < limit.records;
        }
    ));
    if (!outcome) {
        return outcome.error();
    }
    return entries;
}

StreamInfo describe(const detail::StreamLog& log) {
    const auto head = log.committed();
    return {log.name, head.first, head.next, head.bytes(), head.gone_records};
}

OutboxInfo describe(const Engine& engine, const detail::OutboxLog& log) {
    const auto head = log.committed();
    OutboxInfo info{
        log.name,
        head.first,
        head.next,
        head.records,
        head.bytes,
        head.dead_records,
        head.dead_bytes,
        0
    };
    const auto oldest =
        engine.get(Family::outbox, LogKey{detail::kRecord, log.name, head.first}.view());
    if (oldest && *oldest) {
        const auto record = decode_outbox_record(as_bytes(**oldest));
        info.oldest_ms = record ? record->time_ms : 0;
    }
    return info;
}

}  // namespace

Result<std::optional<Value>> Store::get(Family family, std::string_view key) const {
    WEIR_TRY(const auto text, impl_->engine->get(family, key));
    if (!text) {
        return std::nullopt;
    }
    if (text->empty()) {
        return errc::malformed_record;
    }
    const auto bytes = as_bytes(*text);
    return Value{bytes[0], {bytes.begin() + 1, bytes.end()}};
}

Result<void> Store::scan(
    Family family, std::string_view prefix, const ScanVisitor& visit, std::string_view start
) const {
    Result<void> outcome;
    WEIR_CHECK(impl_->engine->scan(
        family,
        std::max(prefix, start),
        detail::end_of_prefix(prefix),
        [&](std::string_view key, std::string_view value) {
            if (value.empty()) {
                outcome = errc::malformed_record;
                return false;
            }
            const auto bytes = as_bytes(value);
            return visit(key, bytes[0], bytes.subspan(1));
        }
    ));
    return outcome;
}

Result<std::vector<StreamEntry>> Store::read_stream(
    std::string_view stream, std::uint64_t from, ReadLimit limit
) const {
    const auto* const log = impl_->catalog.find_stream(stream);
    if (log == nullptr) {
        return std::vector<StreamEntry>{};
    }
    const auto head = log->committed();
    return read_log<StreamEntry>(
        *impl_->engine,
        Family::streams,
        LogKey{detail::kRecord, stream, std::max(from, head.first)},
        LogKey{detail::kRecord, stream, head.next},
        limit,
        [](StreamEntry& entry) -> Result<void> {
            WEIR_TRY(entry.record, decode_stream_record(entry.buffer));
            return {};
        }
    );
}

Result<std::uint64_t> Store::find_offset(std::string_view stream, std::int64_t time_ms) const {
    const auto* const log = impl_->catalog.find_stream(stream);
    if (log == nullptr) {
        return std::uint64_t{1};
    }
    const auto head = log->committed();
    // The index's times never fall, unless the clock was set back: the last entry before `time_ms` is found by halving.
    std::uint64_t low = head.first;
    std::uint64_t high = head.next;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        std::optional<detail::IndexEntry> entry;
        const auto take = [&entry](const detail::IndexEntry& first) {
            entry = first;
            return false;
        };
        WEIR_CHECK(detail::scan_index(*impl_->engine, stream, middle + 1, head.next, take));
        if (entry && entry->time_max < time_ms) {
            low = entry->offset;
        } else {
            high = middle;
        }
    }
    std::uint64_t found = head.next;
    WEIR_CHECK(impl_->engine->scan(
        Family::streams,
        LogKey{detail::kRecord, stream, low}.view(),
        LogKey{detail::kRecord, stream, head.next}.view(),
        [&](std::string_view key, std::string_view value) {
            const auto record = decode_stream_record(as_bytes(value));
            if (record && record->time_ms < time_ms) {
                return true;
            }
            found = LogKey::offset_of(key);
            return false;
        }
    ));
    return found;
}

Result<std::uint64_t> Store::find_last(std::string_view stream, std::uint64_t records) const {
    const auto* const log = impl_->catalog.find_stream(stream);
    if (log == nullptr) {
        return std::uint64_t{1};
    }
    const auto head = log->committed();
    std::uint64_t left = head.records();
    if (left <= records) {
        return head.first;
    }
    if (head.gone_records == 0 || records == 0) {
        return head.next - records;
    }
    // The index counts the gaps: it leads to the segment where the last ones begin.
    std::uint64_t low = head.first;
    const auto pass = [&](const detail::IndexEntry& entry) {
        const std::uint64_t here = entry.offset - low - entry.gone_records;
        if (left < records + here) {
            return false;
        }
        left -= here;
        low = entry.offset;
        return true;
    };
    WEIR_CHECK(detail::scan_index(*impl_->engine, stream, head.first + 1, head.next, pass));
    std::uint64_t found = head.next;
    WEIR_CHECK(impl_->engine->scan(
        Family::streams,
        LogKey{detail::kRecord, stream, low}.view(),
        LogKey{detail::kRecord, stream, head.next}.view(),
        [&](std::string_view key, std::string_view /*value*/) {
            found = LogKey::offset_of(key);
            return left-- > records;
        }
    ));
    return found;
}

std::vector<StreamInfo> Store::streams() const {
    std::vector<StreamInfo> out;
    for (const auto* const log : impl_->catalog.streams()) {
        out.push_back(describe(*log));
    }
    return out;
}

std::optional<StreamInfo> Store::stream(std::string_view name) const {
    const auto* const log = impl_->catalog.find_stream(name);
    return log == nullptr ? std::nullopt : std::optional{describe(*log)};
}

Result<std::vector<OutboxEntry>> Store::read_outbox(
    std::string_view sink, std::uint64_t from, ReadLimit limit
) const {
    const auto* const log = impl_->catalog.find_outbox(sink);
    if (log == nullptr) {
        return std::vector<OutboxEntry>{};
    }
    const auto head = log->committed();
    return read_log<OutboxEntry>(
        *impl_->engine,
        Family::outbox,
        LogKey{detail::kRecord, sink, std::max(from, head.first)},
        LogKey{detail::kRecord, sink, head.next},
        limit,
        [](OutboxEntry& entry) -> Result<void> {
            WEIR_TRY(entry.record, decode_outbox_record(entry.buffer));
            return {};
        }
    );
}

Result<std::vector<DeadLetterEntry>> Store::read_dead_letters(
    std::string_view sink, std::uint64_t from, ReadLimit limit
) const {
    const auto* const log = impl_->catalog.find_outbox(sink);
    if (log == nullptr) {
        return std::vector<DeadLetterEntry>{};
    }
    return read_log<DeadLetterEntry>(
        *impl_->engine,
        Family::outbox,
        LogKey{detail::kDead, sink, from},
        LogKey{detail::kDead, sink, log->committed().next},
        limit,
        [](DeadLetterEntry& entry) -> Result<void> {
            WEIR_TRY(entry.letter, decode_dead_letter(entry.buffer));
            return {};
        }
    );
}

std::vector<OutboxInfo> Store::outboxes() const {
    std::vector<OutboxInfo> out;
    for (const auto* const log : impl_->catalog.outboxes()) {
        out.push_back(describe(*impl_->engine, *log));
    }
    return out;
}

std::optional<OutboxInfo> Store::outbox(std::string_view sink) const {
    const auto* const log = impl_->catalog.find_outbox(sink);
    return log == nullptr ? std::nullopt : std::optional{describe(*impl_->engine, *log)};
}

Result<void> Store::read_usage(
    const UsageQuery& query, const std::function<bool(const UsageEntry&)>& visit
) const {
    std::array<Byte, 4> from{};
    std::array<Byte, 4> to{};
    store_be(from.data(), query.from_hour);
    store_be(to.data(), query.to_hour);
    Result<void> outcome;
    const auto show = [&](const UsageKey& key, std::string_view value) {
        const auto sums = decode_usage(as_bytes(value));
        if (!sums) {
            outcome = sums.error();
            return false;
        }
        return visit({std::string{key.tenant}, std::string{key.device}, key.hour, *sums});
    };
    const auto parse = [&outcome](std::string_view key) {
        auto parsed = detail::parse_usage_key(key);
        if (!parsed) {
            outcome = parsed.error();
        }
        return parsed;
    };
    if (!query.tenant || !query.device) {
        WEIR_CHECK(impl_->engine->scan(
            Family::usage,
            as_text(from),
            as_text(to),
            [&](std::string_view key, std::string_view value) {
                const auto parsed = parse(key);
                if (!parsed) {
                    return false;
                }
                const bool wanted = (!query.tenant || parsed->tenant == *query.tenant) &&
                                    (!query.device || parsed->device == *query.device);
                return !wanted || show(*parsed, value);
            }
        ));
        return outcome;
    }
    if (query.device->size() > kNameBytesMax || query.tenant->size() > kNameBytesMax) {
        return errc::bad_name;
    }
    // Keys begin with the hour: to where the device would stand in an hour, and on to the next hour that holds anything.
    std::uint32_t hour = query.from_hour;
    while (hour < query.to_hour) {
        const detail::UsageKeyBytes wanted{{*query.tenant, *query.device, hour}};
        std::uint32_t next = query.to_hour;
        WEIR_CHECK(impl_->engine->scan(
            Family::usage,
            wanted.view(),
            as_text(to),
            [&](std::string_view key, std::string_view value) {
                const auto found = parse(key);
                if (found && (key != wanted.view() || show(*found, value))) {
                    next = std::max(hour + 1, found->hour);
                }
                return false;
            }
        ));
        hour = next;
    }
    return outcome;
}

}  // namespace weir::storage
