// What a backup does to the disk while others wait for it.
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <weir/storage/detail/even_files.hpp>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  ///< Offset and bytes.

/// Writes down what was to go to the disk.
class Watched final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    Watched(std::unique_ptr<rocksdb::FSWritableFile>&& file, Ranges& ranges)
        : FSWritableFileOwnerWrapper{std::move(file)}, ranges_{ranges} {}

    rocksdb::IOStatus RangeSync(
        std::uint64_t offset,
        std::uint64_t bytes,
        const rocksdb::IOOptions& how,
        rocksdb::IODebugContext* debug
    ) override {
        ranges_.emplace_back(offset, bytes);
        return target()->RangeSync(offset, bytes, how, debug);
    }

private:
    Ranges& ranges_;
};

class WatchedFiles final : public rocksdb::FileSystemWrapper {
public:
    WatchedFiles() : FileSystemWrapper{rocksdb::FileSystem::Default()} {}
    [[nodiscard]] const char* Name() const override { return "WatchedFiles"; }

    rocksdb::IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug
    ) override {
        EXPECT_TRUE(how.strict_bytes_per_sync) << "pieces would pile up";
        std::unique_ptr<rocksdb::FSWritableFile> opened;
        auto status = target()->NewWritableFile(path, how, &opened, debug);
        *file = std::make_unique<Watched>(std::move(opened), ranges);
        return status;
    }

    Ranges ranges;
};

TEST(EvenFiles, GoToTheDiskInPieces_WhateverIsAppended) {
    const weir::test::TempDir directory;
    const std::string path = directory / "table";
    const auto files = std::make_shared<WatchedFiles>();
    const auto below = rocksdb::NewCompositeEnv(files);
    const auto env = detail::write_evenly(*below);
    std::string written;
    {
        std::unique_ptr<rocksdb::FSWritableFile> file;
        ASSERT_TRUE(env->GetFileSystem()->NewWritableFile(path, {}, &file, nullptr).ok());
        for (const std::size_t bytes :
             {std::size_t{7}, 3 * detail::kEvenBytes, detail::kEvenBytes - 8, std::size_t{2}}) {
            const std::string part(bytes, static_cast<char>('a' + written.size() % 26));
            ASSERT_TRUE(file->Append(part, {}, nullptr).ok());
            written += part;
        }
        ASSERT_TRUE(file->Close({}, nullptr).ok());
    }
    Ranges expected;
    for (std::uint64_t i = 0; i < 4; ++i) {
        expected.emplace_back(i * detail::kEvenBytes, detail::kEvenBytes);
    }
    EXPECT_EQ(files->ranges, expected);
    std::ifstream in{path, std::ios::binary};
    EXPECT_TRUE((std::string{std::istreambuf_iterator<char>{in}, {}} == written));
    struct stat found{};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_LT(static_cast<std::size_t>(found.st_blocks) * 512, written.size() + 2 * detail::kEvenBytes)
        << "room that was taken beforehand is returned";
}

TEST(EvenFiles, AreSpreadOverTime_SoThatNoSyncWaitsBehindMany) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kBetween{20};
    constexpr std::uint64_t kPerSecond = detail::kEvenBytes * 1'000 / kBetween.count();
    const weir::test::TempDir directory;
    const auto env = detail::write_evenly(*rocksdb::Env::Default(), kPerSecond);
    std::unique_ptr<rocksdb::FSWritableFile> file;
    ASSERT_TRUE(
        env->GetFileSystem()->NewWritableFile(directory / "table", {}, &file, nullptr).ok()
    );
    const auto began = Clock::now();
    ASSERT_TRUE(file->Append(std::string(8 * detail::kEvenBytes, 'x'), {}, nullptr).ok());
    EXPECT_GE(Clock::now() - began, 7 * kBetween);
    ASSERT_TRUE(file->Close({}, nullptr).ok());
}

TEST(EvenFiles, AreGivenUp_WhenAskedTo_HoweverSlowTheyAre) {
    const weir::test::TempDir directory;
    std::stop_source stop;
    const auto env = detail::write_evenly(*rocksdb::Env::Default(), 1, stop.get_token());
    std::unique_ptr<rocksdb::FSWritableFile> file;
    ASSERT_TRUE(
        env->GetFileSystem()->NewWritableFile(directory / "table", {}, &file, nullptr).ok()
    );
    std::jthread asks{[&stop] { stop.request_stop(); }};
    EXPECT_TRUE(file->Append(std::string(8 * detail::kEvenBytes, 'x'), {}, nullptr).IsAborted());
    ASSERT_TRUE(file->Close({}, nullptr).ok());
}

}  // namespace
}  // namespace weir::storage
