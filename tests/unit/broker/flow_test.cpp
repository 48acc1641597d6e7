#include <gtest/gtest.h>

#include <vector>

#include <weir/broker/flow.hpp>

namespace weir::broker {
namespace {

using model::Qos;

Copy copy(std::string_view topic, Qos qos = Qos::at_least_once, std::size_t payload_bytes = 1) {
    const Bytes payload(payload_bytes, 'x');
    return {model::Message::make({.topic = topic, .payload = payload, .qos = qos}), {}, qos, false};
}

std::vector<std::uint16_t> unsettled(Flow& flow) {
    std::vector<std::uint16_t> ids;
    flow.for_each_unsettled([&](std::uint16_t id, const Flow::InFlight&) { ids.push_back(id); });
    return ids;
}

TEST(Flow, NumbersPacketsFromOneUpwards_MQTT5_4_3_2_1) {
    Flow flow;
    EXPECT_EQ(flow.start(copy("a")), 1);
    EXPECT_EQ(flow.start(copy("b")), 2);
    EXPECT_EQ(flow.start(copy("c")), 3);
    EXPECT_EQ(flow.copy_of(2).message->topic(), "b");
}

TEST(Flow, WrapsPacketIdsAfter65535_WithoutZero_MQTT3_2_3_1_4_MQTT5_2_2_1_4) {
    Flow flow;
    std::uint16_t last = 0;
    for (int i = 0; i < 65'535; ++i) {
        last = flow.start(copy("a"));
        ASSERT_TRUE(flow.settle(last));
    }
    EXPECT_EQ(last, 65'535);
    EXPECT_EQ(flow.start(copy("a")), 1);
}

TEST(Flow, SettlesInAnyOrder_AndForgetsEachIdOnce) {
    Flow flow;
    for (int i = 0; i < 5; ++i) {
        flow.start(copy("a"));
    }
    EXPECT_TRUE(flow.settle(3));
    EXPECT_TRUE(flow.settle(1));
    EXPECT_FALSE(flow.settle(1)) << "twice";
    EXPECT_FALSE(flow.settle(9)) << "never sent";
    EXPECT_FALSE(flow.settle(0));
    EXPECT_EQ(unsettled(flow), (std::vector<std::uint16_t>{2, 4, 5}));
    EXPECT_TRUE(flow.settle(2));
    EXPECT_EQ(flow.in_flight(), 2U);
}

TEST(Flow, ClosesAtTheWindow) {
    Flow flow;
    EXPECT_TRUE(flow.open(2));
    flow.start(copy("a"));
    flow.start(copy("a"));
    EXPECT_FALSE(flow.open(2));
    flow.settle(1);
    EXPECT_TRUE(flow.open(2));
}

TEST(Flow, StaysClosed_WhenTheOldestIdIsNeverSettledAndAllOthersAreTaken_MQTT3_2_3_1_4_MQTT5_2_2_1_4_MQTT5_4_3_3_1) {
    Flow flow;
    flow.start(copy("oldest"));
    for (int i = 0; i < 65'534; ++i) {
        ASSERT_TRUE(flow.open(10));
        flow.settle(flow.start(copy("a")));
    }
    EXPECT_FALSE(flow.open(10)) << "id 1 is still in use";
    flow.settle(1);
    EXPECT_TRUE(flow.open(10));
}

TEST(Flow, ReleasesAQos2Message_AndKeepsItsIdUntilPubcomp_MQTT3_4_3_3_1_MQTT5_4_3_3_3_MQTT5_4_3_3_5) {
    Flow flow;
    const auto id = flow.start(copy("a", Qos::exactly_once));
    EXPECT_TRUE(flow.receive(id));
    EXPECT_TRUE(flow.receive(id)) << "a second PUBREC is answered again";
    flow.for_each_unsettled([](std::uint16_t, const Flow::InFlight& entry) {
        EXPECT_EQ(entry.state, Flow::State::released);
        EXPECT_FALSE(entry.copy.message) << "the message itself is gone";
    });
    EXPECT_TRUE(flow.settle(id));
    EXPECT_FALSE(flow.receive(id));
}

TEST(Flow, RefusesPubrecForQos1) {
    Flow flow;
    EXPECT_FALSE(flow.receive(flow.start(copy("a"))));
}

TEST(Flow, DropsTheOldest_WhenTheQueueIsFull) {
    Flow flow;
    model::Limits limits;
    limits.queue_messages = 2;
    EXPECT_EQ(flow.enqueue(copy("a"), limits), 0U);
    EXPECT_EQ(flow.enqueue(copy("b"), limits), 0U);
    EXPECT_EQ(flow.enqueue(copy("c"), limits), 1U);
    EXPECT_EQ(flow.pop().message->topic(), "b");
    EXPECT_EQ(flow.pop().message->topic(), "c");
    EXPECT_EQ(flow.queued_bytes(), 0U);
}

TEST(Flow, BoundsTheQueueInBytes) {
    Flow flow;
    model::Limits limits;
    limits.queue_bytes = 3'000;
    EXPECT_EQ(flow.enqueue(copy("a", Qos::at_least_once, 1'000), limits), 0U);
    EXPECT_EQ(flow.enqueue(copy("b", Qos::at_least_once, 1'000), limits), 0U);
    EXPECT_EQ(flow.enqueue(copy("c", Qos::at_least_once, 1'000), limits), 1U);
    EXPECT_LE(flow.queued_bytes(), 3'000U);
    EXPECT_EQ(flow.enqueue(copy("huge", Qos::at_least_once, 4'000), limits), 1U)
        << "the copy itself is lost";
    EXPECT_EQ(flow.queued(), 2U);
}

TEST(Flow, GivesACopyBackToTheHeadOfTheQueue) {
    Flow flow;
    model::Limits limits;
    const auto id = flow.start(copy("first"));
    flow.enqueue(copy("second"), limits);
    auto back = flow.give_back(id);
    ASSERT_TRUE(back.has_value());
    flow.enqueue_first(std::move(*back));
    EXPECT_EQ(flow.in_flight(), 0U);
    EXPECT_EQ(flow.pop().message->topic(), "first");
    EXPECT_EQ(flow.pop().message->topic(), "second");
}

}  // namespace
}  // namespace weir::broker
