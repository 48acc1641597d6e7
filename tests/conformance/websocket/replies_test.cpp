// Every case of the table, against the decoder alone and against a connection that echoes.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include <weir/websocket/frames.hpp>

#include "conformance/websocket/cases.hpp"
#include "unit/net/support.hpp"

namespace weir::websocket::test {
namespace {

/// What the frames in a stream are, as a Reply. Bytes may come in any pieces.
class Reader {
public:
    explicit Reader(FrameDecoder decoder) : decoder_{decoder} {}

    /// @return The error that ends the stream, if it does.
    std::optional<error_code> read(ByteView bytes) {
        append(carry_, bytes);
        std::span<Byte> in{carry_};
        for (;;) {
            const auto event = decoder_.next(in);
            if (!event) {
                return event.error();
            }
            if (event->kind == Event::Kind::need_more) {
                break;
            }
            note(*event);
        }
        carry_.assign(in.begin(), in.end());
        EXPECT_LE(carry_.size(), kCarryMax);
        return std::nullopt;
    }

    Reply seen;

private:
    void note(const Event& event) {
        const std::string data{as_text(event.data)};
        switch (event.kind) {
            case Event::Kind::need_more:
                break;
            case Event::Kind::data:
                seen.data += data;
                break;
            case Event::Kind::ping:
                seen.control.push_back("ping " + data);
                break;
            case Event::Kind::pong:
                seen.control.push_back("pong " + data);
                break;
            case Event::Kind::close:
                seen.control.push_back(
                    event.close_code == kCloseNoStatus ? "close"
                                                       : "close " + std::to_string(event.close_code)
                );
                break;
        }
    }

    FrameDecoder decoder_;
    Bytes carry_;
};

/// What a server that follows the decoder's events sends: data back, pings as pongs, close as close.
Reply reply_by_decoder(ByteView sent, std::uint64_t message_bytes_max, std::size_t chop) {
    Reader reader{FrameDecoder{Role::server, message_bytes_max}};
    std::optional<error_code> error;
    for (ByteView left = sent; !left.empty() && !error;) {
        const auto piece = left.first(std::min(chop, left.size()));
        error = reader.read(piece);
        left = left.subspan(piece.size());
    }
    Reply out = std::move(reader.seen);
    std::erase_if(out.control, [](const std::string& event) { return event.starts_with("pong"); });
    for (std::string& event : out.control) {
        if (event.starts_with("ping")) {
            event.replace(0, 4, "pong");
        }
    }
    if (error) {
        out.control.push_back("close " + std::to_string(close_code(*error)));
    }
    return out;
}

Reply reply_of(const Case& one) {
    return {one.reply.data(), one.reply.control};
}

/// Large data is not worth printing.
void expect_same(const Reply& got, const Reply& expected) {
    EXPECT_EQ(got.control, expected.control);
    EXPECT_EQ(got.data.size(), expected.data.size());
    EXPECT_TRUE(got.data == expected.data);
}

class WebSocketCase : public testing::TestWithParam<Case> {};

TEST_P(WebSocketCase, Decodes_HoweverReadsAreCut) {
    const Case& one = GetParam();
    const Bytes sent = one.sent();
    const Reply reply = reply_of(one);
    const auto expect_reply = [&](std::size_t chop) {
        expect_same(reply_by_decoder(sent, one.message_bytes_max, chop), reply);
    };
    expect_reply(sent.size());
    expect_reply(one.chop == 0 ? 1'000 : one.chop);
    if (sent.size() < 1'000) {
        for (std::size_t chop = 1; chop < sent.size(); ++chop) {
            expect_reply(chop);
        }
    }
}

/// A connection that sends back what it gets, and a client that reads while it writes.
class Echo : public net::test::OneConnection {
public:
    explicit Echo(std::uint64_t message_bytes_max) {
        connection.on_received = [this](ByteView bytes) {
            connection.received.clear();
            connection.say(as_text(bytes));
        };
        connection.start_websocket(message_bytes_max);
        step();
    }

    Reply converse(ByteView sent, std::size_t chop) {
        Reader reader{FrameDecoder{Role::client}};
        const auto take = [&] {
            EXPECT_FALSE(reader.read(as_bytes(peer.receives()))) << "the server broke the protocol";
        };
        while (!sent.empty()) {
            const auto size = std::min(chop, sent.size());
            const auto taken = ::send(peer.fd(), sent.data(), size, MSG_NOSIGNAL);
            if (taken <= 0 && errno != EAGAIN) {
                break;  // It has closed.
            }
            sent = sent.subspan(static_cast<std::size_t>(std::max<ssize_t>(taken, 0)));
            step(1);
            take();
        }
        for (std::size_t before = 1, now = 0; before != now;) {
            before = reader.seen.data.size();
            step(8);
            take();
            now = reader.seen.data.size();
        }
        return std::move(reader.seen);
    }

    [[nodiscard]] bool peer_ended() const { return peer.ended; }

private:
    void TestBody() override {}
};

TEST_P(WebSocketCase, IsAnsweredByAConnection) {
    const Case& one = GetParam();
    Echo echo{one.message_bytes_max};
    const Bytes sent = one.sent();
    expect_same(echo.converse(sent, one.chop == 0 ? sent.size() : one.chop), reply_of(one));
    const bool closes = !one.reply.control.empty() && one.reply.control.back().starts_with("close");
    EXPECT_EQ(echo.peer_ended(), closes) << "a closing frame ends the stream, nothing else does";
}

INSTANTIATE_TEST_SUITE_P(Table, WebSocketCase, testing::ValuesIn(cases()), [](const auto& row) {
    std::string name = "case_" + row.param.id;
    std::ranges::replace(name, '.', '_');
    return name;
});

}  // namespace
}  // namespace weir::websocket::test
