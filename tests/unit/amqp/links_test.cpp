#include <gtest/gtest.h>
#include <proton/codec.h>

#include "harness.hpp"

namespace weir::amqp::test {
namespace {

TEST(Attach, TellsWhatThePeerAsksFor) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pn_receiver(pair.client.session(), "durable-one");
    pn_terminus_t* const source = pn_link_source(link);
    pn_terminus_set_address(source, "cmd/probe/#");
    pn_terminus_set_durability(source, PN_DELIVERIES);
    pn_terminus_set_expiry_policy(source, PN_EXPIRE_NEVER);
    pn_data_t* const capabilities = pn_terminus_capabilities(source);
    pn_data_put_array(capabilities, false, PN_SYMBOL);
    pn_data_enter(capabilities);
    pn_data_put_symbol(capabilities, pn_bytes(5, "topic"));
    pn_data_put_symbol(capabilities, pn_bytes(6, "shared"));
    pn_data_exit(capabilities);
    pn_data_t* const filters = pn_terminus_filter(source);
    pn_data_put_map(filters);
    pn_data_enter(filters);
    pn_data_put_symbol(filters, pn_bytes(8, "selector"));
    pn_data_put_described(filters);
    pn_data_enter(filters);
    pn_data_put_symbol(filters, pn_bytes(33, "apache.org:selector-filter:string"));
    pn_data_put_string(filters, pn_bytes(9, "temp > 80"));
    pn_data_exit(filters);
    pn_data_exit(filters);
    pn_link_open(link);
    pair.pump();

    ASSERT_EQ(pair.events.links.size(), 1U);
    const auto& asked = pair.events.links[0];
    EXPECT_EQ(asked.role, Role::receiver);
    EXPECT_EQ(asked.name, "durable-one");
    EXPECT_EQ(asked.address, "cmd/probe/#");
    EXPECT_EQ(asked.durability, Durability::unsettled_state);
    EXPECT_EQ(asked.expiry, ExpiryPolicy::never);
    EXPECT_EQ(asked.capabilities, (std::vector<std::string>{"topic", "shared"}));
    EXPECT_EQ(asked.filters, std::vector<std::string>{"selector=temp > 80"});

    ASSERT_TRUE(AmqpClient::is_attached(link));
    pn_terminus_t* const answered = pn_link_remote_source(link);
    EXPECT_STREQ(pn_terminus_get_address(answered), "cmd/probe/#");
    EXPECT_EQ(pn_terminus_get_durability(answered), PN_CONFIGURATION)
        << "unsettled state is not kept";
    pn_data_t* const kept = pn_terminus_filter(answered);
    pn_data_rewind(kept);
    ASSERT_TRUE(pn_data_next(kept));
    EXPECT_EQ(pn_data_get_map(kept), 2U);
}

TEST(Attach, AnswersLater) {
    Pair pair;
    pair.events.answer_attach = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    EXPECT_FALSE(AmqpClient::is_attached(link));
    pair.server.accept_attach(pair.events.links[0].id, {.address = "data/probe"});
    pair.pump();
    EXPECT_TRUE(AmqpClient::is_attached(link));
    EXPECT_EQ(pn_link_credit(link), 100);
}

TEST(Attach, NamesADynamicNode) {
    Pair pair;
    pair.events.answer_attach = false;
    pair.open();
    pn_link_t* const link = pn_receiver(pair.client.session(), "reply");
    pn_terminus_set_dynamic(pn_link_source(link), true);
    pn_link_open(link);
    pair.pump();
    ASSERT_EQ(pair.events.links.size(), 1U);
    EXPECT_TRUE(pair.events.links[0].dynamic);
    pair.server.accept_attach(pair.events.links[0].id, {.address = "$reply/7/1"});
    pair.pump();
    EXPECT_STREQ(pn_terminus_get_address(pn_link_remote_source(link)), "$reply/7/1");
}

class Refusal : public testing::TestWithParam<bool> {};

TEST_P(Refusal, ShowsNoTerminusAndTheCondition) {
    Pair pair;
    pair.open();
    pn_link_t* const link = GetParam() ? pair.sender("denied/x") : pair.receiver(10, "denied/x");
    EXPECT_TRUE(AmqpClient::is_detached(link));
    EXPECT_EQ(AmqpClient::condition(link), "amqp:unauthorized-access");
    pn_terminus_t* const ours =
        GetParam() ? pn_link_remote_target(link) : pn_link_remote_source(link);
    EXPECT_EQ(pn_terminus_get_type(ours), PN_UNSPECIFIED);
    EXPECT_TRUE(pair.events.ended.empty());
    pn_link_close(link);
    pair.pump();
    EXPECT_TRUE(pair.events.ended.empty()) << "a refused link was never there";
    EXPECT_TRUE(AmqpClient::is_attached(pair.sender())) << "the session goes on";
}

INSTANTIATE_TEST_SUITE_P(Directions, Refusal, testing::Bool(), [](const auto& row) {
    return row.param ? "sender" : "receiver";
});

TEST(Attach, RefusesTransactions) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pn_sender(pair.client.session(), "tx");
    pn_terminus_set_type(pn_link_target(link), PN_COORDINATOR);
    pn_link_open(link);
    pair.pump();
    EXPECT_EQ(AmqpClient::condition(link), "amqp:not-implemented");
    EXPECT_TRUE(pair.events.links.empty());
}

