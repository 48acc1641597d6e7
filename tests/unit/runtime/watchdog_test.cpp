#include <weir/runtime/watchdog.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Watchdog, ReportsTheThreadThatHangs_AndNoneThatRestsOrMoves) {
    std::atomic<std::uint64_t> moving{1};
    std::promise<std::string> reported;
    std::atomic<bool> once{false};
    const Watchdog watchdog{
        {{"resting", [] { return std::uint64_t{8}; }},
         {"moving", [&moving] { return moving.fetch_add(2); }},
         {"hanging", [] { return std::uint64_t{7}; }}},
        {.patience = 20ms,
         .on_stall =
             [&](const std::string& report) {
                 if (!once.exchange(true)) {
                     reported.set_value(report);
                 }
             }}
    };
    const std::string report = reported.get_future().get();
    EXPECT_NE(report.find("hanging has worked on one thing"), std::string::npos) << report;
    EXPECT_EQ(report.find("resting"), std::string::npos);
    EXPECT_EQ(report.find("moving"), std::string::npos);
}

/// As after a pause of the whole process: time has passed, and nobody could move.
TEST(Watchdog, SparesWhatCouldNotMove_WhenItCouldNotLookEither) {
    constexpr auto kPatience = 40ms;
    std::atomic<int> looks{0};
    std::atomic<int> reports{0};
    std::promise<void> looked_enough;
    {
        const Watchdog watchdog{
            {{"paused",
              [&] {
                  const int look = ++looks;
                  if (look == 2) {
                      std::this_thread::sleep_for(2 * kPatience);
                  }
                  if (look == 8) {
                      looked_enough.set_value();
                  }
                  return look <= 3 ? std::uint64_t{1} : static_cast<std::uint64_t>(2 * look + 1);
              }}},
            {.patience = kPatience, .on_stall = [&](const std::string&) { ++reports; }}
        };
        looked_enough.get_future().wait();
    }
    EXPECT_EQ(reports, 0);
}

void hang_for_ever() {
    const Watchdog watchdog{{{"shard 3", [] { return std::uint64_t{1}; }}}, {.patience = 10ms}};
    std::promise<void> never;
    never.get_future().wait();
}

TEST(WatchdogDeathTest, AbortsByDefault) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(hang_for_ever(), "watchdog: shard 3");
}

}  // namespace
}  // namespace weir::runtime
