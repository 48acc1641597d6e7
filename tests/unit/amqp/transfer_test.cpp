#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.hpp"

namespace weir::amqp::test {
namespace {

TEST(Incoming, HandsOnAndSettles) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.sender();
    pair.client.send(link, "t1", make_message("21.5"));
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 1U);
    EXPECT_EQ(pair.events.messages[0].payload, "21.5");
    EXPECT_TRUE(pair.events.messages[0].delivery);
    ASSERT_EQ(pair.client.settled.size(), 1U);
    EXPECT_EQ(pair.client.settled[0].tag, "t1");
    EXPECT_EQ(pair.client.settled[0].state, PN_ACCEPTED);
}

TEST(Incoming, HasNoDelivery_WhenThePeerSettled) {
    Pair pair;
    pair.open();
    pair.client.send(pair.sender(), "t1", make_message("21.5"), true);
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 1U);
    EXPECT_FALSE(pair.events.messages[0].delivery);
    EXPECT_TRUE(pair.client.settled.empty());
}

TEST(Incoming, SettlesLater_InAnyOrder) {
    Pair pair;
    pair.events.answer_transfer = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    for (const char* tag : {"a", "b", "c"}) {
        pair.client.send(link, tag, make_message(tag));
    }
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 3U);
    EXPECT_TRUE(pair.client.settled.empty());
    pair.server.settle(pair.events.messages[2].delivery, {});
    pair.server.settle(
        pair.events.messages[0].delivery,
        {.kind = OutcomeKind::rejected, .error = {"amqp:unauthorized-access", "no"}}
    );
    pair.server.settle(pair.events.messages[1].delivery, {.kind = OutcomeKind::released});
    pair.server.settle(pair.events.messages[1].delivery, {});  // Outlived: ignored.
    pair.pump();
    ASSERT_EQ(pair.client.settled.size(), 3U);
    std::map<std::string, AmqpClient::Settled> by_tag;
    for (const auto& entry : pair.client.settled) {
        by_tag[entry.tag] = entry;
    }
    EXPECT_EQ(by_tag["a"].state, PN_REJECTED);
    EXPECT_EQ(by_tag["a"].condition, "amqp:unauthorized-access");
    EXPECT_EQ(by_tag["b"].state, PN_RELEASED);
    EXPECT_EQ(by_tag["c"].state, PN_ACCEPTED);
}

TEST(Incoming, JoinsEqualOutcomesInOneFrame) {
    Pair pair;
    pair.events.answer_transfer = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    for (int i = 0; i < 40; ++i) {
        pair.client.send(link, std::to_string(i), make_message("x"));
    }
    pair.pump();
    for (const auto& message : pair.events.messages) {
        pair.server.settle(message.delivery, {});
    }
    pair.server.process(pair.events);
    EXPECT_LT(drain_output(pair.server).size(), 100U);
}

TEST(Incoming, IgnoresSettling_WhenTheLinkIsGone) {
    Pair pair;
    pair.events.answer_transfer = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    pair.client.send(link, "t1", make_message("x"));
    pair.pump();
    pn_link_close(link);
    pair.pump();
    pair.server.settle(pair.events.messages.at(0).delivery, {});
    pair.pump();
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Incoming, Stops_WhenTheCallerClosesFromAnEvent) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.sender();
    pair.events.close_at_transfer = true;
    for (const char* tag : {"a", "b", "c"}) {
        pair.client.send(link, tag, make_message(tag));
    }
    pair.pump();
    EXPECT_EQ(pair.events.messages.size(), 1U) << "nothing is reported after close()";
    EXPECT_EQ(pair.client.close_condition(), "amqp:connection:forced");
    EXPECT_EQ(pair.events.closes, 0);
}

class MultiFrame : public testing::TestWithParam<std::size_t> {};

