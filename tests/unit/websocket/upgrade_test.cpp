#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <weir/websocket/upgrade.hpp>

namespace weir::websocket {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Kind = UpgradeAnswer::Kind;

const UpgradeRules kRules{
    .paths = {"/mqtt", "/$iothub/websocket"}, .origins = {"https://console.example"}
};

/// A good handshake, to be changed by the test: `from` becomes `to`.
std::string handshake(std::string_view from = {}, std::string_view to = {}) {
    std::string out =
        "GET /mqtt HTTP/1.1\r\n"
        "Host: weir.example:8883\r\n"
        "Upgrade: websocket\r\n"
        "Connection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n"
        "\r\n";
    if (!from.empty()) {
        const auto at = out.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        out.replace(at, from.size(), to);
    }
    return out;
}

UpgradeAnswer answer(const std::string& request, const UpgradeRules& rules = kRules) {
    return answer_upgrade(as_bytes(request), rules);
}

TEST(AcceptKey, IsTheOneOfTheStandard_RFC6455_1_3) {
    EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Upgrade, SwitchesProtocols) {
    const auto got = answer(handshake());
    ASSERT_EQ(got.kind, Kind::accepted);
    EXPECT_EQ(got.status, 101);
    EXPECT_EQ(got.subprotocol, Subprotocol::mqtt);
    EXPECT_EQ(got.target, "/mqtt");
    EXPECT_EQ(got.consumed, handshake().size());
    EXPECT_EQ(
        got.response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
}

TEST(Upgrade, AsksForMore_AtEachSplit) {
    const auto request = handshake();
    for (std::size_t count = 0; count < request.size(); ++count) {
        EXPECT_EQ(answer(request.substr(0, count)).kind, Kind::need_more) << count;
    }
}

TEST(Upgrade, LeavesFramesThatFollow) {
    const auto got = answer(handshake() + "\x82\x80");
    EXPECT_EQ(got.kind, Kind::accepted);
    EXPECT_EQ(got.consumed, handshake().size());
}

TEST(Upgrade, NeverAgreesToCompression) {
    const auto got = answer(handshake(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    ));
    EXPECT_EQ(got.kind, Kind::accepted);
    EXPECT_THAT(got.response, testing::Not(HasSubstr("Extensions")));
}

TEST(Upgrade, KeepsQuery) {
    const auto got = answer(handshake("/mqtt", "/mqtt?X-Amz-Date=1&b=2"));
    EXPECT_EQ(got.kind, Kind::accepted);
    EXPECT_EQ(got.target, "/mqtt?X-Amz-Date=1&b=2");
}

TEST(Upgrade, TakesAWholeUri_RFC6455_4_2_1) {
    for (const char* uri :
         {"http://weir.example:8883/mqtt?a=1", "HTTPS://weir.example/mqtt?a=1"}) {
        const auto got = answer(handshake("/mqtt", uri));
        EXPECT_EQ(got.kind, Kind::accepted) << uri;
        EXPECT_EQ(got.target, "/mqtt?a=1");
    }
}

TEST(Upgrade, TakesTheHostOfAWholeUri_ForTheSameOrigin) {
    const std::string with_origin = "Origin: https://other.example\r\nUpgrade: w";
    auto request = handshake("Upgrade: w", with_origin);
    EXPECT_EQ(answer(request).status, 403);
    request.replace(request.find("/mqtt"), 5, "https://other.example/mqtt");
    EXPECT_EQ(answer(request).kind, Kind::accepted);
}

struct OfferCase {
    std::string_view name;
    std::string_view offer;
    Subprotocol chosen;
};

class UpgradeOffer : public testing::TestWithParam<OfferCase> {};

TEST_P(UpgradeOffer, EchoesTheFirstThatIsServed) {
    const auto got =
        answer(handshake("Protocol: mqtt", "Protocol: " + std::string{GetParam().offer}));
    ASSERT_EQ(got.kind, Kind::accepted) << got.response;
    EXPECT_EQ(got.subprotocol, GetParam().chosen);
    EXPECT_THAT(
        got.response,
        HasSubstr("Sec-WebSocket-Protocol: " + std::string{name(GetParam().chosen)} + "\r\n")
    );
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    UpgradeOffer,
    testing::Values(
        OfferCase{"mqtt", "mqtt", Subprotocol::mqtt},
        OfferCase{"mqtt31", "mqttv3.1", Subprotocol::mqttv31},
        OfferCase{"amqp", "amqp", Subprotocol::amqp},
        OfferCase{"azure", "AMQPWSB10", Subprotocol::amqpwsb10},
        OfferCase{"list", "soap, amqp, mqtt", Subprotocol::amqp},
        OfferCase{"two_lines", "soap\r\nSec-WebSocket-Protocol: mqttv3.1", Subprotocol::mqttv31}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Upgrade, SkipsOffersOfAProtocolThatTheListenerDoesNotServe) {
    auto rules = kRules;
    rules.amqp = false;
    EXPECT_EQ(
        answer(handshake("Protocol: mqtt", "Protocol: amqp, mqtt"), rules).subprotocol,
        Subprotocol::mqtt
    );
    EXPECT_EQ(answer(handshake("Protocol: mqtt", "Protocol: amqp"), rules).status, 400);
}

struct RefusalCase {
    std::string_view name;
    std::string_view from;
    std::string to;
    std::uint16_t status;
};

class UpgradeRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(UpgradeRefusal, SaysWhyInStatusAndText) {
    const auto got = answer(handshake(GetParam().from, GetParam().to));
    ASSERT_EQ(got.kind, Kind::refused);
    EXPECT_EQ(got.status, GetParam().status);
    EXPECT_THAT(got.response, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status) + ' '));
    EXPECT_THAT(got.response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(got.response, EndsWith(".\n"));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    UpgradeRefusal,
    testing::Values(
        RefusalCase{"other_path", "/mqtt", "/other", 404},
        RefusalCase{"longer_path", "/mqtt", "/mqtt/", 404},
        RefusalCase{"no_subprotocol", "Sec-WebSocket-Protocol: mqtt\r\n", "", 400},
        RefusalCase{"other_subprotocol", "Protocol: mqtt", "Protocol: MQTT", 400},
        RefusalCase{
            "foreign_origin", "Upgrade: w", "Origin: https://evil.example\r\nUpgrade: w", 403
        },
        RefusalCase{"origin_null", "Upgrade: w", "Origin: null\r\nUpgrade: w", 403},
        RefusalCase{
            "two_origins",
            "Upgrade: w",
            "Origin: https://console.example\r\nOrigin: https://evil.example\r\nUpgrade: w",
            403
        },
        RefusalCase{
            "origin_with_our_name_as_prefix",
            "Upgrade: w",
            "Origin: https://weir.example.evil:8883\r\nUpgrade: w",
            403
        },
        RefusalCase{"version_8", "Version: 13", "Version: 8", 426},
        RefusalCase{"no_version", "Sec-WebSocket-Version: 13\r\n", "", 426},
        RefusalCase{"no_key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400},
        RefusalCase{"short_key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 400},
        RefusalCase{"key_not_base64", "dGhlIHNhbXBsZSBub25jZQ==", "????????????????????????", 400},
        RefusalCase{"no_upgrade", "Upgrade: websocket\r\n", "", 400},
        RefusalCase{"upgrade_to_something_else", "Upgrade: websocket", "Upgrade: h2c", 400},
        RefusalCase{"uri_with_another_path", "GET /mqtt", "GET http://weir.example/other", 404},
        RefusalCase{"uri_without_path", "GET /mqtt", "GET http://weir.example", 404},
        RefusalCase{"uri_of_another_scheme", "GET /mqtt", "GET ftp://weir.example/mqtt", 404},
        RefusalCase{"no_host", "Host: weir.example:8883\r\n", "", 400},
        RefusalCase{"no_connection_upgrade", "keep-alive, Upgrade", "keep-alive", 400},
        RefusalCase{"http_1_0", "HTTP/1.1", "HTTP/1.0", 400},
        RefusalCase{"post", "GET", "POST", 400},
        RefusalCase{"body", "Upgrade: w", "Content-Length: 5\r\nUpgrade: w", 400},
        RefusalCase{"chunked_body", "Upgrade: w", "Transfer-Encoding: chunked\r\nUpgrade: w", 400},
        RefusalCase{"malformed_line", "Host: ", "Host ", 400},
        RefusalCase{"nul_in_value", "keep-alive", std::string("keep\0alive", 10), 400}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Upgrade, NamesTheVersionItServes_WhenRefusingAnother) {
    EXPECT_THAT(
        answer(handshake("Version: 13", "Version: 8")).response,
        HasSubstr("Sec-WebSocket-Version: 13\r\n")
    );
}

struct OriginCase {
    std::string_view name;
    std::string_view origin;
};

class UpgradeOrigin : public testing::TestWithParam<OriginCase> {};

TEST_P(UpgradeOrigin, IsLetIn) {
    EXPECT_EQ(
        answer(
            handshake("Upgrade: w", "Origin: " + std::string{GetParam().origin} + "\r\nUpgrade: w")
        )
            .kind,
        Kind::accepted
    );
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    UpgradeOrigin,
    testing::Values(
        OriginCase{"listed", "https://console.example"},
        OriginCase{"listed_in_other_case", "https://Console.Example"},
        OriginCase{"own_host", "https://weir.example:8883"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Upgrade, LetsAnyOriginIn_WhenTheListHasAStar) {
    auto rules = kRules;
    rules.origins = {"*"};
    EXPECT_EQ(
        answer(handshake("Upgrade: w", "Origin: https://any.example\r\nUpgrade: w"), rules).kind,
        Kind::accepted
    );
}

TEST(Upgrade, HandsPlainHttpBack) {
    const auto got = answer("POST /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(got.kind, Kind::plain_http);
    EXPECT_EQ(got.consumed, 0U);
}

TEST(Upgrade, RefusesHead_AboveItsLimit) {
    const auto padded = [](std::size_t size) {
        const auto plain = handshake("\r\n\r\n", "\r\nX-Pad: \r\n\r\n");
        return handshake(
            "\r\n\r\n", "\r\nX-Pad: " + std::string(size - plain.size(), 'x') + "\r\n\r\n"
        );
    };
    EXPECT_EQ(answer(padded(kUpgradeBytesMax)).kind, Kind::accepted);
    EXPECT_EQ(answer(padded(kUpgradeBytesMax + 1)).status, 431);
    EXPECT_EQ(answer(std::string(kUpgradeBytesMax - 1, 'x')).kind, Kind::need_more);
    EXPECT_EQ(answer(std::string(kUpgradeBytesMax, 'x')).status, 431);
}

}  // namespace
}  // namespace weir::websocket
