#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include <weir/websocket/frames.hpp>

namespace weir::websocket {
namespace {

constexpr std::uint32_t kMask = 0x37FA213D;

Bytes masked(Opcode opcode, std::string_view payload, bool final = true) {
    return client_frame(opcode, as_bytes(payload), kMask, final);
}

Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const auto& part : parts) {
        append(out, ByteView{part});
    }
    return out;
}

/// What a decoder made of some bytes, as text: data joined, other events in brackets, then the
/// error.
class Transcript {
public:
    explicit Transcript(FrameDecoder decoder) : decoder_{decoder} {}

    /// Feeds `bytes` behind what was carried over, as a transport does.
    void feed(ByteView bytes) {
        append(carry_, bytes);
        std::span<Byte> in{carry_};
        while (!error_) {
            const auto event = decoder_.next(in);
            if (!event) {
                error_ = event.error();
                text_ += "!" + std::to_string(close_code(*error_));
                break;
            }
            if (event->kind == Event::Kind::need_more) {
                break;
            }
            note(*event);
        }
        carry_.assign(in.begin(), in.end());
        EXPECT_LE(carry_.size(), kCarryMax);
    }

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::optional<error_code> error() const { return error_; }
    [[nodiscard]] const FrameDecoder& decoder() const { return decoder_; }

private:
    void note(const Event& event) {
        const std::string data{as_text(event.data)};
        switch (event.kind) {
            case Event::Kind::need_more:
            case Event::Kind::data:
                text_ += data;
                break;
            case Event::Kind::ping:
                text_ += "[ping " + data + "]";
                break;
            case Event::Kind::pong:
                text_ += "[pong " + data + "]";
                break;
            case Event::Kind::close:
                text_ += "[close " + std::to_string(event.close_code) + " " + data + "]";
                break;
        }
    }

    FrameDecoder decoder_;
    Bytes carry_;
    std::string text_;
    std::optional<error_code> error_;
};

std::string decode(const Bytes& bytes, FrameDecoder decoder = FrameDecoder{}) {
    Transcript transcript{decoder};
    transcript.feed(bytes);
    return transcript.text();
}

struct FrameCase {
    std::string_view name;
    Bytes bytes;
    std::string expected;
};

class DecodeFrames : public testing::TestWithParam<FrameCase> {};

TEST_P(DecodeFrames, FollowsTable) {
    EXPECT_EQ(decode(GetParam().bytes), GetParam().expected);
}

TEST_P(DecodeFrames, SaysTheSame_WhenSplitAnywhere) {
    const auto& bytes = GetParam().bytes;
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        Transcript transcript{FrameDecoder{}};
        transcript.feed(ByteView{bytes}.first(split));
        transcript.feed(ByteView{bytes}.subspan(split));
        EXPECT_EQ(transcript.text(), GetParam().expected) << "split at " << split;
    }
}

TEST_P(DecodeFrames, SaysTheSame_ByteByByte) {
    Transcript transcript{FrameDecoder{}};
    for (const Byte& byte : GetParam().bytes) {
        transcript.feed({&byte, 1});
    }
    EXPECT_EQ(transcript.text(), GetParam().expected);
}

const std::string kLong(300, 'x');

