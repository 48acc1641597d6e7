#include <weir/runtime/blocking_pool.hpp>

#include <gtest/gtest.h>

#include <future>
#include <latch>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

TEST(BlockingPool, BringsTheResultToTheShardThatAsked) {
    ShardGroup group{{.shards = 1}};
    BlockingPool pool;
    group.start();
    std::promise<std::pair<int, bool>> result;
    ASSERT_TRUE(pool.try_run(group[0U], [&]() -> Task {
        const bool off_shard = Shard::current() == nullptr;
        return [&result, &group, off_shard] {
            result.set_value({42, off_shard && Shard::current() == &group[0U]});
        };
    }));
    const auto [value, right_threads] = result.get_future().get();
    EXPECT_EQ(value, 42);
    EXPECT_TRUE(right_threads);
    group.stop();
}

TEST(BlockingPool, Refuses_WhenItsQueueIsFull) {
    ShardGroup group{{.shards = 1}};
    std::latch running{1};
    std::promise<void> release;
    const auto gate = release.get_future().share();
    BlockingPool pool{{.threads = 1, .queue_max = 2}};
    const auto blocked = [gate]() -> Task {
        gate.wait();
        return {};
    };
    ASSERT_TRUE(pool.try_run(group[0U], [&running, gate]() -> Task {
        running.count_down();
        gate.wait();
        return {};
    }));
    running.wait();
    EXPECT_TRUE(pool.try_run(group[0U], blocked));
    EXPECT_TRUE(pool.try_run(group[0U], blocked));
    EXPECT_FALSE(pool.try_run(group[0U], blocked));
    release.set_value();
}

}  // namespace
}  // namespace weir::runtime
