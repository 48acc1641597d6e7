/// What other threads tell a shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <weir/base/guarded.hpp>
#include <weir/runtime/task.hpp>
#include <weir/runtime/unique_fd.hpp>

namespace weir::runtime {

namespace detail {
class SpscRing;
}

/// Index of a shard in its group.
enum class ShardId : std::uint16_t {};
[[nodiscard]] constexpr std::size_t index_of(ShardId shard) noexcept {
    return static_cast<std::size_t>(shard);
}

struct MailboxOptions {
    std::size_t shards = 1;                    ///< Senders, the owner included.
    std::size_t ring_entries = 1024;           ///< Per sender and lane; a power of two.
    std::size_t ring_bytes = 4 * 1024 * 1024;  ///< Per sender: the declared cost of what waits.
};

/// One shard's inbox: a ring of requests and a ring of replies from each shard, and a list for
/// foreign threads.
///
/// Requests may be refused: the sender decides what is lost or parked. Replies cannot be: the
/// asking shard counts what it has open (Shard::try_request), never more than the ring of replies
/// holds, so a reply always finds its slot. Each lane keeps its order; between lanes there is none.
/// No thread ever waits here.
class Mailbox {
public:
    explicit Mailbox(const MailboxOptions& options);
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;
    /// Tasks that are still inside are destroyed unrun.
    ~Mailbox();

    // The sending shard's thread. wake() is the sender's duty, once per batch.
    [[nodiscard]] bool try_send(ShardId from, Task&& task, std::size_t cost_bytes) noexcept;
    void reply(ShardId from, Task&& task) noexcept;
    [[nodiscard]] bool has_room(ShardId from) noexcept;

    // Any thread.
    /// Never refused: callers bound what they have under way themselves. Wakes the owner. @cost A
    /// short lock.
    void post(Task&& task);
    /// Ends the owner's sleep if there is one. @cost An atomic exchange while the owner is awake.
    void wake() noexcept;

    // The owner's thread.
    /// Runs what is there, at most kTasksPerTurn of each ring. @param replies_open per sender: less
    /// by what ran.
    /// @return true if tasks were left for the next turn.
    bool drain(std::vector<std::uint32_t>& replies_open) noexcept;
    /// Announces that the owner goes to sleep; false: something is there, do not.
    [[nodiscard]] bool prepare_sleep() noexcept;
    void end_sleep() noexcept { sleeping_.exchange(false, std::memory_order_acq_rel); }
    /// Event counter to be watched edge-triggered; it is never read.
    [[nodiscard]] int fd() const noexcept { return event_.get(); }

    [[nodiscard]] std::size_t replies_max() const noexcept { return replies_max_; }

private:
    static constexpr std::size_t kTasksPerTurn = 256;
    struct Lanes;

    [[nodiscard]] bool empty() const noexcept;

    std::size_t replies_max_;
    std::vector<std::unique_ptr<Lanes>> lanes_;  ///< By sender.
    Guarded<std::vector<Task>> posted_;
    std::vector<Task> taken_;  ///< What was posted, while it runs; keeps its capacity.
    std::atomic<bool> has_posted_{false};
    alignas(64) std::atomic<bool> sleeping_{false};
    UniqueFd event_;
};

}  // namespace weir::runtime
