/// Changes that become durable together, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/records.hpp>
#include <weir/storage/session_records.hpp>

namespace weir::storage {

/// The column families. `meta`, `registry` and `audit` hold records of their owners under the
/// owners' keys, read with Store::get and Store::scan; the others have calls of their own. In `meta`
/// the store has keys of its own; a module that keeps a little state there starts its keys with its
/// name and a slash ("sinks/pager").
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

    /// The record gets the stream's next offset at commit. Offsets start at 1 and are given without
    /// gaps.
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

    // Sessions. What is put replaces what was there.
    void put_session(SessionId session, const SessionRecord& record);
    void put_subscription(
        SessionId session, std::string_view filter, const SubscriptionRecord& record
    );
    void erase_subscription(SessionId session, std::string_view filter);
    void put_will(SessionId session, const WillRecord& record);
    void erase_will(SessionId session);
    /// QoS 2 from the client: the id is taken, until PUBREL erases it. [MQTT5-4.3.3-10]
    void put_inbound_id(SessionId session, std::uint16_t packet_id);
    void erase_inbound_id(SessionId session, std::uint16_t packet_id);
    /// The session, and all that it has: subscriptions, will, ids, queue.
    void drop_session(SessionId session);

    // Queues. The owner of a session numbers its entries: sequences rise, and order the queue.
    /// The message for the enqueue() calls that follow. Stored once, however many batches keep it
    /// under this id, and freed with the last entry that refers to it; not stored without one.
    void keep(MessageId message, const MessageRecord& record);
    /// Puts the message kept last into a queue; `entry.message` and `entry.bytes` are filled in.
    void enqueue(SessionId session, std::uint64_t sequence, QueueEntry entry);
    // These ignore entries that are gone, and entries whose enqueue() was refused.
    void mark_sent(SessionId session, std::uint64_t sequence, std::uint16_t packet_id);
    /// PUBREC came: frees the message, keeps the packet id.
    void mark_released(SessionId session, std::uint64_t sequence, std::uint16_t packet_id);
    /// The client gave it back (AMQP): it waits again, at its old place.
    void mark_queued(SessionId session, std::uint64_t sequence);
    /// Done: PUBACK, PUBCOMP, an outcome, expired or dropped.
    void settle(SessionId session, std::uint64_t sequence);

    /// Replaces what the topic had.
    void retain(const RetainedRecord& record);
    void erase_retained(std::string_view tenant, std::string_view topic);

    /// A record of the owner's own format; `version` is the owner's and stored in front. Families:
    /// meta, registry, audit.
    void put(Family family, std::string_view key, std::uint8_t version, ByteView body);
    void erase(Family family, std::string_view key);
    /// Erases from <= key < to.
    void erase_range(Family family, std::string_view from, std::string_view to);

    /// Adds all of another batch behind its own.
    void append(const Batch& other);

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
    template <class Record>
    void put_record(Family family, std::string_view key, const Record& record);
    void erase_record(Family family, std::string_view key);
    void mark(const Op& op, std::uint16_t packet_id);

    Bytes ops_;  ///< Headers, names and values, as in detail/batch_reader.hpp.
    MessageId kept_{};
    std::uint32_t kept_bytes_ = 0;
    bool invalid_ = false;
};

/// What one entry counts for against an outbox's limit.
[[nodiscard]] std::size_t outbox_cost(const OutboxRecord& record) noexcept;

}  // namespace weir::storage
