/// All archives and their threads.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/archive/config.hpp>
#include <weir/archive/status.hpp>
#include <weir/base/clock.hpp>
#include <weir/storage/store.hpp>

namespace weir::archive {

/// Owned by the Gateway; store and clock outlive it. Each archive has a thread, which waits for
/// disks and servers: none waits for another.
///
/// Order at the end: stop(), then what targets need (the HTTP client), then join(), then the store.
class Archives {
public:
    Archives(storage::Store& store, const Clock& clock);
    Archives(const Archives&) = delete;
    Archives& operator=(const Archives&) = delete;
    /// As stop() and join().
    ~Archives();

    /// Sets the archives from now on; those that are new begin once started. One that is missing
    /// ends: this waits for its attempt under way, and its progress stays. Names differ; control
    /// threads, one at a time.
    void configure(std::vector<ArchiveConfig> configs);

    /// Begins the work. Once.
    void start();
    /// Nothing new is begun.
    void stop() noexcept;
    void join() noexcept;

    /// Writes a small object now and takes it away again, on the archive's thread: after its attempt under way. Any
    /// control thread.
    /// @param timeout  For how long to wait for that.
    /// @return Nothing, if there is no such archive.
    [[nodiscard]] std::optional<Probe> probe(
        const std::string& name, std::chrono::milliseconds timeout
    );

    /// In the order of names. Any control thread; reads the store.
    [[nodiscard]] std::vector<ArchiveStatus> status() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::archive
