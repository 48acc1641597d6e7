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

namespace weir::storage {
namespace {

constexpr std::uint64_t kInFlight = 32;

int rounds() {
    const char* const text = std::getenv("WEIR_KILL_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 3 : std::atoi(text);
}

/// Batch number i touches four families.
Batch make_batch(std::uint64_t i) {
    const std::string number = std::to_string(i);
    UsageDelta delta;
    delta.counters[0] = 1;
    Batch batch;
    batch.append_stream("stream", {.topic = "t", .payload = as_bytes(number)});
    batch.enqueue_outbox("sink", {.topic = "t", .payload = as_bytes(number)});
    if (i % 8 == 7) {
        batch.settle_outbox("sink", i - 7, i - 4);
    }
    batch.put(Family::sessions, number, 1, as_bytes(number));
    batch.add_usage({.device = "p", .hour = 1}, delta);
    return batch;
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
        store->submit(make_batch(i), [&done, i, pipe_end](const Result<CommitInfo>& info) {
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

void expect_whole(const std::string& path, std::uint64_t acknowledged) {
    const auto store = Store::open({.path = path});
    const auto stream = *store->stream("stream");
    const std::uint64_t count = stream.records();
    EXPECT_GE(count, acknowledged);
    const ReadLimit all{.records = count + 10, .bytes = std::size_t{1} << 30U};
    const auto entries = store->read_stream("stream", 1, all);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), count);
    for (std::uint64_t i = 1; i <= count; ++i) {
        ASSERT_EQ(as_text((*entries)[i - 1].record.payload), std::to_string(i));
        ASSERT_TRUE(*store->get(Family::sessions, std::to_string(i)));
    }
    EXPECT_FALSE(*store->get(Family::sessions, std::to_string(count + 1)));
    const auto outbox = *store->outbox("sink");
    EXPECT_EQ(outbox.next, stream.next);
    EXPECT_EQ(store->read_outbox("sink", 1, all)->size(), outbox.records);
    std::uint64_t usage = 0;
    EXPECT_TRUE(store->read_usage({.from_hour = 0, .to_hour = 9}, [&](const UsageEntry& entry) {
        usage += entry.sums.counters[0];
        return true;
    }));
    EXPECT_EQ(usage, count) << "usage parted from its messages";
}

TEST(KilledStore, LosesNothingAcknowledgedAndSplitsNoBatch_D1_D7) {
    const weir::test::TempDir directory;
    const std::string path = directory / "data";
    std::mt19937 random{20'260'101};
    for (int round = 0; round < rounds(); ++round) {
        const int acks = std::uniform_int_distribution{1, 400}(random);
        const std::uint64_t acknowledged = run_and_kill(path, acks);
        ASSERT_GT(acknowledged, 0U);
        expect_whole(path, acknowledged);
    }
}

}  // namespace
}  // namespace weir::storage
