// Packets that are cut, bent and lie about their lengths: refused for a known reason or read as what they now say, and never
// read beyond their end (which the sanitizers would see: each input has a block of memory of exactly its size).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include <weir/mqtt/frame_reader.hpp>

#include "conformance/mqtt_threats/encode.hpp"
#include "support/hex.hpp"
#include "unit/mqtt/golden.hpp"

namespace weir::mqtt::test {
namespace {

using weir::test::bytes_of;

constexpr Version kVersions[] = {Version::v31, Version::v311, Version::v5};
constexpr Role kRoles[] = {Role::client, Role::server};

Bytes exactly(ByteView view) {
    return {view.begin(), view.end()};
}

class EveryGolden : public testing::TestWithParam<Golden> {
protected:
    [[nodiscard]] DecodeOptions options() const {
        return {.version = GetParam().version, .sender = GetParam().sender};
    }
    Bytes bytes_ = bytes_of(GetParam().hex);
};
std::string name_of(const testing::TestParamInfo<Golden>& row) {
    return std::string{row.param.name};
}

class ThreatT01 : public EveryGolden {};
INSTANTIATE_TEST_SUITE_P(All, ThreatT01, testing::ValuesIn(golden_packets()), name_of);

TEST_P(ThreatT01, CutPacketsNeedMore_AndGoOnWhereTheyWereCut) {
    for (std::size_t size = 0; size < bytes_.size(); ++size) {
        const auto frame = read_frame(exactly(ByteView{bytes_}.first(size)), kNoLimit);
        ASSERT_FALSE(frame);
        EXPECT_EQ(frame.error(), errc::need_more) << size;
        FrameReader reader;
        const Bytes first = exactly(ByteView{bytes_}.first(size));
        const Bytes second = exactly(ByteView{bytes_}.subspan(size));
        ByteView in{first};
        EXPECT_EQ(reader.next(in, kNoLimit).error(), errc::need_more);
        EXPECT_TRUE(in.empty()) << "kept";
        in = second;
        const auto whole = reader.next(in, kNoLimit);
        ASSERT_TRUE(whole) << size;
        EXPECT_EQ(encode(*decode(*whole, options()), GetParam().version), bytes_);
        reader.done();
    }
}

// The length says that the packet ends where it was cut.
TEST_P(ThreatT01, ShortBodiesAreRefused_OrAnotherPacket) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame);
    for (std::size_t size = 0; size < frame->body.size(); ++size) {
        SCOPED_TRACE(size);
        expect_refused_or_stable(framed(bytes_[0], frame->body.first(size)), options());
    }
}

