#include <weir/runtime/shard.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

TEST(ShardAsio, RunsHandlersOfItsIoContext) {
    ShardGroup group{{.shards = 1}};
    Shard& shard = group[0U];
    int ran = 0;
    boost::asio::post(shard.io(), [&ran] { ++ran; });
    shard.run_once(0ms);
    EXPECT_EQ(ran, 1);
}

TEST(ShardAsio, WakesForBothWorlds_WhileItSleepsInTheIoContext) {
    ShardGroup group{{.shards = 1}};
    Shard& shard = group[0U];
    std::promise<void> timer_done;
    std::promise<void> post_done;
    boost::asio::steady_timer far{shard.io(), 1h};
    boost::asio::steady_timer near{shard.io(), 5ms};
    far.async_wait([](const error_code&) {});
    near.async_wait([&timer_done](const error_code&) { timer_done.set_value(); });
    group.start();
    timer_done.get_future().wait();
    shard.post([&post_done] { post_done.set_value(); });
    post_done.get_future().wait();
    group.stop();
}

TEST(ShardAsio, TellsHandlersTheTimeAfterTheSleep) {
    ManualClock clock;
    ShardGroup group{{.shards = 1, .clock = &clock}};
    Shard& shard = group[0U];
    const SteadyTime before = shard.now();
    SteadyTime seen{0};
    boost::asio::steady_timer timer{shard.io(), 1ms};
    timer.async_wait([&](const error_code&) { seen = shard.now(); });
    shard.run_once(0ms);
    clock.advance(1s);
    while (seen == SteadyTime{0}) {
        shard.run_once(1s);
    }
    EXPECT_EQ(seen, before + 1s);
}

}  // namespace
}  // namespace weir::runtime
