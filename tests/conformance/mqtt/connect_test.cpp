// CONNECT and CONNACK: who gets in, with which session, and what happens to the rest.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "conformance/mqtt/gateway_fixture.hpp"

namespace weir::conformance {
namespace {

class Connect : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Connect, kEveryWay, name_of);

TEST_P(
    Connect,
    IsAnsweredFirst_WhateverFollowsAtOnce_MQTT3_3_1_4_4_MQTT3_3_2_0_1_MQTT3_7_0_0_2_MQTT3_7_1_1_1_MQTT5_3_1_4_5_MQTT5_3_2_0_1_MQTT5_3_2_0_2_MQTT5_4_2_0_1
) {
    auto three = peer();
    three.sends(connect3("three") + "c0 00" + "32 07 0001 't' 0001 'hi'" + "82 06 0002 0001 't' 00")
        .expects("20 02 00 00")
        .expects("d0 00")
        .expects("40 02 0001")
        .expects("90 03 0002 00")
        .expects_nothing_more();
    auto five = peer();
    const auto connack = five.connects(
        connect5("five") + "c0 00" + "32 08 0001 't' 0001 00 'hi'" + "82 07 0002 00 0001 't' 00"
    );
    EXPECT_EQ(connack.code, 0U);
    five.expects("d0 00").expects("40 02 0001").expects("90 04 0002 00 00").expects_nothing_more();
}

TEST_P(
    Connect,
    ResumesTheStoredSession_OrSaysThatThereIsNone_MQTT3_3_1_2_4_MQTT3_3_1_2_6_MQTT3_3_1_4_3_MQTT3_3_2_2_1_MQTT3_3_2_2_2_MQTT3_3_2_2_3
) {
    constexpr std::string_view kKeep = "00";
    constexpr std::string_view kClean = "02";
    peer()
        .sends(connect3("c", kKeep))
        .expects("20 02 00 00")
        .sends("82 06 0001 0001 't' 01")
        .expects("90 03 0001 01")
        .leaves();
    auto publisher = v3("publisher");
    publisher.sends("32 06 0001 't' 0001 '1'").expects("40 02 0001");
    peer()
        .sends(connect3("c", kKeep))
        .expects("20 02 01 00")
        .expects("32 06 0001 't' 0001 '1'")
        .sends("40 02 0001")
        .expects_nothing_more()
        .drops();
    publisher.sends("32 06 0001 't' 0002 '2'").expects("40 02 0002");
    peer().sends(connect3("c", kClean)).expects("20 02 00 00").expects_nothing_more();
    publisher.sends("32 06 0001 't' 0003 '3'").expects("40 02 0003");
    peer().sends(connect3("c", kKeep)).expects("20 02 00 00").expects_nothing_more();
    peer().sends(connect3("c", kKeep)).expects("20 02 01 00").expects_nothing_more();
}

TEST_P(
    Connect,
    ResumesTheStoredSession_OrSaysThatThereIsNone_MQTT5_3_1_2_4_MQTT5_3_1_2_5_MQTT5_3_1_2_6_MQTT5_3_1_2_23_MQTT5_3_1_4_4_MQTT5_3_2_2_2_MQTT5_3_2_2_3
) {
    constexpr std::string_view kResume = "00";
    constexpr std::string_view kCleanStart = "02";
    auto publisher = v3("publisher");
    {
        auto first = peer();
        EXPECT_FALSE(first.connects(connect5("c", kResume, kOneHour)).session_present);
        first.sends("82 07 0001 00 0001 't' 01").expects("90 04 0001 00 01").leaves();
    }
    publisher.sends("32 06 0001 't' 0001 '1'").expects("40 02 0001");
    {
        auto second = peer();
        const auto connack = second.connects(connect5("c", kResume, kOneHour));
        EXPECT_EQ(connack.code, 0U);
        EXPECT_TRUE(connack.session_present);
        second.expects("32 07 0001 't' 0001 00 '1'")
            .sends("40 02 0001")
            .expects_nothing_more()
            .drops();
    }
    {
        auto third = peer();
        const auto connack = third.connects(connect5("c", kCleanStart, kOneHour));
        EXPECT_EQ(connack.code, 0U);
        EXPECT_FALSE(connack.session_present);
        publisher.sends("32 06 0001 't' 0002 '2'").expects("40 02 0002");
        third.expects_nothing_more();
    }
    {
        auto fourth = peer();
        EXPECT_TRUE(fourth.connects(connect5("c", kResume)).session_present)
            << "clean start made one that is stored";
        fourth.leaves();
    }
    EXPECT_FALSE(peer().connects(connect5("c", kResume)).session_present)
        << "the last one was to end with its connection";
}

TEST_P(Connect, KnowsSessionsByClientId_MQTT3_3_1_3_2_MQTT3_4_1_0_1_MQTT5_3_1_3_2) {
    static_cast<void>(v3("one", "00"));
    static_cast<void>(v5("two", "00", kOneHour));
    EXPECT_FALSE(peer().connects(connect3("other", "00")).session_present);
    EXPECT_FALSE(peer().connects(connect3("ONE", "00")).session_present) << "case counts";
    EXPECT_TRUE(peer().connects(connect3("one", "00")).session_present);
    EXPECT_TRUE(peer().connects(connect5("two", "00", kOneHour)).session_present);
}

TEST_P(
    Connect,
    EndsTheConnectionThatHadTheClientId_MQTT3_3_1_4_2_MQTT5_3_1_4_3_MQTT5_3_14_2_2_MQTT5_3_14_4_1_MQTT5_3_14_4_2
) {
    for (const std::string_view clean : {"02", "00"}) {
        auto first = v3("c", clean);
        auto second = v5("c", clean, kOneHour);
        first.expects_close();
        auto third = v3("c", clean);
        second.expects("e0 01 8e").expects_close();
        third.expects_nothing_more();
    }
}

TEST_P(
    Connect, GivesAClientIdToWhoHasNone_MQTT3_3_1_3_6_MQTT5_3_1_3_6_MQTT5_3_1_3_7_MQTT5_3_2_2_16
) {
    auto first = v3("");
    auto second = v3("");
    first.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    second.sends("30 05 0001 't' 'hi'").expects_nothing_more();
    first.expects("30 05 0001 't' 'hi'").expects_nothing_more();

    std::string ids[2];
    for (std::string& id : ids) {
        const auto connack = peer().connects(connect5("", "02", kOneHour));
        ASSERT_EQ(connack.code, 0U);
        id = connack.properties.text(0x12);
    }
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_TRUE(peer().connects(connect5(ids[0], "00", kOneHour)).session_present)
        << "it is as if the client had sent it";
}

TEST_P(Connect, KeepsASessionAsLongAsItsClientAsks_MQTT5_3_1_2_23_MQTT5_4_1_0_2) {
    constexpr std::string_view kForever = "11 ffffffff";
    v5("ever", "00", kForever).drops();
    EXPECT_TRUE(peer().connects(connect5("ever", "00", kForever)).session_present);
    v5("changed", "00", kOneHour).sends("e0 07 00 05 11 00000000").expects_close();
    EXPECT_FALSE(peer().connects(connect5("changed", "00", kOneHour)).session_present);
    v5("longer", "00", "11 00000001").sends("e0 07 00 05 11 00000e10").expects_close();
    EXPECT_TRUE(peer().connects(connect5("longer", "00")).session_present);
    v5("never", "00").sends("e0 07 00 05 11 00000001").expects("e0 01 82").expects_close();
}

TEST_P(Connect, SpeaksTheOldVersionToo) {
    auto old = peer();
    old.sends("10 0f 0006 'MQIsdp' 03 02 003c 0001 'o'").expects("20 02 00 00");
    old.sends("82 06 0001 0001 't' 02").expects("90 03 0001 02");
    v5("new").sends("34 10 0001 't' 0001 09 02 00000064 03 0001 'x' '1'").expects("50 02 0001");
    old.expects("34 06 0001 't' 0001 '1'").sends("50 02 0001").expects("62 02 0001");
    old.sends("70 02 0001").expects_nothing_more();
}

class Admission : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(Mqtt, Admission, kOneWay, name_of);

TEST_P(Admission, TakesTheClientIdsThatAllMustTake_MQTT3_3_1_3_5_MQTT5_3_1_3_5) {
    constexpr std::string_view kLetters =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (std::size_t size = 1; size <= 23; ++size) {
        const auto id = kLetters.substr((size * 2) % (kLetters.size() - 23), size);
        EXPECT_EQ(peer().connects(connect3(id)).code, 0U) << id;
        EXPECT_EQ(peer().connects(connect5(id)).code, 0U) << id;
    }
    for (const char letter : kLetters) {
        EXPECT_EQ(peer().connects(connect5({&letter, 1})).code, 0U) << letter;
    }
}

TEST_P(Admission, RefusesAnEmptyClientIdThatIsToBeKept_MQTT3_3_1_3_8_MQTT3_3_2_2_4_MQTT3_3_2_2_5) {
    peer().sends(connect3("", "00")).expects("20 02 00 02").expects_close();
}

TEST_P(
    Admission,
    RefusesClientIdsThatItDoesNotTake_MQTT3_3_1_3_9_MQTT3_3_2_2_5_MQTT5_3_1_3_8_MQTT5_3_2_2_6_MQTT5_3_2_2_7
) {
    peer().sends(connect3("a+b", "00")).expects("20 02 00 02").expects_close();
    peer().sends(connect5("a/#", "00")).expects("20 03 00 85 00").expects_close();
}

TEST_P(
    Admission,
    ProcessesNothingBehindARefusedConnect_MQTT3_3_1_4_5_MQTT3_3_2_2_5_MQTT5_3_1_4_2_MQTT5_3_1_4_6_MQTT5_3_2_2_7_MQTT5_4_13_2_1
) {
    auto watcher = v3("watcher");
    watcher.sends("82 06 0001 0001 't' 00").expects("90 03 0001 00");
    peer().sends(connect3("banned") + "30 05 0001 't' 'no'").expects("20 02 00 05").expects_close();
    peer()
        .sends(connect5("banned") + "30 06 0001 't' 00 'no'")
        .expects("20 03 00 87 00")
        .expects_close();
    v3("other").sends("30 05 0001 't' 'ok'").leaves();
    watcher.expects("30 05 0001 't' 'ok'").expects_nothing_more();
}

TEST_P(Admission, RefusesAuthenticationMethodsThatItDoesNotServe_MQTT5_4_12_0_1_MQTT5_4_12_0_4) {
    peer().sends(connect5("c", "02", "15 0004 'nope'")).expects("20 03 00 8c 00").expects_close();
}

TEST_P(
    Admission,
    SaysWhatItServesInConnack_AndNothingThatWasNotAsked_MQTT5_3_1_2_28_MQTT5_3_2_2_9_MQTT5_3_2_2_10_MQTT5_3_2_2_12_MQTT5_3_2_2_13_MQTT5_4_12_0_6
) {
    for (const std::string_view asked : {"", "19 00"}) {
        auto client = peer();
        // A will at QoS 2 that is to be retained: both are served.
        const auto connack = client.connects(connect5("c", "36", asked, "00 0001 'w' 0000"));
        EXPECT_EQ(connack.code, 0U);
        for (const unsigned absent : {0x15U, 0x16U, 0x1AU, 0x24U, 0x25U}) {
            EXPECT_FALSE(connack.properties.has(absent)) << absent;
        }
        client.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
        client.sends("34 06 0001 'u' 0001 00").expects("50 03 0001 10");
    }
}

struct Violation {
    std::string_view name;
    std::string_view sent;    ///< After TCP, or after CONNECT where `version` says so.
    int version;              ///< 0: nothing was said before.
    std::string_view answer;  ///< Before the connection is closed.
};

class Violations : public GatewayTest {};
INSTANTIATE_TEST_SUITE_P(
    Mqtt,
    Violations,
    testing::Values(
        Way{Transport::tcp, 1},
        Way{Transport::tcp, 8},
        Way{Transport::tls, 2},
        Way{Transport::ws, 2}
    ),
    name_of
);

// clang-format off
constexpr Violation kViolations[] = {
    {"not_connect",          "c0 00", 0, ""},
    {"publish_first",        "30 05 0001 't' 'no'", 0, ""},
    {"unknown_level",        "10 0c 0004 'MQTT' 06 02 0000 0000", 0, "20 03 00 84 00"},
    {"old_level",            "10 0c 0004 'MQTT' 02 02 0000 0000", 0, "20 02 00 01"},
    {"reserved_flag",        "10 0c 0004 'MQTT' 04 03 0000 0000", 0, ""},
    {"reserved_flag_5",      "10 0d 0004 'MQTT' 05 03 0000 00 0000", 0, "20 03 00 81 00"},
    {"connect_cut",          "10 05 0004 'MQT'", 0, ""},
    {"second_connect",       "10 0d 0004 'MQTT' 04 02 003c 0001 'c'", 3, ""},
    {"second_connect_5",     "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'", 5, "e0 01 82"},
    {"servers_packet",       "d0 00", 3, ""},
    {"servers_packet_5",     "d0 00", 5, "e0 01 82"},
    {"qos_3",                "36 05 0001 't' 0001", 3, ""},
    {"qos_3_5",              "36 06 0001 't' 0001 00", 5, "e0 01 81"},
    {"topic_not_text",       "30 03 0001 ff", 3, ""},
    {"topic_not_text_5",     "30 04 0001 ff 00", 5, "e0 01 81"},
    {"topic_with_wildcard",  "30 04 0002 't#'", 3, ""},
    {"topic_with_wildcard_5", "30 05 0002 't#' 00", 5, "e0 01 90"},
    {"topic_with_nul",       "30 03 0001 00", 3, ""},
    {"pubrel_flags",         "60 02 0001", 3, ""},
    {"pubrel_flags_5",       "60 02 0001", 5, "e0 01 81"},
    {"subscribe_flags",      "80 06 0001 0001 't' 00", 3, ""},
    {"subscribe_flags_5",    "80 07 0001 00 0001 't' 00", 5, "e0 01 81"},
    {"subscribe_nothing",    "82 02 0001", 3, ""},
    {"subscribe_nothing_5",  "82 03 0001 00", 5, "e0 01 82"},
    {"subscribe_qos_3",      "82 06 0001 0001 't' 03", 3, ""},
    {"subscribe_reserved_5", "82 07 0001 00 0001 't' 40", 5, "e0 01 81"},
    {"no_local_on_shared_5", "82 10 0001 00 000a '$share/g/t' 04", 5, "e0 01 82"},
    {"unsubscribe_flags",    "a0 05 0001 0001 't'", 3, ""},
    {"unsubscribe_flags_5",  "a0 06 0001 00 0001 't'", 5, "e0 01 81"},
    {"unsubscribe_nothing",  "a2 02 0001", 3, ""},
    {"disconnect_flags",     "e1 00", 3, ""},
    {"disconnect_flags_5",   "e1 00", 5, "e0 01 81"},
    {"auth_without_method",  "f0 06 18 04 15 0001 'm'", 5, "e0 01 82"},
    {"subscription_id_5",    "30 06 0001 't' 02 0b 01", 5, "e0 01 81"},
    {"alias_0_5",            "30 07 0001 't' 03 23 0000", 5, "e0 01 94"},
    {"alias_unknown_5",      "30 06 0000 03 23 0001", 5, "e0 01 82"},
    {"length_of_five_bytes", "30 ffffffff 01", 3, ""},
};
// clang-format on

TEST_P(
    Violations,
    EndTheConnection_AndTouchNobodyElse_MQTT3_2_2_2_2_MQTT3_3_1_4_1_MQTT3_4_8_0_1_MQTT5_3_1_2_1_MQTT5_3_1_2_2_MQTT5_3_2_0_2_MQTT5_3_14_0_1_MQTT5_4_13_1_1_MQTT5_4_13_2_1
) {
    auto watcher = v5("watcher");
    watcher.sends("82 07 0001 00 0001 't' 02").expects("90 04 0001 00 02");
    for (const auto& [name, sent, version, answer] : kViolations) {
        SCOPED_TRACE(name);
        auto hostile = version == 3 ? v3("hostile") : version == 5 ? v5("hostile") : peer();
        hostile.sends(sent);
        if (!answer.empty()) {
            hostile.expects(answer);
        }
        hostile.expects_close();
    }
    watcher.expects_nothing_more();
}

}  // namespace
}  // namespace weir::conformance
