/// A shard's way to the disk, and back.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include <weir/base/guarded.hpp>
#include <weir/broker/receipts.hpp>
#include <weir/runtime/task.hpp>
#include <weir/storage/store.hpp>

namespace weir::broker {

/// Something that its session is told of when the batch that it is in is committed.
struct JournalEntry {
    enum class Kind : std::uint8_t {
        queued,    ///< In the queue.
        sent,      ///< In flight: what waits for that may be sent under its packet id.
        marked,    ///< The same, of what was in the queue before.
        released,  ///< PUBREC is noted: PUBREL may be sent.
        inbound,   ///< The packet id of a publish at QoS 2 that the session made.
        freed,     ///< The same: released by the session.
    };
    Kind kind;
    std::uint16_t packet_id = 0;
    std::uint32_t bytes = 0;  ///< Footprint of the message.
    std::uint64_t session;
    std::uint64_t sequence = 0;
};

/// Told whether a batch was committed or refused.
using BatchDone = std::move_only_function<void(bool stored)>;

/// What several shards have to store, and one of them stores.
struct Gathered {
    struct Part {
        unsigned shard;
        std::vector<JournalEntry> entries;
        BatchDone done = {};  ///< Of that shard.
    };
    storage::Batch batch = {};
    std::vector<Part> parts = {};
    std::uint64_t handover = 0;  ///< Of the shard that stores it, whose turn has to come; 0: none.
};

/// Belongs to one shard and is called there only. What it submits is committed in that order, and told in that order.
class Journal {
public:
    using Done = BatchDone;
    /// Runs work on the shard, soon. Called from any thread, the shard's own too.
    using Post = std::function<void(runtime::Task)>;
    using QueueDone = std::move_only_function<void(Result<std::vector<storage::QueuedMessage>>)>;

    /// What follows a commit, on the shard.
    struct Commit {
        std::vector<JournalEntry> entries = {};
        std::vector<Gathered::Part> parts = {};  ///< Of other shards, and of this one what was held.
        std::uint32_t receipt = 0;  ///< A share of it comes back; 0: the creditor is told.
        Creditor creditor = {};
        Done done = {};
        bool is_message = false;  ///< What the batch stores is of a message.
    };
    class Listener {
    public:
        virtual ~Listener() = default;
        virtual void on_commit(Commit& commit, bool stored) = 0;
    };

    Journal(storage::Store& store, Post post) : store_{store}, post_{std::move(post)} {}

    void bind(Listener& listener) noexcept { listener_ = &listener; }

    /// Takes changes of queue entries that exist, and ends of sessions. They go together, soon.
    [[nodiscard]] storage::Batch& open();
    /// To be told when what is open is committed.
    void tell(const JournalEntry& entry) { opened_.entries.push_back(entry); }
    /// Submits what is open, now: before another shard submits something that has to come after it.
    void flush();
    /// Behind what is open.
    void submit(storage::Batch&& batch, Commit commit);
    /// Runs `done` when all that was given to it before is committed or refused; now, if that is so. It is told what became of the
    /// last of that.
    void after(Done done);

    /// A page of a queue that has everything given before. @param done  Runs on the shard.
    void read_queue(
        storage::SessionId session, std::uint64_t from, storage::ReadLimit limit, QueueDone done
    );

    [[nodiscard]] storage::Budgets& budgets() noexcept { return store_.budgets(); }
    [[nodiscard]] storage::SessionId new_session_id() noexcept { return store_.new_session_id(); }
    [[nodiscard]] storage::MessageId new_message_id() noexcept { return store_.new_message_id(); }
    /// True if nothing is on its way.
    [[nodiscard]] bool idle() const noexcept {
        return waiting_.empty() && opened_batch_.empty() && reads_ == 0;
    }

private:
    struct Waiting {
        Commit commit;
        bool is_batch;
    };

    void committed(bool stored);
    void deliver();
    void run(Commit commit, bool stored);

    storage::Store& store_;
    Post post_;
    Listener* listener_ = nullptr;
    storage::Batch opened_batch_;
    Commit opened_;
    std::deque<Waiting> waiting_;
    std::size_t reads_ = 0;
    Guarded<std::vector<bool>> outcomes_;  ///< Of the oldest batches that wait; from the storage thread.
    std::vector<bool> delivering_;         // Of the shard; keeps its memory.
};

}  // namespace weir::broker
