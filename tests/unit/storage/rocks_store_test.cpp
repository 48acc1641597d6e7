// What only a store on disk can show.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/rocks_engine.hpp>
#include <weir/storage/detail/session_keys.hpp>
#include <weir/storage/disk.hpp>
#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

class RocksStore : public testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<Store> open(Durability durability = Durability::wal) const {
        return Store::open({.path = path_, .durability = durability});
    }

    static void fill(Store& store) {
        Batch batch;
        batch.append_stream("alarms", {.time_ms = 5, .payload = as_bytes("hot")});
        batch.enqueue_outbox("pager", {.time_ms = 6, .payload = as_bytes("a")});
        batch.enqueue_outbox("pager", {.time_ms = 7, .payload = as_bytes("b")});
        batch.put(Family::registry, "t", 1, as_bytes("v"));
        batch.close_usage(7);
        UsageDelta delta;
        delta.counters[1] = 2;
        batch.add_usage({.device = "p", .hour = 9}, delta);
        ASSERT_TRUE(store.commit(std::move(batch)));
        Batch more;
        more.settle_outbox("pager", 1, 1);
        more.add_usage({.device = "p", .hour = 9}, delta);
        ASSERT_TRUE(store.commit(std::move(more)));
    }

    static void expect_filled(Store& store) {
        EXPECT_EQ(as_text(store.read_stream("alarms", 1)->at(0).record.payload), "hot");
        EXPECT_EQ(store.stream("alarms")->next, 2U);
        const auto outbox = *store.outbox("pager");
        EXPECT_EQ(outbox.first, 2U);
        EXPECT_EQ(outbox.next, 3U);
        EXPECT_EQ(outbox.oldest_ms, 7);
        EXPECT_EQ(store.outbox_room("pager").stored(), outbox.bytes);
        EXPECT_EQ(as_text((*store.get(Family::registry, "t"))->body), "v");
        EXPECT_EQ(store.usage_open_hour(), 7U);
        std::uint64_t sum = 0;
        EXPECT_TRUE(store.read_usage({.from_hour = 0, .to_hour = 99}, [&](const UsageEntry& entry) {
            sum += entry.sums.counters[1];
            return true;
        }));
        EXPECT_EQ(sum, 4U);
    }

    /// The message of the OpenError that opening throws.
    [[nodiscard]] std::string refusal(errc code) const {
        try {
            static_cast<void>(open());
        } catch (const OpenError& error) {
            EXPECT_EQ(error.code(), code);
            return error.what();
        }
        return "opened";
    }

    weir::test::TempDir directory_;
    std::string path_ = directory_ / "data";
};

TEST_F(RocksStore, HasEverythingAfterReopening) {
    for (const auto durability : {Durability::fsync, Durability::wal, Durability::none}) {
        path_ = directory_ / std::to_string(static_cast<int>(durability));
        fill(*open(durability));
        expect_filled(*open(durability));
    }
}

TEST_F(RocksStore, GoesOnNumberingAfterReopening) {
    fill(*open());
    const auto store = open();
    Batch batch;
    batch.append_stream("alarms", {});
    batch.enqueue_outbox("pager", {});
    std::vector<std::uint64_t> offsets;
    store->submit(std::move(batch), [&](const Result<CommitInfo>& info) {
        offsets.assign(info->offsets.begin(), info->offsets.end());
    });
    store->drain();
    EXPECT_EQ(offsets, (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(RocksStore, NamesTheProcessThatHoldsTheDirectory) {
    const auto store = open();
    const auto message = refusal(errc::locked);
    EXPECT_NE(message.find("process " + std::to_string(getpid())), std::string::npos) << message;
}

TEST_F(RocksStore, RefusesAStoreOfANewerRelease) {
    fill(*open());
    {
        const auto engine = detail::open_rocks_engine({.path = path_});
        engine->put(Family::meta, detail::kSchemaKey, std::string_view{"\0\0\0\2", 4});
        ASSERT_TRUE(engine->commit());
    }
    EXPECT_NE(refusal(errc::newer_version).find("newer release"), std::string::npos);
    EXPECT_TRUE(formats_of(path_).is_newer());
}

TEST_F(RocksStore, RefusesAQueueOfANewerRelease) {
    fill(*open());
    {
        const auto engine = detail::open_rocks_engine({.path = path_});
        engine->put(
            Family::queues, detail::entry_key(SessionId{1}, 1).view(), std::string_view{"\x7f"}
        );
        ASSERT_TRUE(engine->commit());
    }
    EXPECT_NE(refusal(errc::newer_version).find("newer release"), std::string::npos);
    EXPECT_TRUE(formats_of(path_).is_newer());
}

TEST_F(RocksStore, RefusesADamagedHead) {
    fill(*open());
    {
        const auto engine = detail::open_rocks_engine({.path = path_});
        engine->put(Family::streams, detail::head_key("alarms"), "\1garbage");
        ASSERT_TRUE(engine->commit());
    }
    EXPECT_NE(refusal(errc::corrupt).find("restore a backup"), std::string::npos);
}

TEST_F(RocksStore, ReportsADamagedRecord_WhenItIsRead) {
    fill(*open());
    {
        const auto engine = detail::open_rocks_engine({.path = path_});
        engine->put(Family::streams, detail::LogKey{detail::kRecord, "alarms", 1}.view(), "\1bad");
        ASSERT_TRUE(engine->commit());
    }
    EXPECT_EQ(open()->read_stream("alarms", 1).error(), errc::malformed_record);
}

TEST_F(RocksStore, SaysWhatIsWrong_WhenThePathIsAFile) {
    std::ofstream{path_} << "x";
    EXPECT_NE(refusal(errc::io_failed).find(path_), std::string::npos);
}

TEST_F(RocksStore, MakesADirectoryForItsOwnerOnly) {
    static_cast<void>(open());
    EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(RocksStore, DropsATornTail_WhenTheLogWasCutShort) {
    fill(*open());
    {
        const auto store = open();
        Batch batch;
        batch.append_stream("alarms", {.payload = as_bytes("last")});
        ASSERT_TRUE(store->commit(std::move(batch)));
    }
    std::filesystem::path newest;
    for (const auto& entry : std::filesystem::directory_iterator{path_ + "/db"}) {
        if (entry.path().extension() == ".log" && entry.file_size() > 0 &&
            (newest.empty() || entry.path() > newest)) {
            newest = entry.path();
        }
    }
    ASSERT_FALSE(newest.empty());
    std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 3);
    expect_filled(*open());
}

}  // namespace
}  // namespace weir::storage
