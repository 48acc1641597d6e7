#include <weir/storage/detail/catalog.hpp>

#include <array>

namespace weir::storage::detail {
namespace {

constexpr Byte kVersion = 1;
/// With what compaction removed; written only where it did. Releases that take offsets for numbers
/// without gaps do not open it.
constexpr Byte kCompactedVersion = 2;

void append_fields(Bytes& out, std::initializer_list<std::uint64_t> fields) {
    out.push_back(kVersion);
    for (const auto field : fields) {
        append_be(out, field);
    }
}

/// Adds what compaction removed, if it removed anything, to what append_fields() wrote at `at`.
template <class Record>
void append_gone(Bytes& out, std::size_t at, const Record& record) {
    if (record.gone_records > 0) {
        out[at] = kCompactedVersion;
        append_be(out, record.gone_records);
        append_be(out, record.gone_bytes);
    }
}

/// @tparam Added  Fields that kCompactedVersion has more; 0 without it.
template <std::size_t Count, std::size_t Added = 0>
Result<std::array<std::uint64_t, Count + Added>> read_fields(ByteView in) noexcept {
    if (in.empty() || in[0] == 0) {
        return errc::malformed_record;
    }
    if (in[0] > (Added == 0 ? kVersion : kCompactedVersion)) {
        return errc::newer_version;
    }
    const std::size_t count = in[0] == kVersion ? Count : Count + Added;
    if (in.size() != 1 + count * sizeof(std::uint64_t)) {
        return errc::malformed_record;
    }
    std::array<std::uint64_t, Count + Added> fields{};
    for (std::size_t i = 0; i < count; ++i) {
        fields[i] = load_be<std::uint64_t>(in.data() + 1 + i * sizeof(std::uint64_t));
    }
    return fields;
}

}  // namespace

void encode(Bytes& out, const StreamHead& head) {
    const std::size_t at = out.size();
    append_fields(
        out,
        {head.first,
         head.next,
         head.bytes_ever,
         head.bytes_before_first,
         head.index_offset,
         head.index_bytes,
         static_cast<std::uint64_t>(head.time_max)}
    );
    append_gone(out, at, head);
}

void encode(Bytes& out, const IndexEntry& entry) {
    const std::size_t at = out.size();
    append_fields(out, {entry.bytes_before, static_cast<std::uint64_t>(entry.time_max)});
    append_gone(out, at, entry);
}

void encode(Bytes& out, const OutboxHead& head) {
    append_fields(
        out, {head.first, head.next, head.records, head.bytes, head.dead_records, head.dead_bytes}
    );
}

Result<StreamHead> decode_stream_head(ByteView in) noexcept {
    WEIR_TRY(const auto fields, read_fields<7, 2>(in));
    const auto [first, next, ever, before, index_offset, index_bytes, time_max, gone, gone_bytes] =
        fields;
    if (first == 0 || first > next || before > ever || index_offset > next || index_bytes > ever ||
        gone > next - first || gone_bytes > ever - before) {
        return errc::malformed_record;
    }
    return StreamHead{
        first,
        next,
        ever,
        before,
        index_offset,
        index_bytes,
        static_cast<std::int64_t>(time_max),
        gone,
        gone_bytes
    };
}

Result<IndexEntry> decode_index_entry(std::uint64_t offset, ByteView in) noexcept {
    WEIR_TRY(const auto fields, read_fields<2, 2>(in));
    return IndexEntry{
        offset, fields[0], static_cast<std::int64_t>(fields[1]), fields[2], fields[3]
    };
}

Result<OutboxHead> decode_outbox_head(ByteView in) noexcept {
    WEIR_TRY(const auto fields, read_fields<6>(in));
    const auto [first, next, records, bytes, dead_records, dead_bytes] = fields;
    if (first == 0 || first > next || records > next - first) {
        return errc::malformed_record;
    }
    return OutboxHead{first, next, records, bytes, dead_records, dead_bytes};
}

void Watchers::add(WatchId id, Watcher watcher) {
    const std::lock_guard lock{mutex_};
    watchers_.emplace_back(id, std::move(watcher));
}

void Watchers::remove(WatchId id) {
    const std::lock_guard lock{mutex_};
    std::erase_if(watchers_, [id](const auto& entry) { return entry.first == id; });
}

void Watchers::notify(std::uint64_t last_offset) {
    const std::lock_guard lock{mutex_};
    for (const auto& [id, watcher] : watchers_) {
        watcher(last_offset);
    }
}

}  // namespace weir::storage::detail
