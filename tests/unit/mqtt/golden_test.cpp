// What holds for every packet: it decodes, encodes to the same bytes, and no damage to it does
// harm.
#include <gtest/gtest.h>

#include <weir/mqtt/decoder.hpp>

#include "support/encode_packet.hpp"
#include "support/hex.hpp"
#include "unit/mqtt/golden.hpp"

namespace weir::mqtt::test {
namespace {

using weir::test::bytes_of;
using weir::test::encode;

constexpr std::uint32_t kNoLimit = 1U << 30U;

DecodeOptions options_of(const Golden& golden) {
    return {.version = golden.version, .sender = golden.sender};
}

class GoldenPacket : public testing::TestWithParam<Golden> {
protected:
    Bytes bytes_ = bytes_of(GetParam().hex);
    DecodeOptions options_ = options_of(GetParam());
};

TEST_P(GoldenPacket, DecodesAndEncodesToTheSameBytes) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame) << frame.error().message();
    ASSERT_EQ(frame->size, bytes_.size());
    const auto packet = decode(*frame, options_);
    ASSERT_TRUE(packet) << packet.error().message();
    EXPECT_EQ(encode(*packet, GetParam().version), bytes_);
}

TEST_P(GoldenPacket, NeedsMore_WhenCutAnywhere) {
    for (std::size_t size = 0; size < bytes_.size(); ++size) {
        const Bytes cut(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
        const auto frame = read_frame(cut, kNoLimit);
        ASSERT_FALSE(frame) << size;
        EXPECT_EQ(frame.error(), errc::need_more) << size;
    }
}

// The fixed header says that the packet ends earlier: what decodes nevertheless must be a packet of
// its own.
TEST_P(GoldenPacket, NeverReadsBeyondItsLength_WhenBodyIsShorter) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame);
    for (std::size_t size = 0; size < frame->body.size(); ++size) {
        const Bytes body(
            frame->body.begin(), frame->body.begin() + static_cast<std::ptrdiff_t>(size)
        );
        const Frame cut{.type = frame->type, .flags = frame->flags, .body = body, .size = size + 2};
        if (const auto packet = decode(cut, options_)) {
            EXPECT_LE(encode(*packet, GetParam().version).size(), cut.size);
        }
    }
}

TEST_P(GoldenPacket, IsRefusedOrValid_WhenOneBitIsFlipped) {
    for (std::size_t bit = 0; bit < bytes_.size() * 8; ++bit) {
        Bytes damaged = bytes_;
        damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ (1U << (bit % 8)));
        for (const auto version : {Version::v31, Version::v311, Version::v5}) {
            for (const auto sender : {Role::client, Role::server}) {
                const auto frame = read_frame(damaged, kNoLimit);
                if (!frame) {
                    continue;
                }
                const auto packet = decode(*frame, {.version = version, .sender = sender});
                if (packet) {
                    static_cast<void>(encode(*packet, version));
                }
            }
        }
    }
}

TEST_P(
    GoldenPacket,
    IsRefused_WithAnyOtherFlags_MQTT3_2_2_2_1_MQTT3_2_2_2_2_MQTT3_3_6_1_1_MQTT3_3_8_1_1_MQTT3_3_10_1_1_MQTT3_3_14_1_1_MQTT5_2_1_3_1_MQTT5_3_6_1_1_MQTT5_3_8_1_1_MQTT5_3_10_1_1_MQTT5_3_14_1_1_MQTT5_3_15_1_1
) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame);
    if (frame->type == PacketType::publish || GetParam().version == Version::v31) {
        return;  // Its flags say something; 3.1 ignores those that say nothing.
    }
    for (std::uint8_t flags = 0; flags < 16; ++flags) {
        Frame other = *frame;
        other.flags = flags;
        const auto packet = decode(other, options_);
        EXPECT_EQ(packet.has_value(), flags == frame->flags);
        if (flags != frame->flags) {
            EXPECT_EQ(packet.error(), errc::malformed_packet);
        }
    }
}

// No packet may carry what it does not declare.
TEST_P(GoldenPacket, EndsWhereItsLengthSays_WhenBytesFollow) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame);
    Bytes body(frame->body.begin(), frame->body.end());
    body.push_back(0xFF);
    const Frame longer{
        .type = frame->type, .flags = frame->flags, .body = body, .size = frame->size + 1
    };
    const auto packet = decode(longer, options_);
    if (frame->type == PacketType::publish) {
        ASSERT_TRUE(packet);
        EXPECT_EQ(std::get<Publish>(*packet).payload.back(), 0xFF)
            << "a payload may have any length";
    } else {
        EXPECT_FALSE(packet);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    GoldenPacket,
    testing::ValuesIn(golden_packets()),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::mqtt::test
