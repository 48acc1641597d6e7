#include <gtest/gtest.h>

#include <fstream>
#include <stop_token>
#include <thread>

#include <weir/app/backup_schedule.hpp>

#include <support/temp_dir.hpp>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

class Schedule : public testing::Test {
protected:
    Schedule() {
        std::filesystem::create_directory(home_.path() / "data");
        store_ = storage::Store::open({.path = (home_.path() / "data").string()});
    }

    [[nodiscard]] BackupConfig plan(std::chrono::milliseconds every) const {
        return {.directory = home_.path() / "backups", .every = every, .keep = 2};
    }

    /// The first report of which `holds` is true.
    template <class Holds>
    static BackupReport await(const BackupSchedule& schedule, Holds holds) {
        const auto ends = std::chrono::steady_clock::now() + 30s;
        for (;;) {
            auto report = schedule.report();
            if (report && holds(*report)) {
                return *report;
            }
            if (std::chrono::steady_clock::now() > ends) {
                ADD_FAILURE() << "waited in vain";
                return {};
            }
            std::this_thread::yield();
        }
    }

    test::TempDir home_;
    SystemClock clock_;
    std::unique_ptr<storage::Store> store_;
};

TEST_F(Schedule, BacksUpAtOnce_WhenThereIsNoBackup) {
    BackupSchedule schedule{*store_, clock_};
    schedule.configure(plan(24h));
    const auto report = await(schedule, [](const auto& r) { return r.newest.has_value(); });
    EXPECT_EQ(report.newest->id, 1U);
    EXPECT_EQ(report.error, "");
    EXPECT_GT(report.next, clock_.wall() + 23h);
}

TEST_F(Schedule, GoesOnFromTheNewestBackup_AfterARestart) {
    ASSERT_TRUE(store_->backup({.directory = plan(24h).directory.string()}));
    BackupSchedule schedule{*store_, clock_};
    schedule.configure(plan(24h));
    const auto report = await(schedule, [](const auto& r) { return r.newest.has_value(); });
    EXPECT_EQ(report.next, WallTime{report.newest->time_ms} + 24h);
    schedule.stop();
    EXPECT_EQ(storage::list_backups(plan(24h).directory.string()).size(), 1U);
}

TEST_F(Schedule, RepeatsAndKeepsSoMany) {
    BackupSchedule schedule{*store_, clock_};
    schedule.configure(plan(10ms));
    await(schedule, [](const auto& r) { return r.newest && r.newest->id >= 4; });
    schedule.stop();
    EXPECT_LE(storage::list_backups(plan(10ms).directory.string()).size(), 2U);
}

TEST_F(Schedule, TellsWhyABackupFailed) {
    std::ofstream{plan(24h).directory} << "a file is in the way";
    BackupSchedule schedule{*store_, clock_};
    schedule.configure(plan(24h));
    const auto report = await(schedule, [](const auto& r) { return !r.error.empty(); });
    EXPECT_FALSE(report.newest);
    EXPECT_LE(report.next, clock_.wall() + 1h);
}

TEST_F(Schedule, WaitsForABackupOfSomebodyElse_WhichIsNoFailure) {
    storage::Batch large;
    large.append_stream("s", {.payload = as_bytes(std::string(512 * 1024, 'x'))});
    ASSERT_TRUE(store_->commit(std::move(large)));
    std::stop_source stop;
    std::jthread other{[&] {
        EXPECT_FALSE(store_->backup(
            {.directory = (home_.path() / "other").string(), .bytes_per_s = 1, .stop = stop.get_token()}
        ));
    }};
    while (!store_->backup_under_way()) {
        std::this_thread::yield();
    }
    BackupSchedule schedule{*store_, clock_};
    const auto began = clock_.wall();
    schedule.configure(plan(24h));
    const auto report = await(schedule, [&](const auto& r) { return r.next > began + 9s; });
    EXPECT_EQ(report.error, "");
    EXPECT_FALSE(report.newest);
    EXPECT_LE(report.next, clock_.wall() + 10s);
    stop.request_stop();
}

TEST_F(Schedule, ReportsNothing_WithoutAPlan) {
    BackupSchedule schedule{*store_, clock_};
    EXPECT_FALSE(schedule.report());
    schedule.configure(plan(24h));
    EXPECT_TRUE(schedule.report());
    schedule.configure({});
    EXPECT_FALSE(schedule.report());
}

}  // namespace
}  // namespace weir::app
