#include <gtest/gtest.h>

#include "harness.hpp"

namespace weir::amqp::test {
namespace {

TEST(Handshake, AcceptsPlain) {
    Pair pair;
    pair.open();
    EXPECT_TRUE(pair.client.is_open());
    EXPECT_EQ(pair.events.mechanism, SaslMechanism::plain);
    EXPECT_EQ(pair.events.username, "probe");
    EXPECT_EQ(pair.events.password, "secret");
    EXPECT_EQ(pair.events.container_id, "client");
    EXPECT_EQ(pair.events.hostname, "gateway.example");
    EXPECT_TRUE(pair.events.authenticated);
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Handshake, AcceptsPlain_WhenCutAtEveryByte) {
    Pair pair;
    pair.step = 1;
    pair.open();
    EXPECT_TRUE(pair.client.is_open());
}

TEST(Handshake, AcceptsExternal) {
    Pair pair{ClientSasl::external()};
    pair.open();
    EXPECT_TRUE(pair.client.is_open());
    EXPECT_EQ(pair.events.mechanism, SaslMechanism::external);
    EXPECT_EQ(pair.events.username, "");
}

TEST(Handshake, AcceptsAnonymous_WhenOffered) {
    Pair pair{ClientSasl::anonymous(), {.anonymous = true}};
    pair.open();
    EXPECT_TRUE(pair.client.is_open());
    EXPECT_EQ(pair.events.mechanism, SaslMechanism::anonymous);
}

TEST(Handshake, AcceptsNoSaslHeader_WhenOptional) {
    Pair pair{std::nullopt, {.external = true, .optional = true}};
    pair.open();
    EXPECT_TRUE(pair.client.is_open());
    EXPECT_FALSE(pair.events.authenticated);
}

TEST(Handshake, RefusesNoSaslHeader_WhenRequired) {
    Pair pair{std::nullopt};
    pair.open();
    EXPECT_EQ(pair.events.opens, 0);
    EXPECT_EQ(pair.client.close_condition(), "amqp:unauthorized-access");
    EXPECT_EQ(pair.events.close_condition, "amqp:unauthorized-access");
    pair.client.open();
    pn_connection_close(pair.client.connection());
    pair.pump();
    EXPECT_TRUE(pair.server.finished());
}

TEST(Handshake, RefusesWrongPassword) {
    Pair pair{ClientSasl::plain("probe", "guess")};
    pair.open();
    EXPECT_FALSE(pair.client.is_open());
    EXPECT_EQ(pair.client.sasl_outcome(), PN_SASL_AUTH);
    EXPECT_EQ(pair.events.opens, 0);
    EXPECT_EQ(pair.events.closes, 1);
    EXPECT_TRUE(pair.server.finished());
}

TEST(Handshake, SaysTemporary_WhenAuthenticationIsUnavailable) {
    Pair pair;
    pair.events.answer_sasl = false;
    pair.open();
    pair.server.sasl_outcome(SaslVerdict::unavailable);
    pair.pump();
    EXPECT_EQ(pair.client.sasl_outcome(), PN_SASL_TEMP);
    EXPECT_TRUE(pair.server.finished());
}

TEST(Handshake, TakesTheVerdictLater) {
    Pair pair;
    pair.events.answer_sasl = false;
    pair.open();
    EXPECT_FALSE(pair.client.is_open());
    EXPECT_EQ(pair.events.sasl_inits, 1);
    EXPECT_EQ(pair.server.feed(to_bytes("more")), 0U) << "nothing is taken before the verdict";
    pair.server.sasl_outcome(SaslVerdict::accepted);
    pair.pump();
    EXPECT_TRUE(pair.client.is_open());
}

TEST(Handshake, IgnoresVerdicts_WhenNoneIsAwaited) {
    Pair pair;
    pair.server.sasl_outcome(SaslVerdict::accepted);
    pair.open();
    pair.server.sasl_outcome(SaslVerdict::refused);
    pair.pump();
    EXPECT_TRUE(pair.client.is_open());
    EXPECT_FALSE(pair.server.finished());
}

struct BadSaslCase {
    std::string_view name;
    std::string mechanism;
    std::string response;
    SaslOffer offer;
};
class BadSasl : public testing::TestWithParam<BadSaslCase> {};

TEST_P(BadSasl, FailsWithoutAskingTheCaller) {
    const auto& param = GetParam();
    Pair pair{ClientSasl{param.mechanism, param.response}, param.offer};
    pair.client.insist_on_mechanism = true;
    pair.open();
    EXPECT_EQ(pair.events.sasl_inits, 0);
    EXPECT_EQ(pair.client.sasl_outcome(), PN_SASL_AUTH);
    EXPECT_TRUE(pair.server.finished());
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    BadSasl,
    testing::Values(
        BadSaslCase{
            "plain_not_offered", "PLAIN", std::string{"\0u\0secret", 9}, {.external = true}
        },
        BadSaslCase{"external_not_offered", "EXTERNAL", "", {.plain = true}},
        BadSaslCase{"unknown", "SCRAM-SHA-256", "n,,n=u,r=x", {.plain = true}},
        BadSaslCase{"plain_without_nul", "PLAIN", "secret", {.plain = true}},
        BadSaslCase{"plain_with_one_nul", "PLAIN", std::string{"u\0secret", 8}, {.plain = true}},
        BadSaslCase{
            "plain_with_three_nuls", "PLAIN", std::string{"\0u\0sec\0ret", 10}, {.plain = true}
        },
        BadSaslCase{
            "too_long", "PLAIN", std::string{"\0u\0", 3} + std::string(4096, 'x'), {.plain = true}
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Handshake, HoldsEventsBack_UntilOpenIsAnswered) {
    Pair pair;
    pair.events.answer_open = false;
    pair.client.open();
    pair.client.sender("early", "data/probe");
    pair.pump();
    EXPECT_EQ(pair.events.opens, 1);
    EXPECT_TRUE(pair.events.links.empty());
    pair.server.accept_open();
    pair.pump();
    EXPECT_TRUE(pair.client.is_open());
    ASSERT_EQ(pair.events.links.size(), 1U);
    EXPECT_EQ(pair.events.links[0].name, "early");
}

TEST(Handshake, TellsWhyOpenIsRefused) {
    Pair pair;
    pair.events.answer_open = false;
    pair.open();
    pair.server.close({"amqp:unauthorized-access", "banned"});
    pair.pump();
    EXPECT_EQ(pair.client.close_condition(), "amqp:unauthorized-access");
    pn_connection_close(pair.client.connection());
    pair.pump();
    EXPECT_TRUE(pair.server.finished());
    EXPECT_EQ(pair.events.closes, 0) << "the caller's own close is not reported";
}

TEST(Handshake, SpeaksOfItself_InOpen) {
    Pair pair;
    pair.settings.container_id = "node-1";
    pair.open();
    EXPECT_STREQ(pn_connection_remote_container(pair.client.connection()), "node-1");
    EXPECT_EQ(pn_transport_get_remote_max_frame(pair.client.transport()), 64U * 1024U);
    EXPECT_EQ(pn_transport_remote_channel_max(pair.client.transport()), 7);
    EXPECT_EQ(pn_transport_get_remote_idle_timeout(pair.client.transport()), 30'000U);
}

TEST(Handshake, RefusesAnIdleTimeoutBelowOneSecond) {
    Pair pair;
    pn_transport_set_idle_timeout(pair.client.transport(), 1'000);  // Half of it is told.
    pair.open();
    EXPECT_EQ(pair.client.close_condition(), "amqp:invalid-field");
    EXPECT_EQ(pair.events.opens, 0);
}

TEST(Handshake, Ends_WhenTooManyBytesComeBeforeOpen) {
    const Settings settings{.handshake_bytes_max = 1'024};
    ServerConnection server{settings, {.plain = true}};
    Recorder events{server};
    Bytes bytes = to_bytes("AMQP");
    append(bytes, std::string_view{"\x03\x01\x00\x00", 4});
    append(bytes, std::string_view{"\x00\x00\x08\x00\x02\x01\x00\x00", 8});  // A frame of 2 KiB.
    append(bytes, std::string(1'500, '\0'));
    feed_all(server, events, bytes, 100);
    EXPECT_EQ(events.closes, 1);
    EXPECT_EQ(events.close_condition, "amqp:resource-limit-exceeded");
    drain_output(server);
    server.process(events);
    EXPECT_TRUE(server.finished());
}

TEST(Handshake, EndsQuietly_WhenClosedBeforeOpen) {
    Pair pair;
    pair.server.close({"amqp:connection:forced", "handshake timeout"});
    pair.server.process(pair.events);
    EXPECT_TRUE(pair.server.finished());
    EXPECT_EQ(pair.events.closes, 0);
}

}  // namespace
}  // namespace weir::amqp::test
