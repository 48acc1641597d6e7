// Frames and packets have nothing to do with each other's borders. [MQTT5-6.0.0-2]
#include <gtest/gtest.h>

#include <vector>

#include <weir/mqtt/encoder.hpp>
#include <weir/mqtt/frame_reader.hpp>

#include "conformance/websocket/script.hpp"
#include "support/hex.hpp"
#include "unit/mqtt/golden.hpp"

namespace weir::websocket::test {
namespace {

using mqtt::test::Golden;
using weir::test::bytes_of;

/// First byte and body of each packet in the frames of a client, unframed and cut as a gateway does.
std::vector<Bytes> packets_in(Bytes stream) {
    FrameDecoder decoder;
    mqtt::FrameReader reader;
    std::vector<Bytes> out;
    std::span<Byte> in{stream};
    for (;;) {
        const auto event = decoder.next(in);
        if (!event) {
            ADD_FAILURE() << event.error().message();
            return out;
        }
        if (event->kind == Event::Kind::need_more) {
            EXPECT_EQ(reader.kept(), 0U) << "a packet is still incomplete";
            return out;
        }
        ByteView data = event->kind == Event::Kind::data ? event->data : ByteView{};
        while (!data.empty()) {
            const auto packet = reader.next(data, mqtt::kPacketBytesMax);
            if (!packet) {
                EXPECT_EQ(packet.error(), mqtt::errc::need_more) << packet.error().message();
                break;
            }
            const auto type = static_cast<unsigned>(packet->type);
            out.emplace_back(1, static_cast<Byte>((type << 4U) | packet->flags));
            append(out.back(), packet->body);
            reader.done();
        }
    }
}

class GoldenPacket : public testing::TestWithParam<Golden> {
protected:
    const Bytes packet_ = bytes_of(GetParam().hex);
    const std::vector<Bytes> once_ = packets_in(Script{}.binary(as_text(packet_)));
    const std::string_view text_ = as_text(packet_);
};

TEST_P(GoldenPacket, IsReadFromTwoMessages_WhereverItIsCut) {
    ASSERT_EQ(once_.size(), 1U);
    for (std::size_t cut = 0; cut <= text_.size(); ++cut) {
        const auto two = Script{}.binary(text_.substr(0, cut)).binary(text_.substr(cut));
        EXPECT_EQ(packets_in(two), once_) << "cut at " << cut;
    }
}

TEST_P(GoldenPacket, IsReadFromTwoFragmentsAroundAPing_WhereverItIsCut) {
    for (std::size_t cut = 0; cut <= text_.size(); ++cut) {
        const auto two = Script{}.begin(text_.substr(0, cut)).ping("p").last(text_.substr(cut));
        EXPECT_EQ(packets_in(two), once_) << "cut at " << cut;
    }
}

TEST_P(GoldenPacket, IsReadByteByByte) {
    Script bytes;
    for (const char& byte : text_) {
        bytes.binary({&byte, 1});
    }
    EXPECT_EQ(packets_in(bytes), once_);
}

TEST_P(GoldenPacket, IsReadThreeTimesFromOneMessage_AndFromThreeThatEndAnywhere) {
    const std::string three = std::string{text_} + std::string{text_} + std::string{text_};
    const std::vector<Bytes> thrice{once_[0], once_[0], once_[0]};
    EXPECT_EQ(packets_in(Script{}.binary(three)), thrice);
    for (std::size_t cut = 1; cut < text_.size(); ++cut) {
        const auto rest = std::string_view{three}.substr(cut);
        const auto frames = Script{}
                                .binary(three.substr(0, cut))
                                .binary(rest.substr(0, text_.size()))
                                .binary(rest.substr(text_.size()));
        EXPECT_EQ(packets_in(frames), thrice) << "cut at " << cut;
    }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    GoldenPacket,
    testing::ValuesIn(mqtt::test::golden_packets()),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::websocket::test
