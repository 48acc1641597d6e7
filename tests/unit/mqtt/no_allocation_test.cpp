// The publish path must not allocate: from the bytes of a publisher to the bytes for a subscriber.
#include <gtest/gtest.h>

#include <array>

#include <weir/mqtt/encoder.hpp>
#include <weir/mqtt/server_protocol.hpp>

#include "support/count_allocations.hpp"
#include "support/hex.hpp"

namespace weir::mqtt {
namespace {

using weir::test::bytes_of;

/// Writes every publish again, for a subscriber.
class Echo final : public ServerProtocol::Handler {
public:
    explicit Echo(ServerProtocol& protocol) : protocol_{protocol} {}

    std::size_t written = 0;

    Next on_connect(const Connect& packet) noexcept override {
        protocol_.accept(packet.keep_alive_s, ServerLimits{});
        return Next::go_on;
    }
    Next on_publish(const Publish& packet) noexcept override {
        const PublishHeader header{
            .topic = packet.topic,
            .payload_bytes = packet.payload.size(),
            .properties = forwardable_properties(packet.properties, scratch_),
            .message_expiry_s = packet.message_expiry_s,
            .packet_id = 1,
            .qos = packet.qos,
        };
        const Byte* const end = write_publish_head(out_.data(), header, Version::v5);
        written += static_cast<std::size_t>(end - out_.data()) + packet.payload.size();
        protocol_.settled();
        return Next::go_on;
    }
    Next on_ack(const Ack& /*packet*/) noexcept override { return Next::go_on; }
    Next on_subscribe(const Subscribe& packet) noexcept override {
        for (const Subscription subscription : packet.subscriptions) {
            written += subscription.filter.size();
        }
        return Next::go_on;
    }
    Next on_unsubscribe(const Unsubscribe& /*packet*/) noexcept override { return Next::go_on; }
    Next on_pingreq() noexcept override { return Next::go_on; }
    Next on_disconnect(const Disconnect& /*packet*/) noexcept override { return Next::go_on; }
    Next on_auth(const Auth& /*packet*/) noexcept override { return Next::go_on; }

private:
    ServerProtocol& protocol_;
    std::array<Byte, 256> scratch_{};
    std::array<Byte, 256> out_{};
};

TEST(ServerProtocol, AllocatesNothing_WhenPacketsComeWhole) {
    ServerProtocol protocol{ServerLimits{}};
    Echo echo{protocol};
    const Bytes bytes = bytes_of(
        "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'"
        "82 07 0001 00 0001 'a' 01"
        "32 20 0003 'a/b' 0001 16 01 01 02 00000005 09 0001 00 26 0003 'key' 0003 'val' 'hi'"
        "40 02 0007 c0 00"
    );
    const auto before = weir::test::allocations.load();
    const auto consumed = protocol.feed(bytes, echo);
    const auto after = weir::test::allocations.load();
    ASSERT_TRUE(consumed);
    EXPECT_EQ(*consumed, bytes.size());
    EXPECT_GT(echo.written, 0U);
    EXPECT_EQ(after - before, 0U);
}

}  // namespace
}  // namespace weir::mqtt
