#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace weir::storage::detail {

/// Reads the disk for those who must not wait for it. Work runs in the order of submission. The
/// destructor runs what is left, with `stopping` set.
class ReadThread {
public:
    using Work = std::move_only_function<void(bool stopping)>;

    ReadThread();
    ~ReadThread();
    ReadThread(const ReadThread&) = delete;
    ReadThread& operator=(const ReadThread&) = delete;

    void submit(Work work);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Work> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace weir::storage::detail
