#include <weir/sinks/detail/trim.hpp>

namespace weir::sinks::detail {
namespace {

constexpr storage::ReadLimit kAtOnce{.records = 4'096, .bytes = 4 * 1024 * 1024};

}  // namespace

Result<std::uint64_t> drop_oldest(
    storage::Batch& changes,
    const storage::Store& store,
    std::string_view sink,
    const ReadAhead& ahead,
    std::uint64_t excess
) {
    std::uint64_t from = 0;
    std::uint64_t freed = 0;
    std::uint64_t count = 0;
    while (freed < excess && count < kAtOnce.records) {
        WEIR_TRY(const auto oldest, store.read_outbox(sink, from, kAtOnce));
        if (oldest.empty()) {
            break;
        }
        from = oldest.back().offset + 1;
        for (const auto& entry : oldest) {
            if (freed < excess && !ahead.is_taken(entry.offset)) {
                changes.settle_outbox(sink, entry.offset, entry.offset);
                freed += storage::outbox_cost(entry.record);
                ++count;
            }
        }
    }
    return count;
}

Result<void> purge_dead_letters(
    storage::Batch& changes,
    const storage::Store& store,
    std::string_view sink,
    std::uint64_t limit_bytes
) {
    const auto info = store.outbox(sink);
    if (!info || info->dead_bytes <= limit_bytes) {
        return {};
    }
    WEIR_TRY(const auto oldest, store.read_dead_letters(sink, 0, kAtOnce));
    const auto excess = info->dead_bytes - limit_bytes;
    std::uint64_t freed = 0;
    std::uint64_t last = 0;
    for (const auto& entry : oldest) {
        if (freed >= excess) {
            break;
        }
        freed += entry.buffer.size();
        last = entry.offset;
    }
    if (last != 0) {
        changes.purge_dead_letters(sink, 0, last);
    }
    return {};
}

}  // namespace weir::sinks::detail
