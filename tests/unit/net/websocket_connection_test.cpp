#include <weir/net/connection.hpp>

#include <unit/net/support.hpp>

namespace weir::net {
namespace {

using namespace test;
enum Opcode : unsigned char { continuation = 0, binary = 2, close = 8, ping = 9 };

/// [RFC6455-5.2], for payloads below 64 KiB.
std::string client_frame(Opcode opcode, std::string_view text, bool final = true) {
    constexpr std::string_view kMask = "\x12\x34\x56\x78";
    std::string frame{static_cast<char>((final ? 0x80 : 0) | opcode)};
    if (text.size() < 126) {
        frame += static_cast<char>(0x80 | text.size());
    } else {
        frame += '\xfe';
        frame += static_cast<char>(text.size() >> 8U);
        frame += static_cast<char>(text.size());
    }
    frame += kMask;
    for (std::size_t i = 0; i < text.size(); ++i) {
        frame += static_cast<char>(text[i] ^ kMask[i % 4]);
    }
    return frame;
}

std::string server_frame(std::string_view text) {
    std::string frame = "\x82";
    if (text.size() < 126) {
        frame += static_cast<char>(text.size());
    } else {
        frame += '\x7f';
        for (int shift = 56; shift >= 0; shift -= 8) {
            frame += static_cast<char>(std::uint64_t{text.size()} >> static_cast<unsigned>(shift));
        }
    }
    return frame + std::string{text};
}

struct WebSocketConnection : OneConnection {
    WebSocketConnection() {
        connection.say("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        connection.start_websocket(1'000'000);
        step();
        EXPECT_EQ(peer.receives(), "HTTP/1.1 101 Switching Protocols\r\n\r\n") << "not framed";
    }
};

TEST_F(WebSocketConnection, UnframesWhatComesInPieces) {
    const std::string stream = client_frame(binary, "hel", false) +
                               client_frame(continuation, "lo ") +
                               client_frame(binary, std::string(300, 'x'));
    for (const char byte : stream) {
        peer.sends({&byte, 1});
        step(1);
    }
    EXPECT_EQ(connection.received, "hello " + std::string(300, 'x'));
}

TEST_F(WebSocketConnection, DeliversTheFramesOfOneReadTogether) {
    peer.sends(client_frame(binary, "one ") + client_frame(ping, "") + client_frame(binary, "two"));
    step();
    EXPECT_EQ(connection.received, "one two");
    EXPECT_EQ(connection.calls, 1);
}

TEST_F(WebSocketConnection, FramesTheOutputOfAWake) {
    connection.say("one ");
    connection.say("two");
    step();
    EXPECT_EQ(peer.receives(), server_frame("one two"));
}

TEST_F(WebSocketConnection, KeepsFramesWhole_WhenTheSocketBlocks) {
    const std::string large(3'000'000, 'x');
    connection.say(large);
    step();
    connection.say("behind");
    peer.sends(client_frame(ping, "p"));
    std::string received;
    for (int i = 0; i < 200; ++i) {
        step(1);
        received += peer.receives();
    }
    EXPECT_EQ(received, server_frame(large) + "\x8a\x01p" + server_frame("behind"));
}

TEST_F(WebSocketConnection, AnswersPingWithPong) {
    peer.sends(client_frame(ping, "tick"));
    step();
    EXPECT_EQ(peer.receives(), "\x8a\x04tick");
}

TEST_F(WebSocketConnection, AnswersEveryPingOfARead) {
    peer.sends(client_frame(ping, "x") + client_frame(ping, "y") + client_frame(ping, "z"));
    step();
    EXPECT_EQ(peer.receives(), "\x8a\x01x\x8a\x01y\x8a\x01z");
}

TEST_F(WebSocketConnection, KeepsFewPongs_WhenAPeerPingsAndDoesNotRead) {
    const std::string large(3'000'000, 'x');
    connection.say(large);
    step();
    for (int i = 0; i < 1'000; ++i) {
        peer.sends(client_frame(ping, "ping " + std::to_string(i)));
        step(1);
    }
    std::string received;
    for (int i = 0; i < 200; ++i) {
        step(1);
        received += peer.receives();
    }
    const auto pongs = received.substr(server_frame(large).size());
    EXPECT_LE(pongs.size(), 2'048U);
    EXPECT_TRUE(pongs.ends_with("\x8a\x08ping 999")) << "the latest is answered in any case";
}

TEST_F(WebSocketConnection, EchoesTheCodeOfAClosingFrame) {
    peer.sends(client_frame(close, "\x0f\xa0why"));
    step();
    EXPECT_EQ(peer.receives(), std::string("\x88\x02\x0f\xa0", 4));
}

TEST_F(WebSocketConnection, SendsWhatIsQueued_BeforeItAnswersAClosingFrame) {
    connection.on_received = [this](ByteView) { connection.say("PUBACK"); };
    peer.sends(client_frame(binary, "PUBLISH") + client_frame(close, "\x03\xe8"));
    step();
    EXPECT_EQ(peer.receives(), server_frame("PUBACK") + std::string("\x88\x02\x03\xe8", 4));
    connection.say("late");
    step();
    EXPECT_EQ(peer.receives(), "") << "nothing follows a closing frame";
}

TEST_F(WebSocketConnection, DeliversDataThatPrecedesTheClosingFrame) {
    peer.sends(client_frame(binary, "DISCONNECT") + client_frame(close, "\x03\xe8"));
    step();
    EXPECT_EQ(connection.received, "DISCONNECT");
    EXPECT_EQ(peer.receives(), std::string("\x88\x02\x03\xe8", 4));
    peer.closes();
    step();
    EXPECT_EQ(connection.closed, error_code{errc::end_of_stream});
}

TEST_F(WebSocketConnection, SaysWhy_WhenAFrameIsNotMasked) {
    peer.sends(server_frame("unmasked"));
    step();
    EXPECT_EQ(peer.receives(), std::string("\x88\x02\x03\xea", 4));
    peer.closes();
    step();
    ASSERT_TRUE(connection.closed);
    EXPECT_EQ(connection.closed->message(), "a frame of a client is not masked");
}

TEST_F(WebSocketConnection, SendsTheRestThenAClosingFrame_WhenClosedAfterFlush) {
    connection.say("last");
    connection.close_after_flush(errc::closed);
    step();
    EXPECT_EQ(peer.receives(), server_frame("last") + std::string("\x88\x02\x03\xe8", 4));
    EXPECT_TRUE(peer.ended);
}

TEST_F(OneConnection, TakesFramesThatCameWithTheUpgrade) {
    const std::string upgrade = "GET /mqtt HTTP/1.1\r\n\r\n";
    connection.on_received = [&](ByteView bytes) {
        if (connection.calls == 1) {
            connection.received.clear();
            connection.output().append(as_bytes("HTTP/1.1 101\r\n\r\n"));
            connection.start_websocket(1000, bytes.subspan(upgrade.size()));
        } else {
            connection.say("answer");
        }
    };
    peer.sends(upgrade + client_frame(binary, "early"));
    step();
    EXPECT_EQ(connection.received, "early");
    EXPECT_EQ(peer.receives(), "HTTP/1.1 101\r\n\r\n" + server_frame("answer"));
}

}  // namespace
}  // namespace weir::net
