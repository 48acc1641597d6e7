#include <weir/runtime/blocking_pool.hpp>

#include <pthread.h>

#include <utility>

namespace weir::runtime {

BlockingPool::BlockingPool(BlockingPoolOptions options) : queue_max_{options.queue_max} {
    for (std::size_t i = 0; i < options.threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
        ::pthread_setname_np(threads_.back().native_handle(), "weir-blocking");
    }
}

BlockingPool::~BlockingPool() = default;

bool BlockingPool::try_run(Shard& home, Work work) {
    {
        const std::scoped_lock lock{mutex_};
        if (queue_.size() >= queue_max_) {
            return false;
        }
        queue_.push_back({.home = &home, .work = std::move(work)});
    }
    changed_.notify_one();
    return true;
}

void BlockingPool::serve(const std::stop_token& stop) {
    for (;;) {
        std::unique_lock lock{mutex_};
        if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); }) ||
            stop.stop_requested()) {
            return;
        }
        Job job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        if (Task done = job.work(); done) {
            job.home->post(std::move(done));
        }
    }
}

}  // namespace weir::runtime