TEST(ThreatT02, LengthsOfEveryForm_AreReadOrRefused_MQTT5_1_5_5_1) {
    struct Row {
        std::string_view hex;
        bool short_form;
        bool complete;
        std::uint32_t value;
    };
    constexpr Row kRows[] = {
        {"", true, false, 0},
        {"00", true, true, 0},
        {"7f", true, true, 127},
        {"80", true, false, 0},
        {"8001", true, true, 128},
        {"ff7f", true, true, 16'383},
        {"ffff", true, false, 0},
        {"808001", true, true, 16'384},
        {"ffff7f", true, true, 2'097'151},
        {"ffffff", true, false, 0},
        {"80808001", true, true, 2'097'152},
        {"ffffff7f", true, true, 268'435'455},
        {"8000", false, true, 0},
        {"ff00", false, true, 0},
        {"808000", false, true, 0},
        {"80808000", false, true, 0},
        {"ffffffff", false, true, 0},
        {"8080808001", false, true, 0},
        {"ffffffff7f", false, true, 0},
    };
    for (const auto& [hex, short_form, complete, value] : kRows) {
        SCOPED_TRACE(hex);
        const Bytes bytes = bytes_of(hex);
        ByteView in{bytes};
        const auto got = read_varint(in);
        if (!short_form) {
            EXPECT_EQ(got.error(), errc::malformed_packet);
        } else if (!complete) {
            EXPECT_EQ(got.error(), errc::need_more);
        } else {
            EXPECT_EQ(*got, value);
        }
        // As the remaining length of a packet.
        const auto size = read_packet_size(bytes_of(fmt::format("30 {}", hex)), kNoLimit);
        EXPECT_EQ(size.has_value(), short_form && complete);
        if (!size) {
            EXPECT_EQ(size.error(), short_form ? errc::need_more : errc::malformed_packet);
        }
        // As the length of properties, and as a subscription identifier, at the end of a body: cut short is malformed there.
        const auto refused = [&](Byte first, std::string_view body, Role sender) {
            const Bytes packet = framed(first, bytes_of(body));
            return decode(*read_frame(packet, kNoLimit), {.version = Version::v5, .sender = sender})
                .error();
        };
        if (!short_form || !complete || value > 0) {
            EXPECT_EQ(
                refused(0x30, fmt::format("0001 'a' {}", hex), Role::client), errc::malformed_packet
            );
        }
        if (!short_form || !complete) {
            const auto list = bytes_of(fmt::format("0b {}", hex));
            EXPECT_EQ(
                refused(0x82, fmt::format("0001 {:02x} 0b {}", list.size(), hex), Role::client),
                errc::malformed_packet
            );
        }
    }
}

class ThreatT03 : public EveryGolden {};
INSTANTIATE_TEST_SUITE_P(All, ThreatT03, testing::ValuesIn(golden_packets()), name_of);

// Every pair of bytes is taken for a length once, so that every length is among them.
TEST_P(ThreatT03, LengthsThatLie_AreRefusedOrStable) {
    const auto frame = read_frame(bytes_, kNoLimit);
    ASSERT_TRUE(frame);
    for (std::size_t at = 0; at + 2 <= frame->body.size(); ++at) {
        const auto length = load_be<std::uint16_t>(frame->body.data() + at);
        const std::uint16_t lies[] = {
            0,
            1,
            static_cast<std::uint16_t>(length - 1),
            static_cast<std::uint16_t>(length + 1),
            0x7FFF,
            0x8000,
            0xFFFE,
            0xFFFF};
        for (const auto lie : lies) {
            SCOPED_TRACE(fmt::format("{} at {}", lie, at));
            Bytes body = exactly(frame->body);
            store_be(body.data() + at, lie);
            for (const Version version : kVersions) {
                expect_refused_or_stable(
                    framed(bytes_[0], body), {.version = version, .sender = GetParam().sender}
                );
            }
        }
    }
    for (const char* hex : {"00", "01", "7f", "ff01", "ff7f", "ffff7f", "ffffff07", "ffffff7f"}) {
        Bytes lying{bytes_[0]};
        append(lying, as_text(bytes_of(hex)));
        append(lying, as_text(frame->body));
        expect_refused_or_stable(lying, options());
        const auto limited = read_frame(lying, 64);
        EXPECT_TRUE(
            limited || limited.error() == errc::need_more ||
            limited.error() == errc::packet_too_large
        );
    }
}

class ThreatT09 : public EveryGolden {};
INSTANTIATE_TEST_SUITE_P(All, ThreatT09, testing::ValuesIn(golden_packets()), name_of);

TEST_P(ThreatT09, EveryFlippedBit_IsRefusedOrStable) {
    for (std::size_t bit = 0; bit < bytes_.size() * 8; ++bit) {
        Bytes damaged = bytes_;
        damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ (1U << (bit % 8)));
        for (const Version version : kVersions) {
            for (const Role sender : kRoles) {
                SCOPED_TRACE(fmt::format("bit {} version {}", bit, static_cast<int>(version)));
                expect_refused_or_stable(damaged, {.version = version, .sender = sender});
            }
        }
    }
}

// A flipped bit that still makes a packet of the same version and length makes the packet that these bytes say.
TEST_P(ThreatT09, EveryFlippedBitThatDecodes_IsWrittenAsItCame) {
    const Version version = GetParam().version;
    for (std::size_t bit = 0; bit < bytes_.size() * 8; ++bit) {
        Bytes damaged = bytes_;
        damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ (1U << (bit % 8)));
        const auto frame = read_frame(damaged, kNoLimit);
        if (!frame || frame->size != damaged.size()) {
            continue;
        }
        const auto packet = decode(*frame, options());
        // Reserved bits of 3.1 are ignored, and an undefined return code has no name of its own.
        const bool is_exact = version != Version::v31 &&
                              (version == Version::v5 || frame->type != PacketType::connack);
        if (!packet || !is_exact) {
            continue;
        }
        Bytes written = encode(*packet, version);
        if (written.size() + 1 == damaged.size() && damaged.back() == 0) {
            written[1] = damaged[1];  // A reason code of success need not be written out.
            written.push_back(0);
        }
        EXPECT_EQ(written, damaged) << "bit " << bit;
    }
}

}  // namespace
}  // namespace weir::mqtt::test
