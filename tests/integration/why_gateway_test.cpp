// What `weir why` tells of refusals that came before anybody was known, and of those in other protocols than MQTT.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <csignal>

#include "integration/threats/support.hpp"
#include "support/amqp_client.hpp"
#include "support/certificates.hpp"

namespace weir::test {
namespace {

using model::Reason;

/// The newest decision about a name, once there is one.
why::Decision newest(RunningGateway& gateway, std::string_view name) {
    EXPECT_TRUE(eventually([&] { return !gateway->decisions(name).empty(); })) << name;
    const auto told = gateway->decisions(name);
    return told.empty() ? why::Decision{} : told.back();
}

// --- Certificates ----------------------------------------------------------------------------------------------------

class DeviceCertificates : public testing::Test {
protected:
    static void write(const std::filesystem::path& home) {
        make_identity({.alternative = "IP:127.0.0.1"})
            .write(home / "gateway.crt", home / "gateway.key");
        authority().write(home / "ca.crt", home / "ca.key");
        for (const char* key : {"gateway.key", "ca.key"}) {
            std::filesystem::permissions(
                home / key,
                std::filesystem::perms::owner_read | std::filesystem::perms::owner_write
            );
        }
    }
    static const Identity& authority() {
        static const Identity made = make_identity({.name = "devices", .authority = true});
        return made;
    }

    /// Says what it is with this certificate, and waits for the gateway's end.
    void show(const Identity* identity) {
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL, also to who has closed.
        SocketPeer peer{gateway_.port()};
        SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
        if (identity != nullptr) {
            SSL_CTX_use_certificate(context, identity->certificate.get());
            SSL_CTX_use_PrivateKey(context, identity->key.get());
        }
        SSL* const ssl = SSL_new(context);
        SSL_set_fd(ssl, peer.fd());
        SSL_connect(ssl);  // With TLS 1.3 it is done before the gateway looks at the certificate.
        char byte = 0;
        EXPECT_LE(SSL_read(ssl, &byte, 1), 0);
        SSL_free(ssl);
        SSL_CTX_free(context);
    }

