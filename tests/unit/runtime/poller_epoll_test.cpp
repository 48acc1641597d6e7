#include <weir/runtime/poller_epoll.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::runtime {
namespace {

using namespace std::chrono_literals;

struct Pair {
    Pair() {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
    }
    void peer_writes(std::string_view text) const {
        ASSERT_EQ(::write(far.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    UniqueFd near;
    UniqueFd far;
};

struct Recorder : PollHandler {
    void on_ready(Readiness readiness) noexcept override {
        calls.push_back(readiness);
        if (then) {
            then();
        }
    }
    void on_wake_end() noexcept override { ++wake_ends; }
    std::vector<Readiness> calls;
    std::function<void()> then;
    int wake_ends = 0;
};

void turn(Poller& poller) {
    poller.wait(0ms);
    poller.dispatch();
}

TEST(Poller, ReportsWhatIsReadyWhenAdded) {
    Poller poller;
    Pair pair;
    Recorder handler;
    pair.peer_writes("x");
    ASSERT_TRUE(poller.add(pair.near.get(), handler));
    turn(poller);
    ASSERT_EQ(handler.calls.size(), 1U);
    EXPECT_TRUE(handler.calls[0].readable);
    EXPECT_TRUE(handler.calls[0].writable);
    EXPECT_FALSE(handler.calls[0].peer_closed);
}

TEST(Poller, CallsOncePerEdge) {
    Poller poller;
    Pair pair;
    Recorder handler;
    ASSERT_TRUE(poller.add(pair.near.get(), handler, Watch::incoming));
    pair.peer_writes("x");
    turn(poller);
    turn(poller);
    EXPECT_EQ(handler.calls.size(), 1U) << "unread bytes are no new edge";
    pair.peer_writes("y");
    turn(poller);
    EXPECT_EQ(handler.calls.size(), 2U);
}

TEST(Poller, TellsThatThePeerClosed) {
    Poller poller;
    Pair pair;
    Recorder handler;
    ASSERT_TRUE(poller.add(pair.near.get(), handler));
    turn(poller);
    ::shutdown(pair.far.get(), SHUT_WR);
    turn(poller);
    ASSERT_EQ(handler.calls.size(), 2U);
    EXPECT_TRUE(handler.calls[1].peer_closed);
}

TEST(Poller, CallsAgainWithoutAnEdge_WhenAsked) {
    Poller poller;
    Pair pair;
    Recorder handler;
    const PollKey key = poller.add(pair.near.get(), handler).value();
    turn(poller);
    poller.again(key);
    poller.again(key);
    EXPECT_TRUE(poller.has_more());
    poller.wait(10s);
    poller.dispatch();
    ASSERT_EQ(handler.calls.size(), 2U) << "asking twice is asking once, and it does not wait";
    EXPECT_TRUE(handler.calls[1].again);
    EXPECT_FALSE(poller.has_more());
}

TEST(Poller, ServesOthersFirst_WhenAHandlerAsksForMore) {
    Poller poller;
    Pair greedy_pair;
    Pair modest_pair;
    std::string order;
    Recorder greedy;
    Recorder modest;
    PollKey greedy_key;
    greedy.then = [&] {
        order += 'g';
        poller.again(greedy_key);
    };
    modest.then = [&] { order += 'm'; };
    greedy_key = poller.add(greedy_pair.near.get(), greedy, Watch::incoming).value();
    ASSERT_TRUE(poller.add(modest_pair.near.get(), modest, Watch::incoming));
    greedy_pair.peer_writes("x");
    turn(poller);
    modest_pair.peer_writes("x");
    turn(poller);
    EXPECT_EQ(order, "gmg");
}

TEST(Poller, DropsEventsThatWereFetched_WhenAnEarlierHandlerRemovesTheTarget) {
    Poller poller;
    Pair first_pair;
    Pair second_pair;
    Recorder first;
    Recorder second;
    Recorder successor;
    PollKey first_key;
    PollKey second_key;
    const auto replace_other = [&](PollKey& key, Pair& pair) {
        poller.remove(key, pair.near.get());
        key = poller.add(pair.near.get(), successor).value();  // Takes the same place in the table.
    };
    first.then = [&] { replace_other(second_key, second_pair); };
    second.then = [&] { replace_other(first_key, first_pair); };
    first_pair.peer_writes("x");
    second_pair.peer_writes("x");
    first_key = poller.add(first_pair.near.get(), first).value();
    second_key = poller.add(second_pair.near.get(), second).value();
    turn(poller);
    EXPECT_EQ(first.calls.size() + second.calls.size(), 1U);
    EXPECT_TRUE(successor.calls.empty()) << "a stale event reached the successor";
    turn(poller);
    EXPECT_EQ(successor.calls.size(), 1U);
}

TEST(Poller, EndsTheWakeOncePerHandler) {
    Poller poller;
    Pair pair;
    Recorder handler;
    Recorder removed;
    Pair removed_pair;
    const PollKey key = poller.add(pair.near.get(), handler).value();
    const PollKey removed_key = poller.add(removed_pair.near.get(), removed).value();
    poller.finish_later(key);
    poller.finish_later(key);
    poller.finish_later(removed_key);
    poller.remove(removed_key, removed_pair.near.get());
    poller.finish();
    poller.finish();
    EXPECT_EQ(handler.wake_ends, 1);
    EXPECT_EQ(removed.wake_ends, 0);
}

TEST(Poller, SaysWhy_WhenADescriptorCannotBeWatched) {
    Poller poller;
    Recorder handler;
    const auto added = poller.add(-1, handler);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), boost::system::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace weir::runtime
