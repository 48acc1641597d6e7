/// The queues' part of the Writer: entries, and messages that live as long as one refers to them.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/storage/budgets.hpp>
#include <weir/storage/detail/batch_reader.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Storage thread only, but for the ids. How many entries refer to a message is counted here and
/// not stored: it is known again after reading all entries, once, when the store is opened.
class SessionWriter {
public:
    SessionWriter(Engine& engine, Budgets& budgets) noexcept
        : engine_{engine}, budgets_{budgets} {}

    /// @errors malformed_record, newer_version, or the engine's
    [[nodiscard]] Result<void> load();

    /// Remembers that the group writes this record of a session: drop() does not see it yet.
    void note(Family family, std::string_view key) { written_.emplace_back(family, key); }

    void begin_batch() noexcept { kept_ = {}; }
    /// The message that the enqueue() calls to come refer to.
    void keep(MessageId message, std::string_view record) noexcept { kept_ = {message, record}; }
    void enqueue(SessionId session, std::uint64_t sequence, std::string_view entry);
    /// Sets state and packet id; ignored if the entry is gone, or was refused when it came.
    [[nodiscard]] Result<void> mark(
        SessionId session, std::uint64_t sequence, EntryState state, std::uint16_t packet_id
    );
    [[nodiscard]] Result<void> settle(SessionId session, std::uint64_t sequence);
    [[nodiscard]] Result<void> drop(SessionId session);

    void end_group(bool committed);

    /// Any thread.
    [[nodiscard]] std::uint64_t next_session() noexcept { return ++sessions_; }
    [[nodiscard]] std::uint64_t next_message() noexcept { return ++messages_; }

private:
    using EntryKey = std::pair<std::uint64_t, std::uint64_t>;  ///< Session and sequence.

    [[nodiscard]] static EntryKey key_of(SessionId session, std::uint64_t sequence) noexcept {
        return {static_cast<std::uint64_t>(session), sequence};
    }
    /// As the group leaves it; nothing if it is gone.
    [[nodiscard]] Result<std::optional<QueueEntry>> find(SessionId session, std::uint64_t sequence)
        const;
    void write(SessionId session, std::uint64_t sequence, const QueueEntry& entry);
    void erase(SessionId session, std::uint64_t sequence, const QueueEntry& entry);
    [[nodiscard]] std::uint32_t refer(MessageId message);
    /// @param bytes  Of the message.
    void release(MessageId message, std::uint32_t bytes);
    [[nodiscard]] Result<void> drop_entries(SessionId session);
    [[nodiscard]] Result<void> erase_prefix(Family family, std::string_view prefix);

    Engine& engine_;
    Budgets& budgets_;
    std::atomic<std::uint64_t> sessions_{0};
    std::atomic<std::uint64_t> messages_{0};
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> references_;  ///< By message.

    // Of the current group.
    struct Kept {
        MessageId message{};
        std::string_view record;
    };
    Kept kept_;
    boost::unordered_flat_map<EntryKey, std::optional<QueueEntry>> entries_;  ///< None: removed.
    std::vector<std::pair<std::uint64_t, std::int32_t>> changes_;  ///< To references_, to undo.
    std::vector<std::pair<Family, std::string>> written_;
    std::int64_t growth_ = 0;  ///< Of all queues, in bytes as the budget counts.
    Bytes scratch_;
};

}  // namespace weir::storage::detail
