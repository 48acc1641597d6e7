// Bits that flip on disk: found, named, never silent.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <weir/storage/disk.hpp>
#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"
#include "workload.hpp"

namespace weir::storage {
namespace {

constexpr std::uint64_t kBatches = 40;

class BitRot : public testing::Test {
protected:
    /// A store with tables, then a log of `logged` batches.
    void fill(std::uint64_t logged) {
        const auto store = Store::open({.path = path_});
        for (std::uint64_t i = 1; i <= kBatches; ++i) {
            ASSERT_TRUE(store->commit(test::make_batch(i)));
        }
        ASSERT_TRUE(store->compact());
        for (std::uint64_t i = kBatches + 1; i <= kBatches + logged; ++i) {
            ASSERT_TRUE(store->commit(test::make_batch(i)));
        }
    }

    [[nodiscard]] std::vector<std::filesystem::path> files(
        std::string_view prefix, std::string_view ending
    ) const {
        std::vector<std::filesystem::path> out;
        for (const auto& entry : std::filesystem::directory_iterator{path_ + "/db"}) {
            const auto name = entry.path().filename().string();
            if (name.starts_with(prefix) && name.ends_with(ending) && entry.file_size() > 0) {
                out.push_back(entry.path());
            }
        }
        std::ranges::sort(out);
        return out;
    }

    static void flip(const std::filesystem::path& path, std::uint64_t byte, unsigned bit) {
        std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
        file.seekg(static_cast<std::streamoff>(byte));
        const int was = file.get();
        ASSERT_NE(was, std::char_traits<char>::eof());
        file.seekp(static_cast<std::streamoff>(byte));
        file.put(static_cast<char>(was ^ (1 << bit)));
    }

    /// What `weir verify` says, in one line.
    [[nodiscard]] std::string verified() const {
        try {
            std::string out;
            for (const auto& problem : verify_data(path_).problems) {
                out += problem + '\n';
            }
            return out;
        } catch (const OpenError& error) {
            return error.what();
        }
    }

    /// By a start, which replaces files: of a copy.
    void expect_told_or_whole(std::uint64_t batches) const {
        const std::string copy = directory_ / "copy";
        std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
        try {
            const auto store = Store::open({.path = copy});
            if (store->health().state == Health::ok &&
                store->recovery().kind != Recovery::Kind::tail_dropped) {
                test::expect_whole(*store, batches);
            }
        } catch (const OpenError& error) {
            EXPECT_STRNE(error.what(), "");
        }
        std::filesystem::remove_all(copy);
    }

    weir::test::TempDir directory_;
    std::string path_ = directory_ / "data";
    std::mt19937 random_{20'260'103};
};

TEST_F(BitRot, FindsNothingInAWholeStore) {
    fill(10);
    EXPECT_EQ(verified(), "");
    const auto report = verify_data(path_);
    EXPECT_GT(report.files, 0U);
    EXPECT_GT(report.records, kBatches);
}

TEST_F(BitRot, StaysReadOnlyAndNamesTheRange_WhenALogIsDamagedInTheMiddle_D6) {
    // Header and payload, of short records and of those that cross blocks.
    for (int round = 0; round < 40; ++round) {
        path_ = directory_ / std::to_string(round);
        fill(20);
        const auto log = files("", ".log").back();
        const std::uint64_t size = std::filesystem::file_size(log);
        const auto byte = std::uniform_int_distribution<std::uint64_t>{0, size - 50'000}(random_);
        flip(log, byte, std::uniform_int_distribution{0U, 7U}(random_));
        SCOPED_TRACE("byte " + std::to_string(byte) + " of " + std::to_string(size));
        const auto name = log.filename().string();
        EXPECT_NE(verified().find(name), std::string::npos) << verified();
        const auto store = Store::open({.path = path_});
        ASSERT_EQ(store->health().state, Health::read_only);
        EXPECT_NE(store->health().reason.find(name), std::string::npos);
        const auto found = store->recovery();
        EXPECT_LE(found.from, byte);
        EXPECT_GT(found.to, byte);
        EXPECT_EQ(store->commit(test::make_batch(99)).error(), errc::read_only);
        EXPECT_GE(store->stream("stream")->records(), kBatches) << "what is whole can be read";
        if (HasFailure()) {
            return;
        }
    }
}

TEST_F(BitRot, ChangesNothing_WhenALogIsDamaged_D6) {
    fill(20);
    const auto log = files("", ".log").back();
    flip(log, 100, 3);
    const auto before = std::filesystem::file_size(log);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(Store::open({.path = path_})->health().state, Health::read_only);
    }
    EXPECT_EQ(std::filesystem::file_size(log), before);
    flip(log, 100, 3);
    const auto store = Store::open({.path = path_});
    EXPECT_EQ(store->health().state, Health::ok) << "the evidence was kept";
    test::expect_whole(*store, kBatches + 20);
}

/// A table that cannot even be opened is reported by RocksDB, in words of its own.
TEST_F(BitRot, FindsItInATable_WhereverABitFlips_D6) {
    fill(0);
    int named = 0;
    const auto tables = files("", ".sst");
    ASSERT_FALSE(tables.empty());
    for (int round = 0; round < 40; ++round) {
        const auto& table = tables[random_() % tables.size()];
        const std::uint64_t byte = random_() % std::filesystem::file_size(table);
        const auto bit = static_cast<unsigned>(random_() % 8U);
        flip(table, byte, bit);
        const auto found = verified();
        EXPECT_NE(found, "") << "byte " << byte << " of " << table;
        named += found.find(table.filename().string()) == std::string::npos ? 0 : 1;
        flip(table, byte, bit);
    }
    EXPECT_GT(named, 30);
    EXPECT_EQ(verified(), "");
}

TEST_F(BitRot, RefusesToOpenAndNamesTheFile_WhenTheManifestOrCurrentIsDamaged_D6) {
    fill(5);
    const auto manifest = files("MANIFEST", "").back();
    flip(manifest, 20, 2);
    EXPECT_NE(verified().find("MANIFEST"), std::string::npos) << verified();
    EXPECT_THROW(static_cast<void>(Store::open({.path = path_})), OpenError);
    flip(manifest, 20, 2);
    const auto current = files("CURRENT", "").back();
    flip(current, 3, 1);
    EXPECT_NE(verified(), "");
    EXPECT_THROW(static_cast<void>(Store::open({.path = path_})), OpenError);
    flip(current, 3, 1);
    EXPECT_EQ(verified(), "");
}

/// Whichever file it is: the bit is found, or nobody needs it and all is there.
TEST_F(BitRot, IsNeverSilent_WhicheverFileABitFlipsIn_D6) {
    fill(10);
    for (const auto& file : files("", "")) {
        for (int round = 0; round < 4; ++round) {
            const std::uint64_t byte = random_() % std::filesystem::file_size(file);
            const auto bit = static_cast<unsigned>(random_() % 8U);
            SCOPED_TRACE(
                "bit " + std::to_string(bit) + " of byte " + std::to_string(byte) + " of " +
                file.string()
            );
            flip(file, byte, bit);
            if (verified().empty()) {
                expect_told_or_whole(kBatches + 10);
            }
            flip(file, byte, bit);
        }
    }
    EXPECT_EQ(verified(), "");
}

TEST_F(BitRot, NamesAMissingTable_D6) {
    fill(0);
    const auto table = files("", ".sst").front();
    std::filesystem::remove(table);
    const auto message = verified();
    EXPECT_NE(message.find(table.stem().string()), std::string::npos) << message;
}

}  // namespace
}  // namespace weir::storage
