// A disk that fails: one call, the syncs, or because it is full.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include <weir/storage/detail/rocks_engine.hpp>

#include "faulty_files.hpp"
#include "support/temp_dir.hpp"
#include "workload.hpp"

namespace weir::storage {
namespace {

class FailingDisk : public testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<Store> open() {
        const StoreOptions options{.path = path_, .disk_free_min = 1'000, .clock = &clock_};
        return std::make_unique<Store>(detail::open_rocks_engine(options, env_.get()), options);
    }

    weir::test::TempDir directory_;
    std::string path_ = directory_ / "data";
    ManualClock clock_;
    std::shared_ptr<test::FaultyFiles> files_ = std::make_shared<test::FaultyFiles>();
    std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
};

/// The second opening reads and replaces what the first wrote, so all kinds of files are touched.
TEST_F(FailingDisk, SurvivesAnyOneCallFailing_D3) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("call " + std::to_string(n));
        path_ = directory_ / std::to_string(n);
        std::uint64_t acknowledged = 1;
        std::uint64_t refused = 0;
        ASSERT_TRUE(open()->commit(test::make_batch(1)));
        files_->fail_call(n);
        try {
            const auto store = open();
            for (std::uint64_t i = 2; i <= 5; ++i) {
                if (store->commit(test::make_batch(i))) {
                    ASSERT_EQ(refused, 0U) << "an acknowledgement after a failure";
                    acknowledged = i;
                } else {
                    ++refused;
                }
            }
            EXPECT_EQ(refused > 0, store->health().state == Health::read_only);
            EXPECT_EQ(refused > 0, !store->health().reason.empty());
        } catch (const OpenError& error) {
            EXPECT_TRUE(files_->failed()) << error.what();
        }
        const bool reached = files_->failed();
        files_->fail_call(0);
        const auto store = open();
        test::expect_whole(*store, acknowledged);
        if (!reached || HasFailure()) {
            ASSERT_GT(n, 20U);
            break;
        }
    }
}

TEST_F(FailingDisk, IsReadOnlyUntilRestart_WhenASyncFails_D5) {
    auto store = open();
    ASSERT_TRUE(store->commit(test::make_batch(1)));
    files_->fail_syncs(true);
    EXPECT_EQ(store->commit(test::make_batch(2)).error(), errc::io_failed);
    EXPECT_EQ(store->health().state, Health::read_only);
    EXPECT_NE(store->health().reason.find("injected sync failure"), std::string::npos);
    files_->fail_syncs(false);
    clock_.advance(std::chrono::hours{1});
    EXPECT_EQ(store->commit(test::make_batch(2)).error(), errc::read_only);
    EXPECT_EQ(store->stream("stream")->records(), 1U) << "reads go on";
    store.reset();
    store = open();
    test::expect_whole(*store, 1);
    EXPECT_EQ(store->health().state, Health::ok);
}

TEST_F(FailingDisk, RefusesAndResumes_WhenAWriteFindsNoRoom_D4) {
    auto store = open();
    std::uint64_t next = 1;
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(store->commit(test::make_batch(next++)));
        // Full before the watermark noticed: another program was faster.
        files_->set_full(true, 1'000'000);
        EXPECT_EQ(store->commit(test::make_batch(next)).error(), errc::disk_full);
        EXPECT_EQ(store->health().state, Health::disk_full);
        EXPECT_EQ(store->commit(test::make_batch(next)).error(), errc::disk_full);
        test::expect_whole(*store, next - 1);
        files_->set_full(false, 1'000'000);
        EXPECT_TRUE(store->commit(test::make_batch(next++)));
        EXPECT_EQ(store->health().state, Health::ok) << store->health().reason;
    }
    store.reset();
    EXPECT_EQ(test::expect_whole(*open(), next - 1), next - 1);
}

TEST_F(FailingDisk, Resumes_ThoughABackupIsUnderWay_D4) {
    files_->keep_full_below(path_);
    const auto store = open();
    Batch large;
    large.append_stream("s", {.payload = as_bytes(std::string(512 * 1024, 'x'))});
    ASSERT_TRUE(store->commit(std::move(large)));
    const std::string backups = directory_ / "backups";
    Result<BackupInfo> made{errc::busy};
    std::jthread backup{[&] {
        made = store->backup({.directory = backups, .bytes_per_s = 1'024});
    }};
    while (!std::filesystem::exists(backups + "/private")) {
        std::this_thread::yield();
    }
    files_->set_full(true, 1'000'000);
    EXPECT_EQ(store->commit(test::make_batch(1)).error(), errc::disk_full);
    files_->set_full(false, 1'000'000);
    const auto ends = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!store->commit(test::make_batch(1)) && std::chrono::steady_clock::now() < ends) {
    }
    EXPECT_EQ(store->health().state, Health::ok) << store->health().reason;
    backup.join();
    EXPECT_FALSE(made) << "it was in the way";
}

TEST_F(FailingDisk, StopsWithinASecond_WhenRoomRunsOut_D4) {
    const auto store = open();
    ASSERT_TRUE(store->commit(test::make_batch(1)));
    files_->set_full(false, 999);
    clock_.advance(std::chrono::seconds{1});
    EXPECT_EQ(store->commit(test::make_batch(2)).error(), errc::disk_full);
    test::expect_whole(*store, 1);
    files_->set_full(false, 1'125);  // An eighth more than the mark.
    EXPECT_TRUE(store->commit(test::make_batch(2)));
}

}  // namespace
}  // namespace weir::storage
