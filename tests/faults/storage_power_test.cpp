// Power cuts: unsynced bytes may vanish or be garbled, names of new files too. Nothing that was
// acknowledged is lost, and no batch comes back in parts.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>

#include <weir/storage/detail/rocks_engine.hpp>

#include "faulty_files.hpp"
#include "support/temp_dir.hpp"
#include "workload.hpp"

namespace weir::storage {
namespace {

constexpr int kCutsPerDirectory = 10;

int cuts() {
    const char* const text = std::getenv("WEIR_POWER_CUTS");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 20 : std::atoi(text);
}

class PowerCut : public testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<Store> open() {
        const StoreOptions options{.path = path_};
        return std::make_unique<Store>(detail::open_rocks_engine(options, env_.get()), options);
    }

    /// Writes until the power is off. @return The last batch that was acknowledged.
    std::uint64_t write_until_cut(std::uint64_t next) {
        std::atomic<std::uint64_t> acknowledged{next - 1};
        try {
            const auto store = open();
            while (!files_->power_is_off()) {
                for (int burst = 0; burst < 8; ++burst, ++next) {
                    store->submit(test::make_batch(next), [&, next](const auto& info) {
                        if (info) {
                            acknowledged = next;
                        }
                    });
                }
                store->drain();
            }
        } catch (const OpenError&) {
            EXPECT_TRUE(files_->power_is_off());
        }
        return acknowledged;
    }

    weir::test::TempDir directory_;
    std::string path_ = directory_ / "data";
    std::shared_ptr<test::FaultyFiles> files_ = std::make_shared<test::FaultyFiles>();
    std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
};

TEST_F(PowerCut, LosesNothingAcknowledgedAndSplitsNoBatch_D2) {
    std::mt19937 random{20'260'102};
    std::uint64_t count = 0;
    int dropped = 0;
    for (int i = 0; i < cuts() && !HasFailure(); ++i) {
        SCOPED_TRACE("cut " + std::to_string(i));
        if (i % kCutsPerDirectory == 0) {
            path_ = directory_ / std::to_string(i);
            count = 0;
        }
        files_->cut_power_at(std::uniform_int_distribution<std::uint64_t>{1, 600}(random));
        const std::uint64_t acknowledged = write_until_cut(count + 1);
        files_->restore_power(random);
        const auto store = open();
        ASSERT_EQ(store->health().state, Health::ok) << store->health().reason;
        dropped += store->recovery().kind == Recovery::Kind::tail_dropped ? 1 : 0;
        count = test::expect_whole(*store, acknowledged);
    }
    EXPECT_GT(count, 0U);
    if (cuts() >= 20) {
        EXPECT_GT(dropped, 0) << "no cut tore a tail: the test tests nothing";
    }
    RecordProperty("tails_dropped", dropped);
}

TEST_F(PowerCut, LeavesTheNewestOfEachKey_AndCountsThatAreRight_WhenAStreamIsCompacted_D2) {
    constexpr std::uint64_t kKeys = 8;
    constexpr int kRecords = 64;
    std::mt19937 random{20'260'104};
    std::uint64_t number = 0;
    std::map<std::string, std::uint64_t> acknowledged;  // Newest number of each key.
    const auto write_until_cut = [&] {
        try {
            const auto store = open();
            store->set_retention("s", {.compact = true});
            while (!files_->power_is_off()) {
                Batch batch;
                auto after = acknowledged;
                for (int i = 0; i < kRecords; ++i) {
                    const std::string key = std::to_string(++number % kKeys);
                    after[key] = number;
                    const std::string payload = std::to_string(number);
                    batch.append_stream("s", {.key = key, .payload = as_bytes(payload)});
                }
                if (store->commit(std::move(batch))) {
                    acknowledged = std::move(after);
                }
                store->compact_streams();
            }
        } catch (const OpenError&) {
            EXPECT_TRUE(files_->power_is_off());
        }
    };
    std::uint64_t compacted = 0;
    for (int i = 0; i < cuts() && !HasFailure(); ++i) {
        SCOPED_TRACE("cut " + std::to_string(i));
        files_->cut_power_at(std::uniform_int_distribution<std::uint64_t>{1, 600}(random));
        write_until_cut();
        files_->restore_power(random);
        auto store = open();
        ASSERT_EQ(store->health().state, Health::ok) << store->health().reason;
        const auto info = store->stream("s").value_or(StreamInfo{});
        const ReadLimit all{.records = info.next, .bytes = std::size_t{1} << 30U};
        std::map<std::string, std::uint64_t> found;
        for (const auto& entry : *store->read_stream("s", 1, all)) {
            found[std::string{entry.record.key}] =
                std::stoull(std::string{as_text(entry.record.payload)});
        }
        for (const auto& [key, newest] : acknowledged) {
            EXPECT_GE(found[key], newest) << "of " << key;
        }
        compacted = info.compacted;
        store.reset();
        EXPECT_EQ(verify_data(path_).problems, std::vector<std::string>{});
    }
    EXPECT_GT(compacted, 0U);
}

}  // namespace
}  // namespace weir::storage