    RunningGateway gateway_{{
        .auth = "methods: [x509]",
        .listener = ", tls: {cert: gateway.crt, key: {file: gateway.key}, client_ca: ca.crt, "
                    "client_auth: required}",
        .prepare = write,
    }};
};

TEST_F(DeviceCertificates, AreToldByTheirName_WhenTheyHaveExpired) {
    const Identity device = make_identity(
        {.name = "probe-1", .valid_from_s = -7'200, .valid_until_s = -3'600}, &authority()
    );
    show(&device);
    const auto told = newest(gateway_, "probe-1");
    EXPECT_EQ(told.reason, Reason::tls_failed);
    EXPECT_TRUE(told.detail.starts_with("certificate has expired (not after 20")) << told.detail;
    EXPECT_EQ(told.peer, "127.0.0.1");
    EXPECT_TRUE(told.is_claim) << "anybody may write such a name";
    EXPECT_EQ(gateway_.metric(R"(weir_refused_total{reason="tls_failed"})"), 1);
    EXPECT_EQ(gateway_.metric("weir_tls_handshakes_failed_total"), 1);
}

TEST_F(DeviceCertificates, AreToldByTheirName_WhenTheyAreOfAnotherCa) {
    const Identity stranger = make_identity({.name = "stranger", .authority = true});
    const Identity device = make_identity({.name = "probe-1"}, &stranger);
    show(&device);
    EXPECT_EQ(newest(gateway_, "probe-1").detail, "certificate is of another CA");
}

TEST_F(DeviceCertificates, AreToldByTheAddress_WhenThereIsNone) {
    show(nullptr);
    const auto told = newest(gateway_, "127.0.0.1");
    EXPECT_EQ(told.reason, Reason::tls_failed);
    EXPECT_EQ(told.detail, "a client certificate is required");
}

TEST_F(DeviceCertificates, AreWatched_TheGatewaysToo) {
    const auto listener = gateway_->listeners().front();
    const double ends = gateway_.metric(
        R"(weir_tls_certificate_expires_timestamp_seconds{listener="any"})"
    );
    EXPECT_GT(ends, 0);
    EXPECT_EQ(ends, static_cast<double>(listener.certificate_ends.count()) / 1'000);
}

// --- Connecting ------------------------------------------------------------------------------------------------------

TEST(Why, TellsWhoTookASessionOver) {
    RunningGateway gateway{{}};
    MqttPeer first{gateway.port()};
    first.connect("twice");
    MqttPeer second{gateway.port()};
    EXPECT_EQ(second.connect("twice"), mqtt::ReasonCode::success);
    const auto told = newest(gateway, "twice");
    EXPECT_EQ(told.reason, Reason::taken_over);
    EXPECT_EQ(told.peer, "127.0.0.1");
}

TEST(Why, TellsWhereWrongCredentialsCameFrom) {
    RunningGateway gateway{{.auth = "methods: [password]", .shards = 1}};
    for (int i = 0; i < 3; ++i) {
        MqttPeer peer{gateway.port()};
        const Bytes wrong{'x'};
        peer.connect(
            {.version = mqtt::Version::v5, .client_id = "probe-1", .user_name = "probe-1", .password = ByteView{wrong}}
        );
    }
    const auto told = newest(gateway, "probe-1");
    EXPECT_EQ(told.reason, Reason::bad_credentials);
    EXPECT_EQ(told.count, 3U);
    EXPECT_EQ(told.peer, "127.0.0.1");
    EXPECT_TRUE(told.is_claim);
}

TEST(Why, TellsTheAddressBehindABalancer) {
    RunningGateway gateway{
        {.auth = "methods: [password]", .listener = ", proxy_protocol: {from: [127.0.0.1]}"}};
    SocketPeer peer{gateway.port()};
    peer.send("PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883\r\n");
    peer.send(packet_of(mqtt::Connect{.version = mqtt::Version::v311, .client_id = "probe-1"}));
    EXPECT_FALSE(peer.read_all().empty());
    EXPECT_EQ(newest(gateway, "probe-1").peer, "192.0.2.7");
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

struct HttpCase {
    std::string_view name;
    std::string request;
    std::string_view status;
    Reason reason;
};

class HttpRefusal : public testing::TestWithParam<HttpCase> {};

TEST_P(HttpRefusal, IsCountedAndRecorded) {
    RunningGateway gateway{{.limits = "packet_bytes: 64KiB"}};
    const std::string sample =
        fmt::format("weir_refused_total{{reason=\"{}\"}}", model::name(GetParam().reason));
    SocketPeer peer{gateway.port()};
    peer.send(GetParam().request);
    const std::string answer = peer.read_all();
    EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {}", GetParam().status))) << answer;
    EXPECT_TRUE(answer.contains(fmt::format("\"code\":\"{}\"", model::name(GetParam().reason))))
        << answer;
    EXPECT_EQ(gateway.metric(sample), 1);
    const auto told = newest(gateway, "127.0.0.1");
    EXPECT_EQ(told.reason, GetParam().reason);
    EXPECT_EQ(told.peer, "127.0.0.1");
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    HttpRefusal,
    testing::Values(
        HttpCase{
            "body_too_long",
            "POST /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
            "413",
            Reason::packet_too_large
        },
        HttpCase{
            "not_http",
            "POST /topics/a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
            "400",
            Reason::malformed_packet
        },
        HttpCase{
            "no_path",
            "POST /elsewhere HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "404",
            Reason::protocol_error
        },
        HttpCase{
            "no_method",
            "PUT /topics/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "405",
            Reason::protocol_error
        },
        HttpCase{
            "no_qos",
            "POST /topics/a?qos=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "400",
            Reason::protocol_error
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

// --- AMQP ------------------------------------------------------------------------------------------------------------

TEST(Why, TellsInAmqpsWordsWhyALinkIsRefused) {
    RunningGateway gateway{{}};
    SocketPeer socket{gateway.port()};
    AmqpClient client{ClientSasl::anonymous()};
    client.open("probe-1");
    pn_link_t* const link = pn_receiver(client.session(), "link");
    pn_terminus_set_dynamic(pn_link_source(link), true);
    pn_link_open(link);
    while (!AmqpClient::is_detached(link)) {
        if (const Bytes out = client.output(); !out.empty()) {
            socket.send(out);
        }
        const Bytes in = socket.read();
        ASSERT_FALSE(in.empty()) << "the gateway closed";
        client.input(in);
    }
    const auto told = newest(gateway, "probe-1");
    EXPECT_EQ(told.reason, Reason::protocol_error);
    EXPECT_EQ(told.detail, "dynamic nodes are not supported");
    EXPECT_EQ(told.peer, "127.0.0.1");
}

}  // namespace
}  // namespace weir::test