TEST_P(MultiFrame, AssemblesWholeMessages) {
    Settings settings;
    settings.max_frame_bytes = 512;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.step = GetParam();
    pair.open();
    pn_link_t* const first = pair.sender();
    pn_link_t* const second = pair.sender();
    const std::string big(50'000, 'b');
    const std::string small = "small";
    pair.client.send(first, "t1", make_message(big));
    pair.client.send(second, "t2", make_message(small));
    pair.client.send(first, "t3", make_message(small), true);
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 3U);
    std::vector<std::string> payloads;
    for (const auto& message : pair.events.messages) {
        payloads.push_back(message.payload);
    }
    EXPECT_THAT(payloads, testing::UnorderedElementsAre(big, small, small));
    EXPECT_EQ(pair.client.settled.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Steps, MultiFrame, testing::Values(1U, 7U, 511U, 4096U, 1'000'000U));

TEST(Incoming, DetachesTheLink_WhenAMessageIsTooLarge) {
    Settings settings;
    settings.message_bytes_max = 10'000;
    settings.max_frame_bytes = 1'024;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    pn_link_t* const link = pair.sender();
    EXPECT_EQ(pn_link_remote_max_message_size(link), 10'000U);
    pair.client.send(link, "t1", make_message(std::string(200'000, 'x')));
    pair.pump();
    EXPECT_EQ(AmqpClient::condition(link), "amqp:link:message-size-exceeded");
    ASSERT_EQ(pair.events.ended.size(), 1U);
    EXPECT_EQ(pair.events.ended[0].cause, DetachCause::refused);
    EXPECT_EQ(pair.events.ended[0].condition, "amqp:link:message-size-exceeded");
    EXPECT_TRUE(pair.events.messages.empty());
    pn_link_close(link);
    pair.pump();
    pair.client.send(pair.sender(), "t2", make_message("fits"));
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 1U) << "the rest of the large message was dropped";
    EXPECT_EQ(pair.events.messages[0].payload, "fits");
}

TEST(Incoming, TakesAMessageOfExactlyTheLimit) {
    Settings settings;
    settings.message_bytes_max = make_message(std::string(9'000, 'x')).size();
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    pair.client.send(pair.sender(), "t1", make_message(std::string(9'000, 'x')));
    pair.pump();
    EXPECT_EQ(pair.events.messages.size(), 1U);
}

TEST(Incoming, EndsTheConnection_WhenTooMuchIsIncomplete) {
    Settings settings;
    settings.message_bytes_max = 10'000;
    settings.assembling_bytes_max = 25'000;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    for (int i = 0; i < 4; ++i) {
        pn_link_t* const link = pair.sender();
        pn_delivery(link, pn_dtag("t", 1));
        const std::string part(8'000, 'x');
        pn_link_send(link, part.data(), part.size());  // Never advanced: more is to come.
        pair.pump();
    }
    EXPECT_EQ(pair.client.close_condition(), "amqp:resource-limit-exceeded");
}

TEST(Incoming, DropsAnAbortedMessage) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.sender();
    pn_delivery_t* const delivery = pn_delivery(link, pn_dtag("t1", 2));
    pn_link_send(link, "partial", 7);
    pair.pump();
    pn_delivery_abort(delivery);
    pair.pump();
    EXPECT_TRUE(pair.events.messages.empty());
    pair.client.send(link, "t2", make_message("whole"));
    pair.pump();
    ASSERT_EQ(pair.events.messages.size(), 1U);
    EXPECT_EQ(pair.events.messages[0].payload, "whole");
}

TEST(Outgoing, IsAtMostWhatThePeerTakes_AMQP_2_7_3) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pn_receiver(pair.client.session(), "small");
    pn_terminus_set_address(pn_link_source(link), "cmd/probe");
    pn_link_set_max_message_size(link, 100);
    pn_link_open(link);
    pn_link_flow(link, 10);
    pair.pump();
    const auto id = pair.events.links.at(0).id;
    EXPECT_EQ(pair.server.send(id, Bytes(50), Bytes(51), true).error(), errc::message_too_large);
    EXPECT_TRUE(pair.server.send(id, Bytes(50), Bytes(50), true));
    pair.pump();
    ASSERT_EQ(pair.client.received.size(), 1U);
    EXPECT_EQ(pair.client.received[0].message.size(), 100U);
}

TEST(Incoming, HandsOnAnEmptyMessage) {
    Pair pair;
    pair.open();
    pair.client.send(pair.sender(), "t1", {});
    pair.pump();
    EXPECT_EQ(pair.events.messages.size(), 1U);
}

TEST(Credit, IsRefilledAtHalf) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.sender();
    EXPECT_EQ(pn_link_credit(link), 100);
    for (int i = 0; i < 49; ++i) {
        pair.client.send(link, std::to_string(i), make_message("x"), true);
    }
    pair.pump();
    EXPECT_EQ(pn_link_credit(link), 51);
    pair.client.send(link, "50", make_message("x"), true);
    pair.pump();
    EXPECT_EQ(pn_link_credit(link), 100);
}

TEST(Credit, CountsUnsettledMessages) {
    Pair pair;
    pair.events.answer_transfer = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    for (int i = 0; i < 100; ++i) {
        pair.client.send(link, std::to_string(i), make_message("x"));
    }
    pair.pump();
    EXPECT_EQ(pn_link_credit(link), 0);
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_EQ(pn_link_credit(link), 0) << i;
        pair.server.settle(pair.events.messages[i].delivery, {});
        pair.pump();
    }
    EXPECT_EQ(pn_link_credit(link), 50);
}

TEST(Credit, IsNotGiven_WhileTheFlowIsClosed) {
    Pair pair;
    pair.events.open_flow = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    EXPECT_EQ(pn_link_credit(link), 0);
    pair.server.set_flow(pair.events.links[0].id, true);
    pair.pump();
    EXPECT_EQ(pn_link_credit(link), 100);
    pair.server.set_flow(pair.events.links[0].id, false);
    for (int i = 0; i < 100; ++i) {
        pair.client.send(link, std::to_string(i), make_message("x"), true);
    }
    pair.pump();
    EXPECT_EQ(pn_link_credit(link), 0);
    EXPECT_EQ(pair.events.messages.size(), 100U);
}

TEST(Outgoing, SendsWithinCredit) {
    Pair pair;
    pair.open();
    pair.receiver(2);
    const LinkId link = pair.events.links.at(0).id;
    EXPECT_EQ(pair.server.credit(link), 2U);
    EXPECT_EQ(pair.events.credits[link.number()], 2U);
    const auto first = pair.server.send(link, make_message("one"), {}, false);
    const auto second = pair.server.send(link, make_message("two"), {}, true);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(*first);
    EXPECT_FALSE(*second);
    EXPECT_EQ(pair.server.send(link, make_message("three"), {}, true).error(), errc::no_credit);
    pair.pump();
    ASSERT_EQ(pair.client.received.size(), 2U);
    EXPECT_EQ(payload_of(pair.client.received[0].message), "one");
    EXPECT_FALSE(pair.client.received[0].settled);
    EXPECT_EQ(payload_of(pair.client.received[1].message), "two");
    EXPECT_TRUE(pair.client.received[1].settled);
}

TEST(Outgoing, SendsHeadAndBodyAsOneMessage) {
    Pair pair;
    pair.open();
    pair.receiver();
    const std::string payload(200'000, 'p');
    Bytes head;
    append_message_head(head, {.to = "cmd/probe"}, payload.size());
    ASSERT_TRUE(pair.server.send(pair.events.links.at(0).id, head, as_bytes(payload), true));
    pair.pump();
    ASSERT_EQ(pair.client.received.size(), 1U);
    EXPECT_EQ(payload_of(pair.client.received[0].message), payload);
}

struct OutcomeCase {
    std::string_view name;
    std::uint64_t state;
    bool settle;
    OutcomeKind kind;
    bool failed;
};
class PeerOutcome : public testing::TestWithParam<OutcomeCase> {};

TEST_P(PeerOutcome, IsReportedOnce) {
    Pair pair;
    pair.open();
    pair.receiver();
    const auto delivery =
        pair.server.send(pair.events.links.at(0).id, make_message("x"), {}, false);
    ASSERT_TRUE(delivery);
    pair.pump();
    ASSERT_EQ(pair.client.received.size(), 1U);
    pn_delivery_t* const got = pair.client.received[0].delivery;
    if (GetParam().state != 0) {
        pn_delivery_update(got, GetParam().state);
    }
    if (GetParam().settle) {
        pn_delivery_settle(got);
    }
    pair.pump();
    pair.pump();
    ASSERT_EQ(pair.events.decided.size(), 1U);
    EXPECT_EQ(pair.events.decided[0].delivery, *delivery);
    EXPECT_EQ(pair.events.decided[0].kind, GetParam().kind);
    EXPECT_EQ(pair.events.decided[0].failed, GetParam().failed);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    PeerOutcome,
    testing::Values(
        OutcomeCase{"accepted", PN_ACCEPTED, true, OutcomeKind::accepted, false},
        OutcomeCase{"accepted_unsettled", PN_ACCEPTED, false, OutcomeKind::accepted, false},
        OutcomeCase{"rejected", PN_REJECTED, true, OutcomeKind::rejected, false},
        OutcomeCase{"released", PN_RELEASED, true, OutcomeKind::released, false},
        OutcomeCase{"modified", PN_MODIFIED, true, OutcomeKind::modified, false},
        OutcomeCase{"settled_without_outcome", 0, true, OutcomeKind::modified, true}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Outgoing, WaitsForAnOutcome_WhenThePeerHasOnlyReceived) {
    Pair pair;
    pair.open();
    pair.receiver();
    ASSERT_TRUE(pair.server.send(pair.events.links.at(0).id, make_message("x"), {}, false));
    pair.pump();
    pn_delivery_update(pair.client.received.at(0).delivery, PN_RECEIVED);
    pair.pump();
    EXPECT_TRUE(pair.events.decided.empty());
    AmqpClient::answer(pair.client.received[0].delivery, PN_ACCEPTED);
    pair.pump();
    ASSERT_EQ(pair.events.decided.size(), 1U);
    EXPECT_EQ(pair.events.decided[0].kind, OutcomeKind::accepted);
}

TEST(Outgoing, IsBoundedByUnsettledMessages) {
    Settings settings;
    settings.unsettled_max = 3;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    pair.receiver(50);
    const LinkId link = pair.events.links.at(0).id;
    EXPECT_EQ(pair.server.sendable(link), 3U);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(pair.server.send(link, make_message("x"), {}, false));
    }
    EXPECT_EQ(pair.server.sendable(link), 0U);
    EXPECT_EQ(pair.server.credit(link), 47U);
    pair.pump();
    AmqpClient::answer(pair.client.received.at(0).delivery, PN_ACCEPTED);
    pair.pump();
    EXPECT_EQ(pair.server.sendable(link), 1U);
}

TEST(Outgoing, IsBoundedByUnsentBytes) {
    Settings settings;
    settings.unsent_bytes_max = 10'000;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    pair.receiver(50);
    const LinkId link = pair.events.links.at(0).id;
    ASSERT_TRUE(pair.server.send(link, make_message(std::string(9'000, 'x')), {}, true));
    EXPECT_GT(pair.server.sendable(link), 0U);
    ASSERT_TRUE(pair.server.send(link, make_message(std::string(2'000, 'x')), {}, true));
    EXPECT_EQ(pair.server.sendable(link), 0U);
    EXPECT_GT(pair.server.unsent_bytes(), 11'000U);
    pair.pump();
    EXPECT_EQ(pair.server.unsent_bytes(), 0U);
    EXPECT_GT(pair.server.sendable(link), 0U);
}

TEST(Outgoing, EndsADrain) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.receiver(0);
    pn_link_drain(link, 10);
    pair.pump();
    EXPECT_FALSE(pn_link_draining(link));
    EXPECT_EQ(pn_link_credit(link), 0);
    EXPECT_EQ(pair.server.credit(pair.events.links.at(0).id), 0U);
}

TEST(Outgoing, NeedsTheRightLink) {
    Pair pair;
    pair.open();
    pair.sender();
    EXPECT_EQ(
        pair.server.send(pair.events.links.at(0).id, {}, {}, true).error(), errc::unknown_link
    );
    EXPECT_EQ(pair.server.send(LinkId{}, {}, {}, true).error(), errc::unknown_link);
    EXPECT_EQ(pair.server.send(LinkId{9, 9}, {}, {}, true).error(), errc::unknown_link);
}

TEST(BothWays, Work_WhenCutAtEveryByte) {
    Pair pair;
    pair.step = 1;
    pair.open();
    pn_link_t* const out = pair.sender();
    pn_link_t* const in = pair.receiver();
    for (int i = 0; i < 20; ++i) {
        pair.client.send(out, std::to_string(i), make_message("up " + std::to_string(i)));
        ASSERT_TRUE(pair.server.send(
            pair.events.links.at(1).id, make_message("down " + std::to_string(i)), {}, i % 2 == 0
        )) << i;
        pair.pump();
        if (auto* const delivery = pair.client.received.back().delivery; delivery != nullptr) {
            AmqpClient::answer(delivery, PN_ACCEPTED);
        }
        pn_link_flow(in, 1);
        pair.pump();
    }
    EXPECT_EQ(pair.events.messages.size(), 20U);
    EXPECT_EQ(pair.client.settled.size(), 20U);
    EXPECT_EQ(pair.client.received.size(), 20U);
    EXPECT_EQ(pair.events.decided.size(), 10U);
}

}  // namespace
}  // namespace weir::amqp::test
