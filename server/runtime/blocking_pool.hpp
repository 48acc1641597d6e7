/// Threads for work that would hold up a shard.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <weir/runtime/shard.hpp>

namespace weir::runtime {

struct BlockingPoolOptions {
    std::size_t threads = 2;
    std::size_t queue_max = 256;  ///< Work that waits for a thread; beyond it try_run() refuses.
};

/// A few threads and a bounded queue: password hashes, file reads. Owned by the gateway; outlived
/// by the shards.
class BlockingPool {
public:
    /// Runs on a pool thread and must not throw. What it returns runs on the shard that asked; it
    /// may be empty.
    using Work = std::move_only_function<Task()>;

    explicit BlockingPool(BlockingPoolOptions options = {});
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;
    /// Waits for the work that runs; what still queues is destroyed unrun.
    ~BlockingPool();

    /// Any thread. @return false: the queue is full, and `work` is gone.
    [[nodiscard]] bool try_run(Shard& home, Work work);

private:
    struct Job {
        Shard* home;
        Work work;
    };

    void serve(const std::stop_token& stop);

    const std::size_t queue_max_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Job> queue_;
    std::vector<std::jthread> threads_;
};

}  // namespace weir::runtime
