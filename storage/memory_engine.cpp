#include <weir/storage/detail/memory_engine.hpp>

#include <mutex>

#include <weir/storage/detail/usage_merge.hpp>

namespace weir::storage::detail {

void MemoryEngine::put(Family family, std::string_view key, std::string_view value) {
    pending_.push_back({Change::put, family, std::string{key}, std::string{value}});
}

void MemoryEngine::erase(Family family, std::string_view key) {
    pending_.push_back({Change::erase, family, std::string{key}, {}});
}

void MemoryEngine::erase_range(Family family, std::string_view from, std::string_view to) {
    pending_.push_back({Change::erase_range, family, std::string{from}, std::string{to}});
}

void MemoryEngine::add_usage(std::string_view key, std::string_view delta) {
    pending_.push_back({Change::add, Family::usage, std::string{key}, std::string{delta}});
}

Result<void> MemoryEngine::apply(Map& map, Pending& pending) {
    switch (pending.change) {
        case Change::put:
            map.insert_or_assign(std::move(pending.key), std::move(pending.value));
            break;
        case Change::erase:
            map.erase(pending.key);
            break;
        case Change::erase_range:
            if (pending.key < pending.value) {
                map.erase(map.lower_bound(pending.key), map.lower_bound(pending.value));
            }
            break;
        case Change::add: {
            std::string& sums = map[std::move(pending.key)];
            WEIR_TRY(sums, merge_usage(sums, pending.value));
            break;
        }
    }
    return {};
}

Result<void> MemoryEngine::commit() {
    const std::unique_lock lock{mutex_};
    Result<void> outcome;
    for (Pending& pending : pending_) {
        if (auto applied = apply(maps_[static_cast<std::size_t>(pending.family)], pending);
            !applied) {
            outcome = applied;
        }
    }
    pending_.clear();
    return outcome;
}

Result<std::optional<std::string>> MemoryEngine::get(Family family, std::string_view key) const {
    const std::shared_lock lock{mutex_};
    const Map& map = maps_[static_cast<std::size_t>(family)];
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional{found->second};
}

Result<void> MemoryEngine::scan(
    Family family, std::string_view from, std::string_view to, const Visitor& visit
) const {
    const std::shared_lock lock{mutex_};
    const Map& map = maps_[static_cast<std::size_t>(family)];
    const auto end = to.empty() ? map.end() : map.lower_bound(to);
    for (auto it = map.lower_bound(from); it != end && visit(it->first, it->second); ++it) {
    }
    return {};
}

}  // namespace weir::storage::detail
