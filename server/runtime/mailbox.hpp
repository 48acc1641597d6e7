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
    std::size_t ring_entries = 1024;           ///< Per sender; a power of two.
    std::size_t ring_bytes = 4 * 1024 * 1024;  ///< Per sender: the declared cost of what waits.
};

/// One shard's inbox: a ring from each shard, and a list for foreign threads.
///
/// What a ring has no room for is refused: the sender decides what is lost or waits. What one sender sends keeps its order.
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
    [[nodiscard]] bool has_room(ShardId from) noexcept;

    // Any thread.
    /// Never refused: callers bound what they have under way themselves. Wakes the owner. @cost A
    /// short lock.
    void post(Task&& task);
    /// Ends the owner's sleep if there is one. @cost An atomic exchange while the owner is awake.
    void wake() noexcept;

    // The owner's thread.
    /// Runs what is there, at most kTasksPerTurn of each ring.
    /// @return true if tasks were left for the next turn.
    bool drain() noexcept;
    /// Announces that the owner goes to sleep; false: something is there, do not.
    [[nodiscard]] bool prepare_sleep() noexcept;
    void end_sleep() noexcept { sleeping_.exchange(false, std::memory_order_acq_rel); }
    /// Event counter to be watched edge-triggered; it is never read.
    [[nodiscard]] int fd() const noexcept { return event_.get(); }

private:
    static constexpr std::size_t kTasksPerTurn = 256;

    [[nodiscard]] bool empty() const noexcept;

    std::vector<std::unique_ptr<detail::SpscRing>> rings_;  ///< By sender.
    Guarded<std::vector<Task>> posted_;
    std::vector<Task> taken_;  ///< What was posted, while it runs; keeps its capacity.
    std::atomic<bool> has_posted_{false};
    alignas(64) std::atomic<bool> sleeping_{false};
    UniqueFd event_;
};

}  // namespace weir::runtime
