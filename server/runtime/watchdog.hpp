/// Ends a process that no longer moves, so that its supervisor starts it anew.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::runtime {

/// Looks at progress counters from a thread of its own.
class Watchdog {
public:
    /// Odd while the watched thread works, even while it waits for work; changes whenever it begins
    /// or ends a piece.
    using Progress = std::function<std::uint64_t()>;

    struct Watched {
        std::string name;
        Progress progress;  ///< Called on the watchdog's thread.
    };
    struct Options {
        std::chrono::milliseconds patience{30'000};  ///< As long as one piece of work may take.
        /// What to do with the report. Default: write it to standard error and abort.
        std::function<void(const std::string& report)> on_stall = {};
    };

    Watchdog(std::vector<Watched> watched, Options options);
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    /// Stops looking.
    ~Watchdog();

private:
    struct Seen {
        Watched watched;
        std::uint64_t count;
        std::chrono::steady_clock::time_point since;
        int looks;  ///< That saw this count while busy, the first one not counted.
    };

    void watch(const std::stop_token& stop);
    /// @return a report, or nothing if all move.
    [[nodiscard]] std::string look();

    const Options options_;
    std::vector<Seen> seen_;
    std::mutex mutex_;
    std::condition_variable_any stopped_;
    std::jthread thread_;
};

}  // namespace weir::runtime
