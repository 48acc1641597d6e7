/// How much of the disk each kind of data may take, and takes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::storage {

/// What grows with traffic.
enum class Area : std::uint8_t { streams, queues, outbox, retained, count_ };
inline constexpr std::size_t kAreas = static_cast<std::size_t>(Area::count_);
/// As in the configuration.
inline constexpr std::array<std::string_view, kAreas> kAreaNames = {
    "streams", "queues", "outbox", "retained"
};

enum class AreaLevel : std::uint8_t {
    enough,
    high,  ///< Four fifths of the budget are taken.
    full,  ///< All of it, or something did not fit any more.
};
inline constexpr std::array<std::string_view, 3> kAreaLevelNames = {"enough", "high", "full"};

struct AreaUse {
    std::uint64_t bytes = 0;
    std::uint64_t budget = 0;  ///< 0: none.
    std::uint64_t lost = 0;    ///< Records that the budget cost, since the start.
    AreaLevel level = AreaLevel::enough;
};

/// Logical bytes of the areas: of records, not of files. Owned by the Store. Any thread, lock-free.
///
/// The store counts streams (all records kept), queues (each message once, and a little for each
/// entry) and outboxes (what waits, what is promised, dead letters); the broker counts what is
/// retained. Who fills an area asks first and decides what gives way; only streams are cut by the
/// store. What is on its way to the disk is not counted yet, but for promises to outboxes.
class Budgets {
public:
    Budgets() noexcept = default;
    Budgets(const Budgets&) = delete;
    Budgets& operator=(const Budgets&) = delete;
    ~Budgets() = default;

    /// Up to which bytes an area is filled.
    enum class Bound : std::uint8_t {
        budget,
        slack,  ///< An eighth more: for what takes the place of something else, which goes later.
    };

    /// @param budget  0: none. Holds at once; what is there already stays but for streams.
    void set_budget(Area area, std::uint64_t budget) noexcept;
    [[nodiscard]] std::uint64_t budget(Area area) const noexcept;

    void add(Area area, std::int64_t bytes) noexcept;
    /// Adds `bytes` if they fit. To be taken back with add().
    [[nodiscard]] bool reserve(Area area, std::uint64_t bytes, Bound bound) noexcept;
    [[nodiscard]] bool has_room(
        Area area, std::uint64_t bytes, Bound bound = Bound::budget
    ) noexcept;
    /// Bytes above the budget.
    [[nodiscard]] std::uint64_t excess(Area area) const noexcept;
    /// Records that were removed or not taken because of the budget.
    void count_lost(Area area, std::uint64_t records = 1) noexcept;

    [[nodiscard]] AreaUse use(Area area) const noexcept;

    /// Now and then, on one thread: judges the levels and logs when they change. A level ends only
    /// when an eighth of its mark is free again.
    void observe();

private:
    struct Counters {
        std::atomic<std::uint64_t> bytes{0};
        std::atomic<std::uint64_t> budget{0};
        std::atomic<std::uint64_t> lost{0};
        std::atomic<bool> was_short{false};  ///< Something did not fit since the last observe().
        std::atomic<AreaLevel> level{AreaLevel::enough};
    };

    [[nodiscard]] Counters& of(Area area) noexcept {
        return counters_[static_cast<std::size_t>(area)];
    }
    [[nodiscard]] const Counters& of(Area area) const noexcept {
        return counters_[static_cast<std::size_t>(area)];
    }

    std::array<Counters, kAreas> counters_;
};

}  // namespace weir::storage
