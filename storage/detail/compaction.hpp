/// The streams' compaction by key.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <utility>
#include <vector>

#include <weir/storage/detail/catalog.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Of a stream that is compacted, removes each record that a newer one with the same key replaces,
/// and tombstones (records without a payload) after a while. Records without a key stay.
///
/// A pass gathers the newest offset of each key from the segments that came since the pass before,
/// as long as the keys have room, then sweeps all segments from the oldest on; so at its end no key
/// stands there twice. The youngest segment still grows and is left alone. One stream is passed at a
/// time, a step at a time; how far passes came is not stored, a restart begins with a whole one.
/// Storage thread only, but for busy() and removed().
class Compaction {
public:
    /// Both outlive it.
    Compaction(Engine& engine, Catalog& catalog) noexcept : engine_{engine}, catalog_{catalog} {}

    /// Does a little of what is due: part of the current group, of which nothing was applied before.
    /// @return The stream whose head it changed; null: none.
    [[nodiscard]] StreamLog* step(WallTime now);
    /// After a group that failed, all passes begin anew.
    void end_group(bool committed);

    /// Whatever could be done is due.
    void hurry();
    [[nodiscard]] bool hurried() const noexcept;

    /// A step would have something to do.
    [[nodiscard]] bool busy() const noexcept { return busy_.load(); }
    /// Records, since the store was opened.
    [[nodiscard]] std::uint64_t removed() const noexcept { return removed_.load(); }

private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;  ///< Of a digest.

    /// A stream between two passes.
    struct Rest {
        std::uint64_t clean = 1;        ///< Before this offset no key stands twice.
        std::uint64_t clean_bytes = 0;  ///< Of all records ever appended before it.
        WallTime last{0};               ///< End of the last pass.
        WallTime retry{0};              ///< After an error.
        bool has_tombstones = false;
        bool hurried = false;
    };
    struct Segment {
        std::uint64_t first = 1;
        std::uint64_t bytes_before = 0;
        IndexEntry end = {};

        [[nodiscard]] std::uint64_t records() const noexcept {
            return end.offset - first - end.gone_records;
        }
        [[nodiscard]] std::uint64_t bytes() const noexcept {
            return end.bytes_before - bytes_before - end.gone_bytes;
        }
    };
    struct Pass {
        StreamLog* log;
        std::uint64_t at;  ///< The next segment begins here.
        std::uint64_t at_bytes;
        std::uint64_t end = 0;  ///< Of what was gathered.
        std::uint64_t end_bytes = 0;
        bool sweeping = false;
        bool has_tombstones = false;
        std::optional<Segment> before = {};  ///< The one swept last.
        boost::unordered_flat_map<Key, std::uint64_t> newest = {};
    };
    /// What a step has looked at.
    struct Load {
        std::uint64_t offsets = 0;
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
    };

    [[nodiscard]] static bool is_due(const StreamHead& head, const Rest& rest, WallTime now);
    [[nodiscard]] static bool fit_one(const Segment& a, const Segment& b) noexcept;
    [[nodiscard]] static Key digest_of(const StreamRecord& record);

    void begin_pass(WallTime now);
    void end_pass(WallTime now);
    [[nodiscard]] Result<void> work(WallTime now);
    [[nodiscard]] Result<std::optional<Segment>> next_segment();
    template <class Visit>
    [[nodiscard]] Result<void> read(const Segment& segment, Load& load, Visit visit) const;
    [[nodiscard]] Result<void> gather(const Segment& segment, Load& load);
    [[nodiscard]] Result<void> sweep(Segment segment, Load& load, WallTime now);

    Engine& engine_;
    Catalog& catalog_;
    boost::unordered_flat_map<StreamLog*, Rest> rests_;
    std::optional<Pass> pass_;
    bool changed_ = false;        ///< In this step.
    std::uint64_t removing_ = 0;  ///< In the current group.
    std::vector<std::uint64_t> doomed_;
    Bytes scratch_;
    std::atomic<bool> busy_{false};
    std::atomic<std::uint64_t> removed_{0};
};

}  // namespace weir::storage::detail
