#include <weir/sinks/dead_letters.hpp>

#include <limits>

namespace weir::sinks {
namespace {

constexpr storage::ReadLimit kStep{.records = 256, .bytes = 1024 * 1024};

}  // namespace

Result<std::uint64_t> requeue_dead_letters(
    storage::Store& store, std::string_view sink, std::uint64_t from, std::uint64_t to, WallTime now
) {
    std::uint64_t moved = 0;
    auto& room = store.outbox_room(sink);
    for (;;) {
        WEIR_TRY(const auto letters, store.read_dead_letters(sink, from, kStep));
        storage::Batch changes;
        for (const auto& entry : letters) {
            if (entry.offset > to) {
                break;
            }
            auto record = entry.letter.record;
            record.time_ms = now.count();
            // An operator's retry may go over the limit; the promise must be made all the same.
            static_cast<void>(room.reserve(
                storage::outbox_cost(record), std::numeric_limits<std::uint64_t>::max()
            ));
            changes.enqueue_outbox(sink, record);
            changes.purge_dead_letters(sink, entry.offset, entry.offset);
            from = entry.offset + 1;
            ++moved;
        }
        if (changes.empty()) {
            return moved;
        }
        WEIR_CHECK(store.commit(std::move(changes)));
    }
}

}  // namespace weir::sinks
