// Backups, their restoration, and looking inside a store.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <stop_token>
#include <thread>

#include <weir/storage/disk.hpp>
#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

class Backup : public testing::Test {
protected:
    void append(int count) {
        for (int i = 0; i < count; ++i) {
            Batch batch;
            batch.append_stream("s", {.payload = as_bytes(std::to_string(++written_))});
            ASSERT_TRUE(store_->commit(std::move(batch)));
        }
    }
    [[nodiscard]] BackupInfo back_up(std::uint32_t keep = 0) {
        const auto made = store_->backup({.directory = backups_, .keep = keep});
        EXPECT_TRUE(made) << store_->last_error();
        return made ? *made : BackupInfo{};
    }
    /// How many records the restored store holds; all of them are checked.
    [[nodiscard]] std::uint64_t restored_records(std::uint32_t id, const std::string& name) {
        const std::string path = directory_ / name;
        EXPECT_EQ(restore_backup(backups_, id, path).id == 0, false);
        EXPECT_TRUE(verify_data(path).problems.empty());
        const auto store = Store::open({.path = path});
        const std::uint64_t count = store->stream("s")->records();
        const auto entries = store->read_stream("s", 1, {.records = count + 1, .bytes = 1U << 28U});
        EXPECT_EQ(entries->size(), count);
        for (std::size_t i = 0; i < entries->size(); ++i) {
            EXPECT_EQ(as_text((*entries)[i].record.payload), std::to_string(i + 1));
        }
        return count;
    }

    weir::test::TempDir directory_;
    std::string backups_ = directory_ / "backups";
    std::uint64_t written_ = 0;
    std::unique_ptr<Store> store_ = Store::open({.path = directory_ / "data"});
};

TEST_F(Backup, RestoresEachBackupAsItWas) {
    append(10);
    const auto first = back_up();
    append(5);
    const auto second = back_up();
    append(1);
    ASSERT_EQ(list_backups(backups_).size(), 2U);
    EXPECT_EQ(restored_records(first.id, "first"), 10U);
    EXPECT_EQ(restored_records(second.id, "second"), 15U);
    EXPECT_EQ(restored_records(0, "newest"), 15U);
}

TEST_F(Backup, IsConsistentUnderLoad_AndDoesNotStopIt) {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> acknowledged{0};
    std::thread writer{[&] {
        while (!stop) {
            append(1);
            acknowledged = written_;
        }
    }};
    while (acknowledged < 50) {
        std::this_thread::yield();
    }
    const std::uint64_t before = acknowledged;
    const auto made = back_up();
    const std::uint64_t during = acknowledged;
    while (acknowledged < during + 50) {
        std::this_thread::yield();
    }
    stop = true;
    writer.join();
    const auto count = restored_records(made.id, "restored");
    EXPECT_GE(count, before) << "acknowledged before the backup began";
    EXPECT_LE(count, written_);
}

TEST_F(Backup, RefusesASecondOne_WhileOneIsUnderWay) {
    append(10);
    ASSERT_FALSE(store_->backup_under_way());
    std::stop_source stop;
    std::jthread first{[&] {
        Batch batch;
        batch.append_stream("large", {.payload = as_bytes(std::string(512 * 1024, 'x'))});
        ASSERT_TRUE(store_->commit(std::move(batch)));
        EXPECT_FALSE(store_->backup({.directory = backups_, .bytes_per_s = 1, .stop = stop.get_token()}));
    }};
    while (!store_->backup_under_way()) {
        std::this_thread::yield();
    }
    EXPECT_EQ(store_->backup({.directory = backups_}).error(), errc::busy);
    stop.request_stop();
    first.join();
    EXPECT_FALSE(store_->backup_under_way());
    EXPECT_TRUE(store_->backup({.directory = backups_}));
}

TEST_F(Backup, SharesFilesAndRemovesOldOnes) {
    append(10);
    ASSERT_TRUE(store_->compact());
    static_cast<void>(back_up());
    static_cast<void>(back_up());
    const auto third = back_up(2);
    const auto kept = list_backups(backups_);
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept.back().id, third.id);
    std::size_t tables = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{backups_}) {
        tables += entry.path().extension() == ".sst" ? 1U : 0U;
    }
    std::size_t live = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory_ / "data/db"}) {
        live += entry.path().extension() == ".sst" ? 1U : 0U;
    }
    EXPECT_EQ(tables, live);
}

TEST_F(Backup, RefusesToRestoreOverData) {
    append(1);
    static_cast<void>(back_up());
    store_.reset();
    EXPECT_THROW(restore_backup(backups_, 0, directory_ / "data"), OpenError);
    EXPECT_EQ(Store::open({.path = directory_ / "data"})->stream("s")->records(), 1U);
}

TEST_F(Backup, RefusesADamagedBackup) {
    append(10);
    ASSERT_TRUE(store_->compact());
    static_cast<void>(back_up());
    for (const auto& entry : std::filesystem::recursive_directory_iterator{backups_}) {
        if (entry.path().extension() == ".sst") {
            std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
        }
    }
    EXPECT_THROW(restore_backup(backups_, 0, directory_ / "restored"), OpenError);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "restored/db"));
}

TEST_F(Backup, SaysWhatIsMissing) {
    EXPECT_THROW(static_cast<void>(list_backups(directory_ / "none")), OpenError);
    append(1);
    static_cast<void>(back_up());
    EXPECT_THROW(restore_backup(backups_, 77, directory_ / "restored"), OpenError);
}

TEST(DiskUse, TellsTheSizeOfEachFamily) {
    const weir::test::TempDir directory;
    const auto store = Store::open({.path = directory / "data"});
    Batch batch;
    batch.append_stream("s", {.payload = as_bytes(std::string(10'000, 'x'))});
    ASSERT_TRUE(store->commit(std::move(batch)));
    EXPECT_GT(store->disk_use()->log_bytes, 10'000U);
    ASSERT_TRUE(store->compact());
    const auto use = *store->disk_use();
    ASSERT_EQ(use.families.size(), kFamilies);
    EXPECT_EQ(use.families[0].name, "meta");
    const auto streams =
        std::ranges::find(use.families, std::string{"streams"}, &FamilyUse::name);
    EXPECT_EQ(streams->keys, 2U);
    EXPECT_GT(streams->file_bytes, 0U);
}

TEST(DiskUse, IsAnErrorInMemory) {
    const auto store = Store::in_memory();
    EXPECT_EQ(store->disk_use().error(), errc::not_on_disk);
    EXPECT_EQ(store->backup({}).error(), errc::not_on_disk);
    EXPECT_EQ(store->verify().error(), errc::not_on_disk);
    EXPECT_EQ(store->compact().error(), errc::not_on_disk);
}

TEST(Verify, FindsRecordsThatContradictEachOther) {
    const weir::test::TempDir directory;
    const std::string path = directory / "data";
    {
        const auto store = Store::open({.path = path});
        Batch batch;
        batch.keep(store->new_message_id(), {.topic = "t"});
        batch.enqueue(SessionId{1}, 1, {});
        ASSERT_TRUE(store->commit(std::move(batch)));
        EXPECT_TRUE(store->verify()->problems.empty());
    }
    EXPECT_TRUE(verify_data(path).problems.empty());
    EXPECT_THROW(static_cast<void>(verify_data(directory / "none")), OpenError);
}

}  // namespace
}  // namespace weir::storage
