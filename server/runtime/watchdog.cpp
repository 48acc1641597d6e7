#include <weir/runtime/watchdog.hpp>

#include <fmt/format.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>

namespace weir::runtime {
namespace {

/// Looks per `patience`: a stall is noticed at most a quarter late.
constexpr int kLooksPerPatience = 4;

void report_and_abort(const std::string& report) {
    std::fputs(report.c_str(), stderr);
    std::abort();
}

}  // namespace

Watchdog::Watchdog(std::vector<Watched> watched, Options options) : options_{std::move(options)} {
    const auto now = std::chrono::steady_clock::now();
    for (Watched& each : watched) {
        const std::uint64_t count = each.progress();
        seen_.push_back({.watched = std::move(each), .count = count, .since = now, .looks = 0});
    }
    thread_ = std::jthread{[this](const std::stop_token& stop) { watch(stop); }};
    ::pthread_setname_np(thread_.native_handle(), "weir-watchdog");
}

Watchdog::~Watchdog() = default;

void Watchdog::watch(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        stopped_.wait_for(lock, stop, options_.patience / kLooksPerPatience, [] { return false; });
        if (stop.stop_requested()) {
            return;
        }
        if (const std::string report = look(); !report.empty()) {
            options_.on_stall ? options_.on_stall(report) : report_and_abort(report);
        }
    }
}

std::string Watchdog::look() {
    std::string report;
    const auto now = std::chrono::steady_clock::now();
    for (Seen& each : seen_) {
        const std::uint64_t count = each.watched.progress();
        const bool busy = count % 2 == 1;
        if (!busy || count != each.count) {
            each.count = count;
            each.since = now;
            each.looks = 0;
            continue;
        }
        ++each.looks;
        const auto stalled =
            std::chrono::duration_cast<std::chrono::milliseconds>(now - each.since);
        // A process that was paused as a whole has not moved either, and was looked at once.
        if (stalled >= options_.patience && each.looks >= kLooksPerPatience) {
            report += fmt::format(
                "weir: watchdog: {} has worked on one thing for {} ms (limit {} ms, step {})\n",
                each.watched.name,
                stalled.count(),
                options_.patience.count(),
                count
            );
        }
    }
    return report;
}

}  // namespace weir::runtime
