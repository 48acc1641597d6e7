#include <weir/sinks/dead_letters.hpp>

#include <limits>

#include <weir/sinks/detail/sink_state.hpp>

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
            room.promise(storage::outbox_cost(record));
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

Result<std::uint64_t> drop_dead_letters(
    storage::Store& store, std::string_view sink, std::uint64_t from, std::uint64_t to
) {
    std::uint64_t dropped = 0;
    for (;;) {
        WEIR_TRY(const auto letters, store.read_dead_letters(sink, from, kStep));
        storage::Batch changes;
        for (const auto& entry : letters) {
            if (entry.offset > to) {
                break;
            }
            changes.purge_dead_letters(sink, entry.offset, entry.offset);
            from = entry.offset + 1;
            ++dropped;
        }
        if (changes.empty()) {
            return dropped;
        }
        WEIR_CHECK(store.commit(std::move(changes)));
    }
}

Result<Dropped> drop_outbox(storage::Store& store, const std::string& sink) {
    store.drain();  // The sink's last commit may be under way.
    WEIR_TRY(auto state, detail::load_state(store, sink));
    Dropped dropped;
    state.claims.clear();
    for (std::uint64_t from = 1;;) {
        WEIR_TRY(const auto entries, store.read_outbox(sink, from, kStep));
        if (entries.empty()) {
            break;
        }
        storage::Batch changes;
        changes.settle_outbox(sink, entries.front().offset, entries.back().offset);
        state.counters.lost += entries.size();
        detail::put_state(changes, sink, state);
        WEIR_CHECK(store.commit(std::move(changes)));
        dropped.records += entries.size();
        from = entries.back().offset + 1;
    }
    WEIR_TRY(
        dropped.dead_letters,
        drop_dead_letters(store, sink, 1, std::numeric_limits<std::uint64_t>::max())
    );
    return dropped;
}

}  // namespace weir::sinks
