/// Changes that become durable together, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/records.hpp>

namespace weir::storage {

/// The column families. `streams`, `outbox` and `usage` have calls of their own; the others hold
/// records of their owners under the owners' keys, read with Store::get and Store::scan. In `meta` the
/// store has keys of its own; a module that keeps a little state there starts its keys with its name
/// and a slash ("sinks/pager").
enum class Family : std::uint8_t {
    meta,
    registry,
    sessions,
    queues,
    retained,
    streams,
    outbox,
    usage,
    audit
};
inline constexpr std::size_t kFamilies = 9;

/// Longest key in a family that its owner keys, in bytes.
inline constexpr std::size_t kKeyBytesMax = 65'535;

/// Built on any thread, given away with Store::submit. Operations take effect in the order of the
/// calls.
///
/// Everything is copied into one flat buffer, so the arguments may die at once. An operation with
/// an empty or too long name makes the whole batch invalid: it is refused with errc::bad_name when
/// submitted.
/// @cost One buffer; reserve() makes it one allocation.
class Batch {
public:
    Batch() noexcept = default;

    void reserve(std::size_t bytes) { ops_.reserve(bytes); }

    /// The record gets the stream's next offset at commit. Offsets start at 1 and have no gaps.
    void append_stream(std::string_view stream, const StreamRecord& record);

    /// The record gets the outbox's next offset at commit. Room of outbox_cost(record) was reserved
    /// by the caller, see OutboxRoom; the commit, or its failure, returns the reservation.
    void enqueue_outbox(std::string_view sink, const OutboxRecord& record);
    /// Removes the entries with offsets from..to, both included. Offsets that are gone, or not
    /// committed, are ignored.
    void settle_outbox(std::string_view sink, std::uint64_t from, std::uint64_t to);
    /// Moves one entry to the sink's dead letters, where it keeps its offset. Ignored if it is
    /// gone.
    void dead_letter(std::string_view sink, std::uint64_t offset, const DeadLetterNote& note);
    void purge_dead_letters(std::string_view sink, std::uint64_t from, std::uint64_t to);

    /// Adds to a device's hour. If that hour is closed, the amounts go to the first open one: they
    /// are late.
    void add_usage(const UsageKey& key, const UsageDelta& delta);
    /// Hours before `before` never change again.
    void close_usage(std::uint32_t before);

    /// A record of the owner's own format; `version` is the owner's and stored in front. Families:
    /// meta, registry, sessions, queues, retained, audit.
    void put(Family family, std::string_view key, std::uint8_t version, ByteView body);
    void erase(Family family, std::string_view key);
    /// Erases from <= key < to.
    void erase_range(Family family, std::string_view from, std::string_view to);

    [[nodiscard]] bool empty() const noexcept { return ops_.empty() && !invalid_; }
    /// False after an operation with a bad name.
    [[nodiscard]] bool valid() const noexcept { return !invalid_; }
    /// Memory that it holds; about what it will write.
    [[nodiscard]] std::size_t bytes() const noexcept { return ops_.size(); }

private:
    friend class Store;
    friend class BatchReader;
    struct Op;

    /// Appends an operation's header and names; returns where the size of its value stands.
    std::size_t open_op(const Op& op, std::string_view name);
    void close_op(std::size_t value_size_at);

    Bytes ops_;  ///< Headers, names and values, as in detail/batch_reader.hpp.
    bool invalid_ = false;
};

/// What one entry counts for against an outbox's limit.
[[nodiscard]] std::size_t outbox_cost(const OutboxRecord& record) noexcept;

}  // namespace weir::storage
