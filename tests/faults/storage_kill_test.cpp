// A process that is killed at any moment loses nothing that it acknowledged, and keeps no half of a
// batch.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>

#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"
#include "workload.hpp"

namespace weir::storage {
namespace {

constexpr std::uint64_t kInFlight = 32;
constexpr int kRoundsPerDirectory = 20;

int rounds() {
    const char* const text = std::getenv("WEIR_KILL_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 3 : std::atoi(text);
}

/// Never returns: writes until killed, and tells every acknowledged number through the pipe.
[[noreturn]] void write_until_killed(const std::string& path, int pipe_end) {
    const auto store = Store::open({.path = path});
    const std::uint64_t first = store->stream("stream") ? store->stream("stream")->next : 1;
    std::atomic<std::uint64_t> done{first};
    for (std::uint64_t i = first;; ++i) {
        for (auto finished = done.load(); i >= finished + kInFlight; finished = done.load()) {
            done.wait(finished);
        }
        store->submit(test::make_batch(i), [&done, i, pipe_end](const Result<CommitInfo>& info) {
            if (!info || ::write(pipe_end, &i, sizeof i) != sizeof i) {
                ::_exit(1);
            }
            ++done;
            done.notify_one();
        });
    }
}

/// Kills the writer after `acks` acknowledgements; returns the last number that it acknowledged.
std::uint64_t run_and_kill(const std::string& path, int acks) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        write_until_killed(path, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t last = 0;
    std::uint64_t number = 0;
    for (int seen = 0; ::read(ends[0], &number, sizeof number) == sizeof number; ++seen) {
        EXPECT_TRUE(last == 0 || number == last + 1) << "acknowledged out of order";
        last = number;
        if (seen == acks) {
            ::kill(child, SIGKILL);
        }
    }
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    return last;
}

TEST(KilledStore, LosesNothingAcknowledgedAndSplitsNoBatch_D1_D7) {
    const weir::test::TempDir directory;
    std::mt19937 random{20'260'101};
    for (int round = 0; round < rounds(); ++round) {
        const std::string path = directory / std::to_string(round / kRoundsPerDirectory);
        const int acks = std::uniform_int_distribution{1, 400}(random);
        const std::uint64_t acknowledged = run_and_kill(path, acks);
        ASSERT_GT(acknowledged, 0U);
        test::expect_whole(*Store::open({.path = path}), acknowledged);
    }
}

}  // namespace
}  // namespace weir::storage
