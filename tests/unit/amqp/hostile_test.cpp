#include <gtest/gtest.h>

#include "harness.hpp"
#include "support/amqp_frames.hpp"

namespace weir::amqp::test {
namespace {

using namespace weir::test::amqp_frames;

constexpr SaslOffer kNoSasl{.optional = true};

/// A server that hears raw bytes.
struct Victim {
    explicit Victim(Settings limits = {}, SaslOffer offer = kNoSasl)
        : settings{std::move(limits)}, server{settings, offer}, events{server} {}

    void hears(ByteView bytes, std::size_t step = 1 << 20) {
        feed_all(server, events, bytes, step);
        append(said, drain_output(server));
        server.process(events);
    }
    /// The peer's socket is gone.
    bool ends_at_eof() {
        server.eof();
        server.process(events);
        return server.finished() && server.output().empty();
    }

    Settings settings;
    ServerConnection server;
    Recorder events;
    Bytes said;
};

/// What a client says in a whole life, with SASL and transfers both ways.
Bytes whole_life() {
    Pair pair;
    Bytes said;
    const auto turn = [&] {
        for (Bytes out = pair.client.output(); !out.empty(); out = pair.client.output()) {
            append(said, out);
            feed_all(pair.server, pair.events, out, out.size());
            pair.client.input(drain_output(pair.server));
        }
    };
    turn();
    pair.client.open();
    turn();
    pn_link_t* const sender = pair.client.sender("up", "data/probe");
    pair.client.receiver("down", "cmd/probe", 5);
    turn();
    pair.client.send(sender, "t1", make_message(std::string(500, 'x')));
    EXPECT_TRUE(pair.server.send(pair.events.links.at(1).id, make_message("y"), {}, false));
    pair.server.process(pair.events);
    pair.client.input(drain_output(pair.server));
    AmqpClient::answer(pair.client.received.at(0).delivery, PN_ACCEPTED);
    turn();
    pn_link_close(sender);
    pn_connection_close(pair.client.connection());
    turn();
    EXPECT_EQ(pair.events.decided.size(), 1U);
    return said;
}

TEST(Eof, EndsTheConnection_AtEveryByte) {
    const Bytes life = whole_life();
    ASSERT_GT(life.size(), 600U);
    for (std::size_t cut = 0; cut <= life.size(); ++cut) {
        Victim victim{{}, {.plain = true}};
        victim.hears(ByteView{life}.first(cut));
        EXPECT_TRUE(victim.ends_at_eof()) << cut;
        EXPECT_EQ(victim.events.closes, 1) << cut;
    }
}

class Garbage : public testing::TestWithParam<std::string_view> {};

TEST_P(Garbage, EndsTheConnection_AfterEveryByte) {
    const Bytes life = whole_life();
    for (std::size_t cut = 0; cut < life.size(); ++cut) {
        Victim victim{{}, {.plain = true}};
        victim.hears(ByteView{life}.first(cut));
        victim.hears(as_bytes(GetParam()));
        victim.hears(as_bytes(GetParam()));
        EXPECT_TRUE(victim.ends_at_eof()) << cut;
        EXPECT_EQ(victim.events.closes, 1) << cut;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    Garbage,
    testing::Values(
        std::string_view{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        std::string_view{"\x00\x00\x00\x00\x00\x00\x00\x00", 8},
        std::string_view{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12},
        std::string_view{"\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x7f\x45", 12}
    )
);

TEST(Engine, SurvivesWritesThatEndAfterItsClose) {
    // A peer sends garbage and resets while our answer is being written.
    Victim victim;
    feed_all(victim.server, victim.events, protocol_header(0) + open_frame(), 1'000);
    const auto in_flight = victim.server.output();
    ASSERT_FALSE(in_flight.empty());
    const auto count = in_flight.size();
    feed_all(victim.server, victim.events, to_bytes("garbage garbage garbage"), 1'000);
    victim.server.eof();
    victim.server.process(victim.events);
    victim.server.output_done(count);
    EXPECT_TRUE(victim.server.finished());
}

TEST(Engine, Ends_WhenAPerformativeCannotBeDecoded) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame());
    Bytes body;
    append_descriptor(body, 0x11);
    body.push_back(0xFF);
    victim.hears(frame(0, body));
    victim.hears({});
    EXPECT_TRUE(victim.server.finished()) << "without waiting for the peer to leave";
    EXPECT_EQ(victim.events.close_condition, "amqp:decode-error");
    EXPECT_EQ(victim.events.closes, 1);
}

TEST(Engine, CountsWhatCameOfAnUnfinishedFrame) {
    const Bytes begin = begin_frame();
    const Bytes two = begin_frame() + Bytes{0, 0, 0, 8, 2, 0, 0, 0};
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, two.size()}) {
        Victim victim;
        victim.hears(protocol_header(0) + open_frame());
        EXPECT_EQ(victim.server.unfinished(), 0U);
        for (std::size_t at = 0; at < two.size(); at += step) {
            const std::size_t end = std::min(at + step, two.size());
            victim.hears(ByteView{two}.subspan(at, end - at));
            EXPECT_EQ(
                victim.server.unfinished(),
                end == two.size() ? 0 : end < begin.size() ? end : end - begin.size()
            ) << end;
        }
        EXPECT_EQ(victim.events.closes, 0);
    }
}

TEST(Engine, RefusesFramesAboveTheMaximum) {
    Victim victim{{.max_frame_bytes = 1'024}};
    victim.hears(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "l", "data/probe")
    );
    ASSERT_EQ(victim.events.links.size(), 1U);
    victim.hears(transfer_frame(0, 0, make_message(std::string(2'000, 'x'))));
    EXPECT_EQ(victim.events.close_condition, "amqp:connection:framing-error");
    EXPECT_TRUE(victim.events.messages.empty());
}

TEST(Engine, TakesAndDropsBytes_AfterTheEnd) {
    Victim victim;
    victim.hears(to_bytes("garbage garbage"));
    const auto more = to_bytes("more garbage");
    EXPECT_EQ(victim.server.feed(more), more.size());
    victim.server.process(victim.events);
    EXPECT_EQ(victim.events.closes, 1);
}

TEST(Transfer, DetachesTheLink_WhenThereIsNoCredit) {
    Victim victim{{.credit_window = 2}};
    victim.hears(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "l", "data/probe")
    );
    victim.events.answer_transfer = false;
    victim.server.set_flow(victim.events.links.at(0).id, false);
    Bytes flood;
    for (std::uint32_t i = 0; i < 5; ++i) {
        append(flood, transfer_frame(0, i, make_message("x")));
    }
    victim.hears(flood);
    EXPECT_EQ(victim.events.messages.size(), 2U);
    ASSERT_EQ(victim.events.ended.size(), 1U);
    EXPECT_EQ(victim.events.ended[0].condition, "amqp:link:transfer-limit-exceeded");
    EXPECT_EQ(victim.events.closes, 0);
}

TEST(Transfer, DetachesTheLink_WhenTheAttachIsNotAnswered) {
    Victim victim;
    victim.events.answer_attach = false;
    victim.hears(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "l", "data/probe")
    );
    victim.hears(transfer_frame(0, 0, make_message("x")));
    EXPECT_TRUE(victim.events.messages.empty());
    ASSERT_EQ(victim.events.ended.size(), 1U);
    EXPECT_EQ(victim.events.ended[0].cause, DetachCause::refused);
}

struct WrongStateCase {
    std::string_view name;
    Bytes bytes;
};
class WrongState : public testing::TestWithParam<WrongStateCase> {};

TEST_P(WrongState, EndsTheConnection) {
    Victim victim;
    victim.hears(GetParam().bytes);
    EXPECT_TRUE(victim.events.messages.empty());
    EXPECT_EQ(victim.events.closes, 1);
    EXPECT_TRUE(victim.ends_at_eof());
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    WrongState,
    testing::Values(
        WrongStateCase{"open_without_header", open_frame()},
        WrongStateCase{"sasl_header_twice", protocol_header(3) + protocol_header(3)},
        WrongStateCase{"tls_header", protocol_header(2)},
        WrongStateCase{"begin_before_open", protocol_header(0) + begin_frame()},
        WrongStateCase{"open_twice", protocol_header(0) + open_frame() + open_frame()},
        WrongStateCase{
            "attach_before_begin", protocol_header(0) + open_frame() + attach_frame(0, "l", "a")
        },
        WrongStateCase{
            "transfer_before_attach",
            protocol_header(0) + open_frame() + begin_frame() + transfer_frame(0, 0, {})
        },
        WrongStateCase{"open_instead_of_sasl", protocol_header(3) + open_frame()},
        WrongStateCase{
            "sasl_instead_of_open", protocol_header(0) + frame(0, Bytes{0, 0x53, 0x41, 0x45}, 1)
        },
        WrongStateCase{
            "sasl_outcome",
            protocol_header(3) + frame(0, Bytes{0, 0x53, 0x44, 0xC0, 3, 1, 0x50, 0}, 1)
        },
        WrongStateCase{"empty_sasl_frame", protocol_header(3) + frame(0, {}, 1)},
        WrongStateCase{"empty_frame_before_open", protocol_header(0) + frame(0, {})},
        WrongStateCase{"close_before_open", protocol_header(0) + close_frame()},
        WrongStateCase{
            "open_of_more_than_8_KiB",
            protocol_header(0) + performative_frame(0x10, [](CompoundWriter& fields) {
                append_string(fields.element(), std::string(8'192, 'c'));
            })
        },
        WrongStateCase{
            "begin_after_close", protocol_header(0) + open_frame() + close_frame() + begin_frame()
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

/// A Transfer with a delivery-id and a delivery-tag, or without.
Bytes bare_transfer(bool has_id, std::optional<std::size_t> tag_bytes) {
    return performative_frame(0x14, [&](CompoundWriter& fields) {
        append_uint(fields.element(), 0);
        if (has_id) {
            append_uint(fields.element(), 0);
        } else {
            fields.absent();
        }
        if (tag_bytes) {
            append_binary(fields.element(), Bytes(*tag_bytes, 't'));
        }
    });
}

/// An Attach with the first fields only.
Bytes bare_attach(bool has_name, bool has_handle, bool has_role) {
    return performative_frame(0x12, [&](CompoundWriter& fields) {
        if (has_name) {
            append_string(fields.element(), "bare");
        } else {
            fields.absent();
        }
        if (has_handle) {
            append_uint(fields.element(), 7);
        } else {
            fields.absent();
        }
        if (has_role) {
            append_boolean(fields.element(), false);
        }
    });
}

/// An array of symbols without a letter, each one byte.
void append_symbols(Bytes& out, std::uint32_t count) {
    out.push_back(0xF0);
    append_be(out, std::uint32_t{4 + 1 + count});
    append_be(out, count);
    out.push_back(0xA3);
    out.resize(out.size() + count);
}

/// A map of so many pairs of a null and a described list, 13 bytes each.
void append_described_lists(Bytes& out, std::uint32_t pairs) {
    auto map = CompoundWriter::map(out);
    for (std::uint32_t i = 0; i < pairs; ++i) {
        append_null(map.element());
        append_descriptor(map.element(), 0x01);
        CompoundWriter::list(out).finish();
    }
    map.finish();
}

enum class Place { source_filter, desired_capabilities, properties };

/// The Attach of a receiver, with one more value, which `write` appends.
template <class Write>
Bytes attach_with(Place place, Write&& write) {
    return performative_frame(0x12, [&](CompoundWriter& fields) {
        append_string(fields.element(), "many");
        append_uint(fields.element(), 7);
        append_boolean(fields.element(), true);  // role
        fields.absent();                         // snd-settle-mode
        fields.absent();                         // rcv-settle-mode
        Bytes& out = fields.element();
        append_descriptor(out, 0x28);
        auto source = CompoundWriter::list(out);
        append_string(source.element(), "cmd/probe");
        if (place == Place::source_filter) {
            for (int i = 0; i < 6; ++i) {  // durable to distribution-mode
                source.absent();
            }
            write(source.element());
        }
        source.finish();
        if (place == Place::source_filter) {
            return;
        }
        const int absent = place == Place::desired_capabilities ? 6 : 7;  // From target.
        for (int i = 0; i < absent; ++i) {
            fields.absent();
        }
        write(fields.element());
    });
}

struct IllegalFrameCase {
    std::string_view name;
    Bytes bytes;
    std::string_view condition;
};
class IllegalFrame : public testing::TestWithParam<IllegalFrameCase> {};

TEST_P(IllegalFrame, EndsTheConnection_CutAnywhere) {
    const Bytes& bytes = GetParam().bytes;
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
        Victim victim;
        victim.hears(
            protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "up", "data/probe") +
            attach_frame(1, "down", "cmd/probe", true) + flow_frame(1, 10)
        );
        ASSERT_EQ(victim.events.links.size(), 2U);
        victim.hears(bytes, step);
        EXPECT_EQ(victim.events.closes, 1);
        EXPECT_EQ(victim.events.close_condition, GetParam().condition);
        EXPECT_NE(as_text(victim.said).find(GetParam().condition), std::string_view::npos)
            << "the peer is told";
        EXPECT_TRUE(victim.events.messages.empty());
        EXPECT_FALSE(victim.server.send(victim.events.links[1].id, make_message("y"), {}, true));
        victim.hears(bytes);
        EXPECT_TRUE(victim.server.finished()) << "without waiting for the peer to leave";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    IllegalFrame,
    testing::Values(
        IllegalFrameCase{
            "transfer_on_a_link_of_ours", transfer_frame(1, 0, make_message("x")), "amqp:not-allowed"
        },
        IllegalFrameCase{
            "aborted_transfer_on_a_link_of_ours",
            transfer_frame(1, 0, {}, false, false, true),
            "amqp:not-allowed"
        },
        IllegalFrameCase{
            "part_of_a_transfer_on_a_link_of_ours",
            transfer_frame(1, 0, make_message("x"), true),
            "amqp:not-allowed"
        },
        IllegalFrameCase{
            "transfer_without_link", transfer_frame(9, 0, {}), "amqp:session:unattached-handle"
        },
        IllegalFrameCase{"flow_without_link", flow_frame(9, 1), "amqp:session:unattached-handle"},
        IllegalFrameCase{
            "detach_without_link", detach_frame(9, true), "amqp:session:unattached-handle"
        },
        IllegalFrameCase{
            "transfer_after_detach",
            detach_frame(0, true) + transfer_frame(0, 0, {}),
            "amqp:session:unattached-handle"
        },
        IllegalFrameCase{"frame_without_session", on_channel(3, end_frame()), "amqp:not-allowed"},
        IllegalFrameCase{"channel_in_use", begin_frame(), "amqp:not-allowed"},
        IllegalFrameCase{
            "answer_to_no_begin", on_channel(1, begin_frame(0)), "amqp:not-allowed"
        },
        IllegalFrameCase{
            "handle_in_use", attach_frame(0, "other", "data/probe"), "amqp:session:handle-in-use"
        },
        IllegalFrameCase{
            "handle_in_use_by_the_other_role",
            attach_frame(1, "other", "data/probe"),
            "amqp:session:handle-in-use"
        },
        IllegalFrameCase{
            "attach_without_name", bare_attach(false, true, true), "amqp:decode-error"
        },
        IllegalFrameCase{
            "attach_without_handle", bare_attach(true, false, true), "amqp:decode-error"
        },
        IllegalFrameCase{
            "attach_without_role", bare_attach(true, true, false), "amqp:decode-error"
        },
        IllegalFrameCase{
            "attach_with_many_filters",
            attach_with(Place::source_filter, [](Bytes& out) { append_described_lists(out, 1'000); }),
            "amqp:resource-limit-exceeded"
        },
        IllegalFrameCase{
            "attach_with_many_capabilities",
            attach_with(
                Place::desired_capabilities, [](Bytes& out) { append_symbols(out, 5'000); }
            ),
            "amqp:resource-limit-exceeded"
        },
        IllegalFrameCase{
            "attach_with_many_properties",
            attach_with(Place::properties, [](Bytes& out) { append_described_lists(out, 1'000); }),
            "amqp:resource-limit-exceeded"
        },
        IllegalFrameCase{"transfer_without_id", bare_transfer(false, 1), "amqp:invalid-field"},
        IllegalFrameCase{
            "transfer_without_tag", bare_transfer(true, std::nullopt), "amqp:invalid-field"
        },
        IllegalFrameCase{"tag_of_33_bytes", bare_transfer(true, 33), "amqp:invalid-field"},
        IllegalFrameCase{"second_open", open_frame(), "amqp:connection:framing-error"},
        IllegalFrameCase{
            "unknown_performative",
            performative_frame(0x30, [](CompoundWriter&) {}),
            "amqp:connection:framing-error"
        },
        IllegalFrameCase{
            "frame_of_sasl", sasl_init_frame("u", "secret"), "amqp:connection:framing-error"
        },
        IllegalFrameCase{
            "data_offset_1", Bytes{0, 0, 0, 8, 1, 0, 0, 0}, "amqp:connection:framing-error"
        },
        IllegalFrameCase{
            "data_offset_behind_the_frame",
            Bytes{0, 0, 0, 8, 3, 0, 0, 0},
            "amqp:connection:framing-error"
        },
        IllegalFrameCase{"size_4", Bytes{0, 0, 0, 4, 2, 0, 0, 0}, "amqp:connection:framing-error"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Transfer, MayHaveATagOf32Bytes) {
    Victim victim;
    victim.hears(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "l", "data/probe")
    );
    victim.hears(bare_transfer(true, 32));
    EXPECT_EQ(victim.events.messages.size(), 1U);
    EXPECT_EQ(victim.events.closes, 0);
}

TEST(Transfer, NeedsATagAgain_AfterAnAbortedOne) {
    Victim victim;
    victim.hears(
        protocol_header(0) + open_frame() + begin_frame() + attach_frame(0, "l", "data/probe")
    );
    victim.hears(transfer_frame(0, 0, make_message("x"), true) + bare_transfer(false, std::nullopt));
    EXPECT_EQ(victim.events.messages.size(), 1U) << "the second frame goes on with the delivery";
    victim.hears(
        transfer_frame(0, 1, make_message("y"), true) +
        transfer_frame(0, 1, {}, false, true, true) + bare_transfer(false, std::nullopt)
    );
    EXPECT_EQ(victim.events.messages.size(), 1U);
    EXPECT_EQ(victim.events.close_condition, "amqp:invalid-field");
}

TEST(Flood, KeepsNothingOfTransfersOnLinksOfOurs) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame());
    for (std::uint8_t channel = 0; channel < 8; ++channel) {
        victim.hears(
            on_channel(channel, begin_frame()) +
            on_channel(channel, attach_frame(1, "down", "cmd/probe", true))
        );
    }
    for (std::uint32_t i = 0; i < 100; ++i) {
        victim.hears(on_channel(
            static_cast<std::uint8_t>(i % 8), transfer_frame(1, i / 8, Bytes(60'000))
        ));
    }
    EXPECT_EQ(victim.events.closes, 1);
    EXPECT_TRUE(victim.server.finished());
}

/// How many frames with this performative there are.
std::size_t count_frames(ByteView said, std::uint8_t code) {
    std::size_t count = 0;
    said = said.subspan(8);
    while (said.size() >= 8) {
        const auto size = load_be<std::uint32_t>(said.data());
        if (size < 8 || size > said.size()) {
            break;
        }
        count += size > 10 && said[10] == code ? 1 : 0;
        said = said.subspan(size);
    }
    return count;
}

TEST(Attach, MayHave1024Values) {
    // The list and its descriptor; name, handle, role; the source with its descriptor and address; the array; 8 absent fields.
    constexpr std::uint32_t kRest = 2 + 3 + 3 + 1 + 8;
    for (const std::uint32_t more : {0U, 1U}) {
        Victim victim;
        victim.hears(
            protocol_header(0) + open_frame() + begin_frame() +
            attach_with(Place::desired_capabilities, [&](Bytes& out) {
                append_symbols(out, 1'024 - kRest + more);
            })
        );
        EXPECT_EQ(victim.events.links.size(), 1 - more);
        EXPECT_EQ(
            victim.events.close_condition, more == 0 ? "" : "amqp:resource-limit-exceeded"
        );
    }
}

TEST(Open, MayNotHaveManyValues) {
    Victim victim;
    victim.hears(
        protocol_header(0) + performative_frame(0x10, [](CompoundWriter& fields) {
            append_string(fields.element(), "raw");
            for (int i = 0; i < 6; ++i) {  // hostname to incoming-locales
                fields.absent();
            }
            append_symbols(fields.element(), 8'000);
        })
    );
    EXPECT_EQ(victim.events.opens, 0);
    EXPECT_EQ(victim.events.close_condition, "amqp:resource-limit-exceeded");
}

TEST(Sessions, AreAnswered_WhenTheyEndBeforeTheAnswer) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame() + begin_frame());
    Bytes seven;
    for (int i = 0; i < 7; ++i) {
        append(seven, on_channel(1, begin_frame()) + on_channel(1, end_frame()));
    }
    for (int i = 0; i < 10; ++i) {
        victim.hears(seven);
    }
    EXPECT_EQ(count_frames(victim.said, 0x11), 71U);
    EXPECT_EQ(count_frames(victim.said, 0x17), 70U);
    EXPECT_EQ(victim.events.closes, 0);
}

TEST(Sessions, EndTheConnection_WhenMoreComeThanThereAreChannels) {
    // The engine has a channel for each session, also of those that ended before they were answered.
    Victim victim;
    Bytes nine;
    for (int i = 0; i < 9; ++i) {
        append(nine, begin_frame() + end_frame());
    }
    victim.hears(protocol_header(0) + open_frame() + nine);
    EXPECT_EQ(victim.events.close_condition, "amqp:resource-limit-exceeded");
    victim.hears({});
    EXPECT_TRUE(victim.server.finished());
}

TEST(Links, EndTheConnection_WhenManyEndAndNoAnswerIsTaken) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame() + begin_frame());
    const Bytes link = attach_frame(0, "link", "topic/t") + detach_frame(0, true);
    for (int i = 0; i < 2'000; ++i) {  // Whose answers are read may go on.
        victim.hears(link);
    }
    EXPECT_EQ(count_frames(victim.said, 0x16), 2'000U);
    EXPECT_EQ(victim.events.closes, 0);
    int unread = 0;
    for (; unread < 2'000 && victim.events.closes == 0; ++unread) {
        feed_all(victim.server, victim.events, link, link.size());
    }
    EXPECT_GT(unread, 500);
    EXPECT_LT(unread, 1'100);
    EXPECT_EQ(victim.events.close_condition, "amqp:resource-limit-exceeded");
}

TEST(Links, EndTheConnection_WhenValuesOfManyWhoseAnswerIsNotTakenAddUp) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame() + begin_frame());
    const Bytes link = attach_with(Place::desired_capabilities, [](Bytes& out) {
                           append_symbols(out, 1'000);
                       }) + detach_frame(7, true);
    int unread = 0;
    for (; unread < 100 && victim.events.closes == 0; ++unread) {
        feed_all(victim.server, victim.events, link, link.size());
    }
    EXPECT_LT(unread, 40) << "of 80 KiB each";
    EXPECT_EQ(victim.events.close_condition, "amqp:resource-limit-exceeded");
}

struct HeaderCase {
    std::string_view name;
    SaslOffer offer;
    std::uint8_t answer;
};
class WrongHeader : public testing::TestWithParam<HeaderCase> {};

TEST_P(WrongHeader, IsAnsweredWithOurs_AMQP_2_2) {
    for (const Bytes& header : {
             Bytes{'A', 'M', 'Q', 'P', 0, 1, 1, 0},
             Bytes{'A', 'M', 'Q', 'P', 3, 2, 0, 0},
             Bytes{'A', 'M', 'Q', 'P', 2, 1, 0, 0},
             Bytes{'A', 'M', 'Q', 'P', 0, 0, 9, 1},
         }) {
        Victim victim{{}, GetParam().offer};
        victim.hears(header);
        EXPECT_EQ(victim.said, protocol_header(GetParam().answer));
        EXPECT_EQ(victim.events.closes, 1);
        EXPECT_TRUE(victim.server.finished());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    WrongHeader,
    testing::Values(
        HeaderCase{"sasl_optional", {.plain = true, .optional = true}, 0},
        HeaderCase{"sasl_required", {.plain = true}, 3}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Handshake, EndsWithTheOutcome_WhenAuthenticationFails) {
    for (const Bytes& init :
         {sasl_init_frame("u", "secret", "FOO"), sasl_init_frame("u", "guess")}) {
        Victim victim{{}, {.plain = true}};
        victim.hears(protocol_header(3));
        victim.said.clear();
        feed_all(victim.server, victim.events, init, init.size());
        EXPECT_EQ(victim.events.closes, 1) << "told with the outcome, so that the caller can close";
        victim.hears({});
        EXPECT_EQ(count_frames(protocol_header(3) + victim.said, 0x44), 1U);
        EXPECT_EQ(victim.events.close_condition, "amqp:unauthorized-access");
        EXPECT_EQ(victim.events.closes, 1);
        EXPECT_TRUE(victim.server.finished()) << "without waiting for the peer to leave";
    }
}

TEST(Handshake, RefusesSaslFrames_AfterOpen) {
    Victim victim{{}, {.plain = true, .optional = true}};
    victim.hears(protocol_header(0) + open_frame());
    victim.hears(sasl_init_frame("u", "secret"));
    EXPECT_EQ(victim.events.sasl_inits, 0) << "an identity does not change under way";
}

TEST(Handshake, TakesBytesPipelinedBehindSaslInit) {
    Victim victim{{}, {.plain = true}};
    victim.events.answer_sasl = false;
    const Bytes bytes = protocol_header(3) + sasl_init_frame("u", "secret") + protocol_header(0) +
                        open_frame() + begin_frame();
    const Bytes rest = feed_all(victim.server, victim.events, bytes, bytes.size());
    EXPECT_EQ(victim.events.sasl_inits, 1);
    EXPECT_EQ(victim.events.opens, 0);
    victim.server.sasl_outcome(SaslVerdict::accepted);
    victim.hears(rest);
    EXPECT_EQ(victim.events.opens, 1);
    EXPECT_TRUE(victim.events.authenticated);
    EXPECT_EQ(victim.events.closes, 0);
}

TEST(Flood, EndsAtOnce_WhenThePeerGoesOnAfterOurClose) {
    Victim victim{{.links_per_session_max = 5}};
    victim.hears(protocol_header(0) + open_frame() + begin_frame());
    for (std::uint32_t i = 0; i < 500 && !victim.server.finished(); ++i) {
        victim.hears(attach_frame(i, "l" + std::to_string(i), "data/probe"));
    }
    EXPECT_TRUE(victim.server.finished());
    EXPECT_EQ(victim.events.close_condition, "amqp:resource-limit-exceeded");
    EXPECT_LE(victim.events.links.size(), 5U);
}

TEST(Flood, IsFedInPortions) {
    Victim victim;
    victim.hears(protocol_header(0) + open_frame());
    const Bytes empty_frame = {0, 0, 0, 8, 2, 0, 0, 0};
    Bytes flood;
    for (int i = 0; i < 20'000; ++i) {
        append(flood, empty_frame);
    }
    EXPECT_LE(victim.server.feed(flood), 64U * 1024U);
}

TEST(Handshake, KeepsTheOpenWaiting_WhenBytesArePipelined) {
    Victim victim;
    victim.events.answer_open = false;
    Bytes bytes = protocol_header(0) + open_frame() + begin_frame();
    for (std::uint32_t i = 0; i < 2'000; ++i) {
        append(bytes, attach_frame(i, "l" + std::to_string(i), "data/probe"));
    }
    const Bytes rest = feed_all(victim.server, victim.events, bytes, 65'536);
    EXPECT_EQ(victim.events.opens, 1);
    EXPECT_EQ(rest.size(), bytes.size() - 8 - open_frame().size())
        << "what follows the Open stays outside of the engine";
}

}  // namespace
}  // namespace weir::amqp::test
