#pragma once

#include <atomic>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>

#include <weir/storage/detail/memory_engine.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::test {

/// The switches of a FaultyEngine; shared with it, as the Store owns the engine.
struct Faults {
    std::atomic<bool> fail_commit{false};
    std::atomic<errc> commit_error{errc{}};  ///< Commits fail with it.
    std::atomic<bool> fail_scan{false};
    std::atomic<std::uint64_t> free_bytes{~std::uint64_t{0}};
    std::atomic<int> commits{0};
    std::atomic<int> commits_max{std::numeric_limits<int>::max()};  ///< Later ones find no room.
    std::atomic<int> scans{0};

    /// Commits wait while held.
    void hold() {
        const std::lock_guard lock{mutex};
        held = true;
    }
    void let_go() {
        {
            const std::lock_guard lock{mutex};
            held = false;
        }
        changed.notify_all();
    }
    /// Until a commit waits.
    void await_commit() {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return waiting; });
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;
    bool waiting = false;
};

/// Memory with faults on demand.
class FaultyEngine final : public Engine {
public:
    explicit FaultyEngine(std::shared_ptr<Faults> faults) : faults_{std::move(faults)} {}

    void put(Family family, std::string_view key, std::string_view value) override {
        memory_.put(family, key, value);
    }
    void erase(Family family, std::string_view key) override { memory_.erase(family, key); }
    void erase_range(Family family, std::string_view from, std::string_view to) override {
        memory_.erase_range(family, from, to);
    }
    void add_usage(std::string_view key, std::string_view delta) override {
        memory_.add_usage(key, delta);
    }
    Result<void> commit() override {
        {
            std::unique_lock lock{faults_->mutex};
            faults_->waiting = true;
            faults_->changed.notify_all();
            faults_->changed.wait(lock, [this] { return !faults_->held; });
            faults_->waiting = false;
        }
        if (++faults_->commits > faults_->commits_max) {
            memory_.abandon();
            return errc::disk_full;
        }
        if (faults_->fail_commit) {
            memory_.abandon();
            return errc::io_failed;
        }
        if (const errc error = faults_->commit_error; error != errc{}) {
            memory_.abandon();
            return error;
        }
        return memory_.commit();
    }
    void abandon() override { memory_.abandon(); }
    Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
        return memory_.get(family, key);
    }
    Result<void> scan(
        Family family, std::string_view from, std::string_view to, const Visitor& visit
    ) const override {
        ++faults_->scans;
        if (faults_->fail_scan) {
            return errc::corrupt;
        }
        return memory_.scan(family, from, to, visit);
    }
    std::optional<std::uint64_t> free_bytes() const override { return faults_->free_bytes.load(); }
    std::string last_error() const override { return "injected"; }

private:
    std::shared_ptr<Faults> faults_;
    detail::MemoryEngine memory_;
};

}  // namespace weir::storage::test
