#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <support/temp_dir.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <weir/archive/folder.hpp>

namespace weir::archive {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Optional;

class FolderTest : public testing::Test {
protected:
    std::optional<std::string> write(const std::string& name, std::string bytes = "text\n") {
        return folder_.write({name, "application/x-ndjson", std::move(bytes)});
    }
    std::string content(const std::string& name) {
        std::ifstream in{dir_ / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    std::vector<std::string> files() {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator{dir_.path()}) {
            if (!entry.is_directory()) {
                names.push_back(entry.path().lexically_relative(dir_.path()));
            }
        }
        return names;
    }

    test::TempDir dir_;
    Folder folder_{dir_.path().string()};
};

TEST_F(FolderTest, WritesWholeFile_InFoldersThatItMakes) {
    EXPECT_EQ(write("journal/2026-01-31/1-2.jsonl", std::string(1'000'000, 'x')), std::nullopt);
    EXPECT_EQ(content("journal/2026-01-31/1-2.jsonl"), std::string(1'000'000, 'x'));
    EXPECT_THAT(files(), testing::ElementsAre("journal/2026-01-31/1-2.jsonl"));
}

TEST_F(FolderTest, ReplacesWhatHadTheName) {
    EXPECT_EQ(write("a/1", "old"), std::nullopt);
    EXPECT_EQ(write("a/1", "new"), std::nullopt);
    EXPECT_EQ(content("a/1"), "new");
}

TEST_F(FolderTest, RemovesAFile) {
    ASSERT_EQ(write("a/b/1"), std::nullopt);
    ASSERT_EQ(write("a/b/2"), std::nullopt);
    EXPECT_EQ(folder_.remove("a/b/1"), std::nullopt);
    EXPECT_THAT(files(), testing::ElementsAre("a/b/2"));
    EXPECT_THAT(folder_.remove("a/b/1"), Optional(HasSubstr("cannot remove 1: No such file")));
    EXPECT_THAT(folder_.remove("../1"), Optional(HasSubstr("no name of an object")));
}

TEST_F(FolderTest, OverwritesWhatAKilledProcessLeft) {
    fs::create_directory(dir_ / "a");
    std::ofstream{dir_ / "a/.1.part"} << "half of someth";
    EXPECT_EQ(write("a/1", "whole"), std::nullopt);
    EXPECT_EQ(content("a/1"), "whole");
    EXPECT_THAT(files(), testing::ElementsAre("a/1"));
}

TEST_F(FolderTest, DoesNotMakeTheFolderItself) {
    Folder absent{dir_ / "not-mounted"};
    EXPECT_THAT(absent.write({"1", "", ""}), Optional(HasSubstr("not-mounted")));
    EXPECT_FALSE(fs::exists(dir_ / "not-mounted"));
}

TEST_F(FolderTest, NeverLeavesTheFolder) {
    const test::TempDir outside;
    fs::create_directory_symlink(outside.path(), dir_ / "link");
    std::ofstream{outside / "target"} << "untouched";
    fs::create_directory(dir_ / "a");
    fs::create_symlink(outside / "target", dir_ / "a/.1.part");
    for (const auto* name : {"../x", "a/../../x", "/x", "a//x", "", ".x", "link/x", "a/1"}) {
        EXPECT_NE(write(name), std::nullopt) << name;
    }
    EXPECT_FALSE(fs::exists(outside / "x"));
    std::ifstream in{outside / "target"};
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>{in}, {}}), "untouched");
}

TEST_F(FolderTest, LeavesNothing_WhenThereIsNoRoom) {
    // A limit on the size of files fails a write like a full disk does: in the middle of it.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{100'000, before.rlim_max};
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto failed = write("a/1", std::string(200'000, 'x'));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_THAT(failed, Optional(HasSubstr("cannot write 1: ")));
    EXPECT_THAT(files(), testing::IsEmpty());
    EXPECT_EQ(write("a/1", std::string(200'000, 'x')), std::nullopt);
}

}  // namespace
}  // namespace weir::archive