INSTANTIATE_TEST_SUITE_P(
    Table,
    DecodeFrames,
    testing::Values(
        FrameCase{"empty", masked(Opcode::binary, ""), ""},
        FrameCase{"binary", masked(Opcode::binary, "hello"), "hello"},
        FrameCase{"length_125", masked(Opcode::binary, kLong.substr(0, 125)), kLong.substr(0, 125)},
        FrameCase{"length_126", masked(Opcode::binary, kLong.substr(0, 126)), kLong.substr(0, 126)},
        FrameCase{"length_300", masked(Opcode::binary, kLong), kLong},
        FrameCase{
            "two_messages",
            join({masked(Opcode::binary, "one"), masked(Opcode::binary, "two")}),
            "onetwo"
        },
        FrameCase{
            "fragments_with_ping_inside",
            join(
                {masked(Opcode::binary, "frag", false),
                 masked(Opcode::ping, "p"),
                 masked(Opcode::continuation, "", false),
                 masked(Opcode::continuation, "ment")}
            ),
            "frag[ping p]ment"
        },
        FrameCase{"ping_empty", masked(Opcode::ping, ""), "[ping ]"},
        FrameCase{
            "ping_125",
            masked(Opcode::ping, kLong.substr(0, 125)),
            "[ping " + kLong.substr(0, 125) + "]"
        },
        FrameCase{"pong", masked(Opcode::pong, "late"), "[pong late]"},
        FrameCase{"close_bare", masked(Opcode::close, ""), "[close 1005 ]"},
        FrameCase{
            "close_reason",
            masked(
                Opcode::close,
                "\x03\xE8"
                "bye"
            ),
            "[close 1000 bye]"
        },
        FrameCase{"close_application_code", masked(Opcode::close, "\x0F\xA0"), "[close 4000 ]"},
        FrameCase{
            "nothing_counts_after_close",
            join({masked(Opcode::close, "\x03\xE8"), masked(Opcode::text, "x"), Bytes(300, 0xFF)}),
            "[close 1000 ]"
        },
        FrameCase{"close_one_byte", masked(Opcode::close, "\x03"), "!1002"},
        FrameCase{"close_code_1005", masked(Opcode::close, "\x03\xED"), "!1002"},
        FrameCase{"close_code_999", masked(Opcode::close, "\x03\xE7"), "!1002"},
        FrameCase{"close_code_2999", masked(Opcode::close, "\x0B\xB7"), "!1002"},
        FrameCase{"close_code_5000", masked(Opcode::close, "\x13\x88"), "!1002"},
        FrameCase{"close_reason_not_utf8", masked(Opcode::close, "\x03\xE8\xC3\x28"), "!1007"},
        FrameCase{"text", masked(Opcode::text, "hello"), "!1003"},
        FrameCase{"text_empty", masked(Opcode::text, ""), "!1003"},
        FrameCase{"unmasked", {0x82, 0x01, 'x'}, "!1002"},
        FrameCase{"rsv1_of_deflate", {0xC2, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"rsv2", {0xA2, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"rsv3", {0x92, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"opcode_3", {0x83, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"opcode_11", {0x8B, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"ping_126", {0x89, 0xFE, 0x00, 0x7E}, "!1002"},
        FrameCase{"ping_fragmented", {0x09, 0x80, 0, 0, 0, 0}, "!1002"},
        FrameCase{"length_16_not_minimal", {0x82, 0xFE, 0x00, 0x7D, 0, 0, 0, 0}, "!1002"},
        FrameCase{
            "length_64_not_minimal", {0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, "!1002"
        },
        FrameCase{
            "length_64_top_bit", {0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, "!1002"
        },
        FrameCase{"continuation_first", masked(Opcode::continuation, "x"), "!1002"},
        FrameCase{
            "message_in_message",
            join({masked(Opcode::binary, "a", false), masked(Opcode::binary, "b")}),
            "a!1002"
        },
        FrameCase{
            "continuation_after_end",
            join(
                {masked(Opcode::binary, "a", false),
                 masked(Opcode::continuation, "b"),
                 masked(Opcode::continuation, "c")}
            ),
            "ab!1002"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(FrameDecoder, TakesMessage_UpToItsLimit) {
    const FrameDecoder ten{Role::server, 10};
    EXPECT_EQ(decode(masked(Opcode::binary, "0123456789"), ten), "0123456789");
    EXPECT_EQ(decode(masked(Opcode::binary, "0123456789a"), ten), "!1009");
}

TEST(FrameDecoder, CountsFragmentsTogether) {
    const auto over =
        join({masked(Opcode::binary, "01234", false), masked(Opcode::continuation, "567890")});
    EXPECT_EQ(decode(over, FrameDecoder{Role::server, 10}), "01234!1009");
    const auto separate =
        join({masked(Opcode::binary, "0123456789"), masked(Opcode::binary, "0123456789")});
    EXPECT_EQ(decode(separate, FrameDecoder{Role::server, 10}), "01234567890123456789");
}

TEST(FrameDecoder, RefusesHugeLength_BeforeItsBytesCome) {
    EXPECT_EQ(
        decode(
            {0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4}, FrameDecoder{Role::server, 1 << 20}
        ),
        "!1009"
    );
}

TEST(FrameDecoder, KnowsWhetherAMessageIsOpen) {
    Transcript transcript{FrameDecoder{}};
    EXPECT_FALSE(transcript.decoder().mid_message());
    transcript.feed(masked(Opcode::binary, "a", false));
    EXPECT_TRUE(transcript.decoder().mid_message());
    transcript.feed(masked(Opcode::continuation, "b"));
    EXPECT_FALSE(transcript.decoder().mid_message());
}

TEST(FrameDecoder, ReadsServerFrames_AsClient) {
    Bytes bytes;
    append(bytes, server_header(Opcode::binary, 3).view());
    append(bytes, "abc");
    append(bytes, close_frame(kCloseGoingAway, "stop").view());
    EXPECT_EQ(decode(bytes, FrameDecoder{Role::client}), "abc[close 1001 stop]");
    EXPECT_EQ(decode(masked(Opcode::binary, "abc"), FrameDecoder{Role::client}), "!1002");
}

struct HeaderCase {
    std::uint64_t size;
    Bytes expected;
};

class ServerHeader : public testing::TestWithParam<HeaderCase> {};

TEST_P(ServerHeader, IsShortest) {
    const auto header = server_header(Opcode::binary, GetParam().size);
    EXPECT_EQ(Bytes(header.view().begin(), header.view().end()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ServerHeader,
    testing::Values(
        HeaderCase{0, {0x82, 0x00}},
        HeaderCase{125, {0x82, 0x7D}},
        HeaderCase{126, {0x82, 0x7E, 0x00, 0x7E}},
        HeaderCase{65'535, {0x82, 0x7E, 0xFF, 0xFF}},
        HeaderCase{65'536, {0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}}
    ),
    [](const auto& row) { return std::to_string(row.param.size); }
);

TEST(ControlFrame, EchoesPingAsPong) {
    const auto pong = control_frame(Opcode::pong, as_bytes("abc"));
    EXPECT_EQ(
        as_text(pong.view()),
        "\x8A\x03"
        "abc"
    );
}

TEST(ControlFrame, CutsReasonAtACharacter_WhenTooLong) {
    const auto reason = std::string(122, 'x') + "\xC3\xA4";
    const auto frame = close_frame(kClosePolicy, reason);
    EXPECT_EQ(frame.size, 2 + 2 + 122);
    EXPECT_EQ(
        decode(client_frame(Opcode::close, frame.view().subspan(2), kMask)),
        "[close 1008 " + std::string(122, 'x') + "]"
    );
}

TEST(ApplyMask, GivesTheSame_HoweverDataIsCut) {
    Bytes whole(41);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        whole[i] = static_cast<Byte>(i);
    }
    Bytes expected = whole;
    const Byte key[4] = {0x3D, 0x21, 0xFA, 0x37};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        expected[i] ^= key[i % 4];
    }
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        Bytes data = whole;
        std::uint32_t mask = 0;
        std::memcpy(&mask, key, sizeof(mask));
        apply_mask(std::span{data}.first(cut), mask);
        apply_mask(std::span{data}.subspan(cut), mask);
        EXPECT_EQ(data, expected) << "cut at " << cut;
    }
}

}  // namespace
}  // namespace weir::websocket
