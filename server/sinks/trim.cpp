#include <weir/sinks/detail/trim.hpp>

namespace weir::sinks::detail {
namespace {

constexpr storage::ReadLimit kAtOnce{.records = 4'096, .bytes = 4 * 1024 * 1024};

/// How many of `entries` free `excess` bytes.
template <class Entries, class Cost>
std::size_t count_until(const Entries& entries, std::uint64_t excess, Cost cost) {
    std::uint64_t freed = 0;
    std::size_t count = 0;
    while (count < entries.size() && freed < excess) {
        freed += cost(entries[count]);
        ++count;
    }
    return count;
}

}  // namespace

Result<std::uint64_t> drop_oldest(
    storage::Batch& changes,
    const storage::Store& store,
    std::string_view sink,
    std::uint64_t from,
    std::uint64_t excess
) {
    WEIR_TRY(const auto oldest, store.read_outbox(sink, from, kAtOnce));
    const auto count = count_until(oldest, excess, [](const auto& entry) {
        return storage::outbox_cost(entry.record);
    });
    if (count > 0) {
        changes.settle_outbox(sink, oldest.front().offset, oldest[count - 1].offset);
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
    const auto count =
        count_until(oldest, excess, [](const auto& entry) { return entry.buffer.size(); });
    if (count > 0) {
        changes.purge_dead_letters(sink, 0, oldest[count - 1].offset);
    }
    return {};
}

}  // namespace weir::sinks::detail
