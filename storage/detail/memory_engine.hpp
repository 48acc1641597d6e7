#pragma once

#include <array>
#include <map>
#include <shared_mutex>
#include <vector>

#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Sorted maps. Durable for as long as the object lives.
class MemoryEngine final : public Engine {
public:
    void put(Family family, std::string_view key, std::string_view value) override;
    void erase(Family family, std::string_view key) override;
    void erase_range(Family family, std::string_view from, std::string_view to) override;
    void add_usage(std::string_view key, std::string_view delta) override;
    [[nodiscard]] Result<void> commit() override;
    void abandon() override { pending_.clear(); }

    [[nodiscard]] Result<std::optional<std::string>> get(Family family, std::string_view key)
        const override;
    [[nodiscard]] Result<void> scan(
        Family family, std::string_view from, std::string_view to, const Visitor& visit
    ) const override;
    [[nodiscard]] std::optional<std::uint64_t> free_bytes() const override { return std::nullopt; }
    [[nodiscard]] std::string last_error() const override { return {}; }

private:
    using Map = std::map<std::string, std::string, std::less<>>;
    enum class Change : std::uint8_t { put, erase, erase_range, add };
    struct Pending {
        Change change;
        Family family;
        std::string key;
        std::string value;
    };

    [[nodiscard]] static Result<void> apply(Map& map, Pending& pending);

    std::vector<Pending> pending_;
    mutable std::shared_mutex mutex_;  ///< Guards the maps; readers share it.
    std::array<Map, kFamilies> maps_;
};

}  // namespace weir::storage::detail
