#include <weir/model/message.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weir::model {
namespace {

TEST(Message, KeepsItsParts_WhenTheirBuffersAreGone) {
    MessagePtr message;
    {
        const std::string topic = "data/p7/temp";
        const Bytes properties = {0x01, 0x00};
        const std::string payload = "21.5";
        message = Message::make({
            .topic = topic,
            .payload = as_bytes(payload),
            .properties = properties,
            .qos = Qos::exactly_once,
            .retain = true,
            .protocol = Protocol::amqp,
            .hops = 3,
            .created = WallTime{100},
            .expires = WallTime{200},
            .publisher_session = 7,
        });
    }
    EXPECT_EQ(message->topic(), "data/p7/temp");
    EXPECT_EQ(as_text(message->payload()), "21.5");
    EXPECT_EQ(message->properties().size(), 2U);
    EXPECT_EQ(message->qos(), Qos::exactly_once);
    EXPECT_TRUE(message->retain());
    EXPECT_EQ(message->protocol(), Protocol::amqp);
    EXPECT_EQ(message->hops(), 3);
    EXPECT_EQ(message->created(), WallTime{100});
    EXPECT_EQ(message->publisher_session(), 7U);
}

TEST(Message, HasReadableZeroBytesBehindItsPayload) {
    const auto message = Message::make({.topic = "t", .payload = as_bytes("abc")});
    const auto payload = message->payload();
    const ByteView spare{payload.data() + payload.size(), Message::kSpareBytes};
    EXPECT_TRUE(std::ranges::all_of(spare, [](Byte byte) { return byte == 0; }));
}

TEST(Message, MayBeEmpty) {
    const auto message = Message::make({.topic = ""});
    EXPECT_TRUE(message->topic().empty());
    EXPECT_TRUE(message->payload().empty());
    EXPECT_TRUE(message->properties().empty());
    EXPECT_EQ(message->footprint(), sizeof(Message) + Message::kSpareBytes);
}

TEST(Message, ExpiresAtItsMoment) {
    const auto never = Message::make({.topic = "t"});
    EXPECT_FALSE(never->expired(WallTime::max()));
    const auto message = Message::make({.topic = "t", .expires = WallTime{200}});
    EXPECT_FALSE(message->expired(WallTime{199}));
    EXPECT_TRUE(message->expired(WallTime{200}));
}

TEST(MessagePtr, SharesOneMessage) {
    auto first = Message::make({.topic = "t"});
    auto second = first;
    EXPECT_EQ(first.get(), second.get());
    first = MessagePtr{};
    EXPECT_FALSE(first);
    EXPECT_EQ(second->topic(), "t");
}

}  // namespace
}  // namespace weir::model
