/// What was read of an outbox and is in no batch yet.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

using Entries = std::vector<storage::OutboxEntry>;

/// The records of one outbox that wait for a batch, in their order, and the order keys that have to
/// wait for a batch under way. Bounded: kRecordsMax and about kBytesMax.
class ReadAhead {
public:
    /// How far the sink looks past records whose key is taken.
    static constexpr std::size_t kRecordsMax = 1'024;
    static constexpr std::size_t kBytesMax = 4 * 1024 * 1024;

    /// Indexes of the records of the next batch, and whether it can take no more.
    struct Choice {
        std::vector<std::size_t> records = {};
        const Delivery* delivery = nullptr;  ///< Of the config; null without records.
        bool complete = false;
    };

    /// Reads on until a batch is complete, the outbox has no more, or the bounds are reached.
    [[nodiscard]] Result<Choice> choose(const storage::Store& store, const HttpSinkConfig& config);

    /// The first records that `is_expired` is true for, whatever their keys.
    template <class Predicate>
    [[nodiscard]] std::size_t count_expired(Predicate is_expired) const {
        std::size_t count = 0;
        while (count < entries_.size() && is_expired(entries_[count])) {
            ++count;
        }
        return count;
    }

    /// Takes records out and their keys in charge until release().
    [[nodiscard]] Entries take(std::span<const std::size_t> records);
    /// The same with the first `count`.
    [[nodiscard]] Entries take_first(std::size_t count);
    /// A batch that was in charge of its records before: found in the store at start.
    void adopt(const Entries& batch);
    /// The batch ended: its records are gone, its keys free.
    void release(const Entries& batch);

    /// What is known may be gone from the store: everything is read anew.
    void forget();
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    /// In a batch under way.
    [[nodiscard]] bool is_taken(std::uint64_t offset) const { return taken_.contains(offset); }

private:
    [[nodiscard]] Choice choose(const HttpSinkConfig& config) const;
    [[nodiscard]] bool is_full() const noexcept {
        return entries_.size() >= kRecordsMax || bytes_ >= kBytesMax;
    }

    Entries entries_;
    std::size_t bytes_ = 0;        ///< Of the entries' buffers.
    std::uint64_t read_from_ = 0;  ///< Where the outbox is read next.
    /// Hash of an order key to the records in batches under way. Keys that collide wait for each
    /// other for nothing.
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> busy_;
    boost::unordered_flat_set<std::uint64_t> taken_;  ///< Offsets.
};

}  // namespace weir::sinks::detail
