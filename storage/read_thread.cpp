#include <weir/storage/detail/read_thread.hpp>

#include <pthread.h>

namespace weir::storage::detail {

ReadThread::ReadThread() : thread_{[this] { run(); }} {
    pthread_setname_np(thread_.native_handle(), "weir-reads");
}

ReadThread::~ReadThread() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void ReadThread::submit(Work work) {
    {
        const std::lock_guard lock{mutex_};
        queue_.push_back(std::move(work));
    }
    wake_.notify_one();
}

void ReadThread::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) {
            return;
        }
        Work work = std::move(queue_.front());
        queue_.pop_front();
        const bool stopping = stopping_;
        lock.unlock();
        work(stopping);
        lock.lock();
    }
}

}  // namespace weir::storage::detail
