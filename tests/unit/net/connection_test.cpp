#include <weir/net/connection.hpp>

#include <unit/net/support.hpp>

namespace weir::net {
namespace {

using namespace test;

using ConnectionTest = OneConnection;

TEST_F(ConnectionTest, DeliversWhatThePeerSends) {
    peer.sends("hello");
    step();
    EXPECT_EQ(connection.received, "hello");
    peer.sends(" again");
    step();
    EXPECT_EQ(connection.received, "hello again");
}

TEST_F(ConnectionTest, WritesOncePerWake) {
    connection.on_received = [this](ByteView) {
        connection.say("one ");
        connection.say("two");
    };
    peer.sends("x");
    step();
    EXPECT_EQ(peer.receives(), "one two");
    EXPECT_EQ(io.counters.writes.value(), 1U);
}

TEST_F(ConnectionTest, ReadsABurstInTurns) {
    const std::string burst(runtime::Shard::kScratchBytes, 'b');
    int buffer = 8 * 1024 * 1024;
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    std::size_t sent = 0;
    for (ssize_t size = 1; size > 0;) {
        size = ::send(peer.fd(), burst.data(), burst.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    shard.run_once(0ms);
    EXPECT_LE(connection.calls, Connection::kReadsPerTurnMax);
    step(100);
    EXPECT_EQ(connection.received.size(), sent);
}

TEST_F(ConnectionTest, EndsWithEndOfStream_WhenThePeerCloses) {
    peer.sends("last words");
    peer.closes();
    step();
    EXPECT_EQ(connection.received, "last words") << "what came before the end is delivered";
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(*connection.closed, errc::end_of_stream);
}

TEST_F(ConnectionTest, EndsWithEndOfStream_WhenThePeerClosesAfterAnEmptyRead) {
    step();
    peer.shuts_down();
    step();
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(*connection.closed, errc::end_of_stream);
}

TEST_F(ConnectionTest, ClosesOnceWithTheFirstReason) {
    connection.close(errc::timed_out);
    connection.close(errc::closed);
    EXPECT_FALSE(connection.closed) << "not within the call";
    step();
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(*connection.closed, errc::timed_out);
    EXPECT_EQ(peer.receives(), "");
    EXPECT_TRUE(peer.ended);
}

TEST_F(ConnectionTest, DeliversNothingAfterClose) {
    connection.on_received = [this](ByteView) { connection.close(errc::closed); };
    peer.sends("a");
    step();
    EXPECT_EQ(connection.calls, 1);
    EXPECT_TRUE(connection.closed);
}

TEST_F(ConnectionTest, SendsTheRestAndWaitsForThePeer_WhenClosedAfterFlush) {
    connection.say("goodbye");
    connection.close_after_flush(errc::closed);
    step();
    EXPECT_EQ(peer.receives(), "goodbye");
    EXPECT_TRUE(peer.ended);
    EXPECT_FALSE(connection.closed) << "the peer has not closed yet";
    peer.sends("ignored");
    step();
    EXPECT_EQ(connection.received, "");
    peer.closes();
    step();
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(*connection.closed, errc::closed);
}

TEST_F(ConnectionTest, StopsWaiting_WhenThePeerNeverCloses) {
    connection.close_after_flush(errc::closed);
    step();
    EXPECT_FALSE(connection.closed);
    clock.advance(Connection::kLinger + 1s);
    step();
    EXPECT_TRUE(connection.closed);
}

/// T-29: one byte now and then does not keep a connection that has not said who it is.
TEST_F(ConnectionTest, ClosesASlowPeerAtTheDeadline_T29) {
    connection.set_deadline(clock.steady() + 10s);
    for (int i = 0; i < 9; ++i) {
        peer.sends("x");
        clock.advance(1s);
        step();
    }
    EXPECT_FALSE(connection.closed);
    clock.advance(2s);
    step();
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(*connection.closed, errc::timed_out);
}

TEST_F(ConnectionTest, GoesOn_WhenTheProtocolNamesANewDeadline) {
    int asked = 0;
    connection.when_timeout = [&](SteadyTime now) -> std::optional<SteadyTime> {
        ++asked;
        return asked < 3 ? std::optional{now + 5s} : std::nullopt;
    };
    connection.set_deadline(clock.steady() + 1s);
    for (int i = 0; i < 20; ++i) {
        clock.advance(1s);
        step();
    }
    EXPECT_EQ(asked, 3);
    EXPECT_FALSE(connection.closed);
}

TEST_F(ConnectionTest, KeepsTheRest_WhilePaused) {
    connection.on_received = [this](ByteView bytes) {
        if (connection.calls == 1) {
            connection.pause(bytes.subspan(5));
            connection.received.resize(5);
        }
    };
    peer.sends("helloworld");
    step();
    peer.sends("!");
    step();
    EXPECT_EQ(connection.received, "hello");
    connection.resume();
    step();
    EXPECT_EQ(connection.received, "helloworld!");
    EXPECT_EQ(io.counters.pauses.value(), 1U);
}

TEST_F(ConnectionTest, CountsOnePause_HoweverOftenItIsSaid) {
    connection.pause();
    connection.pause();
    peer.sends("x");
    step();
    EXPECT_EQ(connection.calls, 0);
    connection.resume();
    step();
    EXPECT_EQ(connection.received, "x");
    EXPECT_EQ(io.counters.pauses.value(), 1U);
}

struct BackPressure : OneConnection {
    BackPressure() : OneConnection{Watermarks{.high = 512 * 1024, .low = 64 * 1024}} {}
};

TEST_F(BackPressure, TellsWhenTheBacklogHasDrained) {
    std::size_t sent = 0;
    while (!connection.output().congested()) {
        const std::string text(32 * 1024, 'x');
        connection.say(text);
        sent += text.size();
        step();
    }
    EXPECT_EQ(connection.drained, 0);
    std::size_t received = 0;
    while (received < sent) {
        received += peer.receives().size();
        step();
    }
    EXPECT_EQ(connection.drained, 1);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(io.chunks.bytes_out(), 0U) << "a drained connection holds no buffer";
}

TEST_F(BackPressure, CloseDropsWhatIsQueued) {
    connection.say(std::string(4 * 1024 * 1024, 'x'));
    step();
    connection.close(errc::closed);
    step();
    EXPECT_TRUE(connection.closed);
    EXPECT_EQ(io.chunks.bytes_out(), 0U);
}

TEST_F(BackPressure, NoticesThatThePeerIsGone_WhileDraining) {
    connection.say(std::string(4 * 1024 * 1024, 'x'));
    connection.close_after_flush(errc::closed);
    step();
    peer.closes();
    step(10);
    EXPECT_TRUE(connection.closed);
}

/// Two shards in one thread: the order of steps is the test's.
struct Move : testing::Test {
    void step() {
        for (int i = 0; i < 3; ++i) {
            group[0U].run_once(0ms);
            group[1U].run_once(0ms);
        }
    }

    ManualClock clock;
    runtime::ShardGroup group{{.shards = 2, .clock = &clock}};
    ShardIo first{group[0U]};
    ShardIo second{group[1U]};
};

TEST_F(Move, CarriesPipelinedBytesAndPendingOutput) {
    auto [near, far] = socket_pair();
    Peer peer{std::move(far)};
    RecordingConnection connection{first, Transport{std::move(near)}};
    ASSERT_TRUE(connection.attach(first));
    connection.on_received = [&](ByteView bytes) {
        if (connection.calls == 1) {
            connection.received = "CONNECT";
            connection.say("welcome ");
            connection.move_away(bytes.subspan(7));
        }
    };
    connection.when_moving = [&] {
        ASSERT_TRUE(group[0U].try_send(runtime::ShardId{1}, [&] {
            EXPECT_TRUE(connection.attach(second));
        }));
    };
    peer.sends("CONNECTpipelined");
    group[0U].run_once(0ms);
    peer.sends(" and later");
    step();
    EXPECT_EQ(connection.received, "CONNECTpipelined and later");
    EXPECT_EQ(&connection.io(), &second);
    connection.say("from there");
    step();
    EXPECT_EQ(peer.receives(), "welcome from there");
    EXPECT_EQ(first.counters.connections.value(), 0);
    EXPECT_EQ(second.counters.connections.value(), 1);
    peer.closes();
    step();
    EXPECT_TRUE(connection.closed);
    EXPECT_EQ(second.counters.connections.value(), 0);
}

TEST_F(Move, WaitsUntilThePeerTookTheRest) {
    auto [near, far] = socket_pair();
    Peer peer{std::move(far)};
    RecordingConnection connection{first, Transport{std::move(near)}};
    ASSERT_TRUE(connection.attach(first));
    bool moving = false;
    connection.when_moving = [&] { moving = true; };
    const std::size_t size = 4 * 1024 * 1024;
    connection.say(std::string(size, 'x'));
    connection.move_away({});
    step();
    EXPECT_FALSE(moving);
    std::size_t received = 0;
    for (int i = 0; i < 1000 && !moving; ++i) {
        received += peer.receives().size();
        step();
    }
    EXPECT_TRUE(moving);
    received += peer.receives().size();
    EXPECT_EQ(received, size);
}

TEST(Connection, LeavesRoomForASessionInOneKiB) {
    EXPECT_LE(sizeof(Connection), 224U);
}

}  // namespace
}  // namespace weir::net
