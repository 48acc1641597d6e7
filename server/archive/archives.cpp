#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <weir/archive/archives.hpp>
#include <weir/archive/detail/archiver.hpp>
#include <weir/base/guarded.hpp>

namespace weir::archive {
namespace {

/// Ends a wait when the stream or the operator has news.
class Bell {
public:
    void ring() {
        {
            const std::lock_guard lock{mutex_};
            rung_ = true;
        }
        changed_.notify_one();
    }
    void wait(const std::stop_token& stop, std::chrono::milliseconds timeout) {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, stop, timeout, [this] { return rung_; });
        rung_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool rung_ = false;
};

/// One archive, its thread, and what wakes it.
class Worker {
public:
    Worker(ArchiveConfig config, storage::Store& store, const Clock& clock)
        : store_{store}, stream_{config.stream}, archiver_{std::move(config), store, clock} {
        watch();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() {
        thread_ = {};
        store_.unwatch(watch_);
    }

    void reconfigure(ArchiveConfig config) {
        if (config.stream != stream_) {
            store_.unwatch(watch_);
            stream_ = config.stream;
            watch();
        }
        archiver_.reconfigure(std::move(config));
        bell_.ring();
    }

    void start() {
        thread_ = std::jthread{[this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                answer_probes();
                bell_.wait(stop, archiver_.turn());
            }
        }};
    }
    void stop() noexcept { thread_.request_stop(); }
    void join() noexcept {
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] ArchiveStatus status() const { return archiver_.status(); }
    /// Broken if the worker ends before.
    [[nodiscard]] std::future<Probe> probe() {
        auto answer = probes_.with([](auto& wanted) { return wanted.emplace_back().get_future(); });
        bell_.ring();
        return answer;
    }

private:
    void answer_probes() {
        for (auto& wanted : probes_.with([](auto& all) { return std::exchange(all, {}); })) {
            wanted.set_value(archiver_.probe());
        }
    }
    void watch() {
        watch_ = store_.watch_stream(stream_, [this](std::uint64_t) { bell_.ring(); });
    }

    storage::Store& store_;
    std::string stream_;
    storage::WatchId watch_ = 0;
    Bell bell_;
    detail::Archiver archiver_;
    Guarded<std::vector<std::promise<Probe>>> probes_;
    std::jthread thread_;
};

}  // namespace

struct Archives::Impl {
    storage::Store& store;
    const Clock& clock;
    mutable std::mutex mutex;
    std::map<std::string, std::unique_ptr<Worker>> workers;  ///< Under the mutex.
    bool started = false;                                    ///< Under the mutex.
};

Archives::Archives(storage::Store& store, const Clock& clock)
    : impl_{std::make_unique<Impl>(store, clock)} {}

Archives::~Archives() {
    stop();
    join();
}

void Archives::configure(std::vector<ArchiveConfig> configs) {
    std::map<std::string, std::unique_ptr<Worker>> gone;
    const std::lock_guard lock{impl_->mutex};
    gone.swap(impl_->workers);
    for (auto& config : configs) {
        if (auto found = gone.extract(config.name)) {
            found.mapped()->reconfigure(std::move(config));
            impl_->workers.insert(std::move(found));
            continue;
        }
        auto name = config.name;
        auto worker = std::make_unique<Worker>(std::move(config), impl_->store, impl_->clock);
        if (impl_->started) {
            worker->start();
        }
        impl_->workers.emplace(std::move(name), std::move(worker));
    }
    for (const auto& [name, worker] : gone) {
        worker->stop();
    }
}

void Archives::start() {
    const std::lock_guard lock{impl_->mutex};
    impl_->started = true;
    for (const auto& [name, worker] : impl_->workers) {
        worker->start();
    }
}

void Archives::stop() noexcept {
    const std::lock_guard lock{impl_->mutex};
    for (const auto& [name, worker] : impl_->workers) {
        worker->stop();
    }
}

void Archives::join() noexcept {
    const std::lock_guard lock{impl_->mutex};
    for (const auto& [name, worker] : impl_->workers) {
        worker->join();
    }
}

std::optional<Probe> Archives::probe(const std::string& name, std::chrono::milliseconds timeout) {
    std::future<Probe> answer;
    {
        const std::lock_guard lock{impl_->mutex};
        const auto worker = impl_->workers.find(name);
        if (worker == impl_->workers.end()) {
            return std::nullopt;
        }
        answer = worker->second->probe();
    }
    if (answer.wait_for(timeout) != std::future_status::ready) {
        return Probe{.failure = "the sink is busy with an attempt that does not end", .took = timeout};
    }
    try {
        return answer.get();
    } catch (const std::future_error&) {
        return Probe{.failure = "the sink was removed meanwhile"};
    }
}

std::vector<ArchiveStatus> Archives::status() const {
    const std::lock_guard lock{impl_->mutex};
    std::vector<ArchiveStatus> out;
    for (const auto& [name, worker] : impl_->workers) {
        out.push_back(worker->status());
    }
    return out;
}

}  // namespace weir::archive