TEST(Attach, ForgetsTheLink_WhenThePeerDetachesBeforeTheAnswer) {
    Pair pair;
    pair.events.answer_attach = false;
    pair.open();
    pn_link_t* const link = pair.sender();
    pn_link_close(link);
    pair.pump();
    ASSERT_EQ(pair.events.ended.size(), 1U);
    EXPECT_EQ(pair.events.ended[0].cause, DetachCause::closed);
    EXPECT_TRUE(AmqpClient::is_detached(link));
    pair.server.accept_attach(pair.events.links[0].id, {.address = "data/probe"});
    pair.pump();
    EXPECT_EQ(pair.server.credit(pair.events.links[0].id), 0U);
    EXPECT_FALSE(pair.client.is_closed());
}

TEST(Detach, TellsCloseFromDetach) {
    Pair pair;
    pair.open();
    pn_link_t* const first = pair.receiver();
    pn_link_t* const second = pair.receiver();
    pn_link_detach(first);
    pn_link_close(second);
    pair.pump();
    ASSERT_EQ(pair.events.ended.size(), 2U);
    EXPECT_EQ(pair.events.ended[0].cause, DetachCause::detached);
    EXPECT_EQ(pair.events.ended[1].cause, DetachCause::closed);
    EXPECT_TRUE(AmqpClient::is_detached(second));
}

TEST(Detach, TellsThePeerWhy) {
    Pair pair;
    pair.open();
    pn_link_t* const link = pair.receiver();
    pair.server.detach(pair.events.links[0].id, {"amqp:link:stolen", "attached elsewhere"});
    pair.pump();
    EXPECT_EQ(AmqpClient::condition(link), "amqp:link:stolen");
    const auto sent = pair.server.send(pair.events.links[0].id, make_message("x"), {}, true);
    EXPECT_EQ(sent.error(), errc::unknown_link);
    pn_link_close(link);
    pair.pump();
    EXPECT_TRUE(pair.events.ended.empty());
}

TEST(Session, EndsItsLinks) {
    Pair pair;
    pair.open();
    pair.sender();
    pair.receiver();
    pn_session_close(pair.client.session());
    pair.pump();
    ASSERT_EQ(pair.events.ended.size(), 2U);
    EXPECT_EQ(pair.events.ended[0].cause, DetachCause::session_ended);
    EXPECT_EQ(pair.server.credit(pair.events.links[1].id), 0U);
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Limits, EndTheConnection_WhenASessionHasTooManyLinks) {
    Settings settings;
    settings.links_per_session_max = 3;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(AmqpClient::is_attached(pair.sender()));
    }
    pair.sender();
    EXPECT_EQ(pair.client.close_condition(), "amqp:resource-limit-exceeded");
    EXPECT_EQ(pair.events.closes, 1);
}

TEST(Limits, CountLinksThatAreThere) {
    Settings settings;
    settings.links_per_session_max = 3;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    for (int i = 0; i < 20; ++i) {
        pn_link_close(pair.sender());
        pn_link_close(pair.receiver(1, "denied/x"));
        pair.pump();
    }
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Limits, EndTheConnection_WhenThereAreTooManySessions) {
    Settings settings;
    settings.sessions_max = 2;
    Pair pair{ClientSasl::plain("probe", "secret"), {.plain = true}, settings};
    pair.open();
    for (int i = 0; i < 10; ++i) {
        pn_session_t* const session = pair.client.begin();
        pair.pump();
        pn_session_close(session);
        pair.pump();
        pn_session_free(session);
    }
    EXPECT_EQ(pair.events.closes, 0) << "sessions that have ended do not count";
    pair.client.begin();
    pair.client.begin();
    pair.pump();
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Close, ReportsThePeersReason) {
    Pair pair;
    pair.open();
    pair.sender();
    pn_condition_set_name(pn_connection_condition(pair.client.connection()), "amqp:internal-error");
    pn_connection_close(pair.client.connection());
    pair.pump();
    EXPECT_EQ(pair.events.closes, 1);
    EXPECT_EQ(pair.events.close_condition, "amqp:internal-error");
    EXPECT_TRUE(pair.client.is_closed());
    EXPECT_TRUE(pair.server.finished());
}

TEST(Close, WaitsForThePeersClose) {
    Pair pair;
    pair.open();
    pair.server.close({"amqp:connection:forced", "the server is stopping"});
    pair.pump();
    EXPECT_EQ(pair.client.close_condition(), "amqp:connection:forced");
    EXPECT_FALSE(pair.server.finished());
    pn_connection_close(pair.client.connection());
    pair.pump();
    EXPECT_TRUE(pair.server.finished());
    EXPECT_EQ(pair.events.closes, 0);
}

TEST(Idle, EndsTheConnection_WhenThePeerIsSilent) {
    Pair pair;
    pair.open();
    const auto first = pair.server.tick(SteadyTime{1'000});
    ASSERT_TRUE(first.has_value());
    EXPECT_LE(*first, SteadyTime{61'000});
    EXPECT_TRUE(pair.server.tick(SteadyTime{60'000}).has_value());
    pair.server.process(pair.events);
    EXPECT_EQ(pair.events.closes, 0);
    static_cast<void>(pair.server.tick(SteadyTime{61'001}));
    pair.pump();
    EXPECT_EQ(pair.events.closes, 1);
    EXPECT_EQ(pair.events.close_condition, "amqp:resource-limit-exceeded");
}

TEST(Idle, SendsEmptyFrames_ForThePeersTimeout) {
    Pair pair;
    pn_transport_set_idle_timeout(pair.client.transport(), 20'000);  // 10 s are told.
    pair.open();
    const auto next = pair.server.tick(SteadyTime{1'000});
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(*next, SteadyTime{6'000});
    EXPECT_TRUE(pair.server.tick(*next).has_value());
    EXPECT_EQ(drain_output(pair.server), (Bytes{0, 0, 0, 8, 2, 0, 0, 0}));
}

}  // namespace
}  // namespace weir::amqp::test
