// T-27: what a PROXY preface says is believed from the configured balancers only.
#include <openssl/ssl.h>

#include <csignal>

#include "integration/threats/support.hpp"
#include "support/certificates.hpp"
#include "support/proxy_preface.hpp"

namespace weir::test {
namespace {

using namespace std::string_literals;

const std::string kV1 = "PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883\r\n";

const std::string kAddresses = "\xC0\x00\x02\x07\xC6\x33\x64\x01\xC3\x50\x07\x5B"s;

std::string connect_text(std::string_view client_id) {
    return std::string{
        as_text(packet_of(mqtt::Connect{.version = mqtt::Version::v311, .client_id = client_id}))};
}

const std::string kConnack = "\x20\x02\x00\x00"s;
constexpr std::string_view kNothingKnown = "garbage that is no protocol";

/// The address that the gateway blames for garbage that follows.
bool is_blamed(RunningGateway& gateway, std::string_view address) {
    return !gateway->decisions(address).empty();
}

class ThreatT27 : public testing::Test {
protected:
    RunningGateway behind_balancer_{{
        .listener = ", proxy_protocol: {from: [127.0.0.0/8]}",
        .limits = "handshake: 3s",
    }};
};

TEST_F(ThreatT27, BelievesABalancer_InEveryForm) {
    for (const std::string& preface : {
             kV1,
             proxy_v2('\x21', '\x11', kAddresses),
             proxy_v2('\x21', '\x11', kAddresses + "\x01\x00\x02h2\x04\x00\x01\x00"s),
         }) {
        RunningGateway gateway{{.listener = ", proxy_protocol: {from: [127.0.0.1]}"}};
        SocketPeer peer{gateway.port()};
        peer.send(preface + std::string{kNothingKnown});
        EXPECT_EQ(peer.read_all(), "");
        EXPECT_TRUE(is_blamed(gateway, "192.0.2.7"));
        EXPECT_FALSE(is_blamed(gateway, "127.0.0.1"));
    }
}

TEST_F(ThreatT27, KeepsTheBalancersAddress_WhenItSpeaksForItself) {
    for (const std::string& preface :
         {"PROXY UNKNOWN\r\n"s, proxy_v2('\x20', '\0', ""), proxy_v2('\x20', '\x11', kAddresses)}) {
        RunningGateway gateway{{.listener = ", proxy_protocol: {from: [127.0.0.1]}"}};
        SocketPeer peer{gateway.port()};
        peer.send(preface + std::string{kNothingKnown});
        EXPECT_EQ(peer.read_all(), "");
        EXPECT_TRUE(is_blamed(gateway, "127.0.0.1"));
        EXPECT_FALSE(is_blamed(gateway, "192.0.2.7"));
    }
}

TEST_F(ThreatT27, ServesWhatFollowsAPreface_HoweverItIsCut) {
    const std::string all =
        proxy_v2('\x21', '\x11', kAddresses + "\x04\x00\x80"s + std::string(128, '\0')) +
        connect_text("cut");
    for (const std::size_t size : {all.size(), std::size_t{1}, std::size_t{16}, std::size_t{29}}) {
        SocketPeer peer{behind_balancer_.port()};
        for (std::size_t at = 0; at < all.size(); at += size) {
            peer.send(all.substr(at, size));
        }
        EXPECT_EQ(as_text(peer.read()), kConnack) << "in pieces of " << size;
    }
}

TEST_F(ThreatT27, EndsABalancersConnection_WhosePrefaceIsWrong) {
    for (const std::string& start : {
             connect_text("no-preface"),
             "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n"s,
             "PROXY TCP4 "s + std::string(200, '1'),
             proxy_v2('\x21', '\x11', kAddresses + "\x04\x00\xFF"s),
             proxy_v2('\x21', '\x11', std::string(2'000, '\0')),
             proxy_v2('\x21', '\x31', std::string(216, '/')),
             proxy_v2('\x31', '\x11', kAddresses),
             kV1 + kV1,
         }) {
        SocketPeer peer{behind_balancer_.port()};
        peer.send(start);
        EXPECT_EQ(peer.read_all(), "");
    }
}

TEST_F(ThreatT27, EndsABalancersConnection_WhosePrefaceIsSlow) {
    SocketPeer peer{behind_balancer_.port()};
    peer.send(kV1.substr(0, 20));
    EXPECT_EQ(peer.read_all(), "");
    EXPECT_GE(behind_balancer_.metric(R"(weir_refused_total{reason="handshake_timeout"})"), 1);
}

TEST_F(ThreatT27, BelievesNobodyElse) {
    RunningGateway gateway{{.listener = ", proxy_protocol: {from: [192.0.2.0/24]}"}};
    for (const std::string& preface : {kV1, proxy_v2('\x21', '\x11', kAddresses)}) {
        SocketPeer peer{gateway.port()};
        peer.send(preface + connect_text("forger"));
        EXPECT_EQ(peer.read_all(), "") << "a preface is no protocol that is served";
    }
    EXPECT_FALSE(is_blamed(gateway, "192.0.2.7"));
    EXPECT_TRUE(is_blamed(gateway, "127.0.0.1"));
    SocketPeer direct{gateway.port()};
    direct.send(connect_text("direct"));
    EXPECT_EQ(as_text(direct.read()), kConnack);
}

TEST_F(ThreatT27, IgnoresForwardedHeaders) {
    RunningGateway gateway{{}};
    SocketPeer peer{gateway.port()};
    peer.send(
        "GET /mqtt HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\nForwarded: "
        "for=192.0.2.7\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    );
    EXPECT_TRUE(peer.read_all().starts_with("HTTP/1.1 4"));
    EXPECT_FALSE(is_blamed(gateway, "192.0.2.7"));
    EXPECT_TRUE(is_blamed(gateway, "127.0.0.1"));
}

// --- In front of TLS -------------------------------------------------------------------------------------------------

/// TLS over a peer that may have said something before.
class TlsOver {
public:
    explicit TlsOver(const SocketPeer& peer)
        : context_{SSL_CTX_new(TLS_client_method())}, ssl_{SSL_new(context_.get())} {
        SSL_set_fd(ssl_.get(), peer.fd());
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL, also to who has closed.
    }
    /// @return False if the server does not go along.
    [[nodiscard]] bool handshake() { return SSL_connect(ssl_.get()) == 1; }
    void send(std::string_view text) {
        EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), text.size());
    }
    /// Empty: the server has closed.
    [[nodiscard]] std::string read() {
        std::string buffer(1'024, '\0');
        const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        buffer.resize(static_cast<std::size_t>(std::max(count, 0)));
        return buffer;
    }

private:
    struct Free {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    };
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
};

RunningGateway::Options tls_behind(const std::string& balancer) {
    return {
        .listener =
            ", tls: {cert: gateway.crt, key: {file: gateway.key}}, proxy_protocol: {from: [" +
            balancer + "]}",
        .limits = "handshake: 3s",
        .prepare =
            [](const std::filesystem::path& home) {
                make_identity({.alternative = "IP:127.0.0.1"})
                    .write(home / "gateway.crt", home / "gateway.key");
                std::filesystem::permissions(
                    home / "gateway.key",
                    std::filesystem::perms::owner_read | std::filesystem::perms::owner_write
                );
            },
    };
}

TEST_F(ThreatT27, BelievesABalancer_InFrontOfTls) {
    for (const std::string& preface : {kV1, proxy_v2('\x21', '\x11', kAddresses)}) {
        RunningGateway gateway{tls_behind("127.0.0.0/8")};
        {
            SocketPeer peer{gateway.port()};
            peer.send(preface);
            TlsOver tls{peer};
            ASSERT_TRUE(tls.handshake());
            tls.send(connect_text("behind"));
            EXPECT_EQ(tls.read(), kConnack);
        }
        SocketPeer peer{gateway.port()};
        peer.send(preface);
        TlsOver tls{peer};
        ASSERT_TRUE(tls.handshake());
        tls.send(kNothingKnown);
        EXPECT_EQ(tls.read(), "");
        EXPECT_TRUE(is_blamed(gateway, "192.0.2.7"));
        EXPECT_FALSE(is_blamed(gateway, "127.0.0.1"));
    }
}

TEST_F(ThreatT27, EndsABalancersTls_ThatHasNoPrefaceInFront) {
    RunningGateway gateway{tls_behind("127.0.0.0/8")};
    SocketPeer peer{gateway.port()};
    TlsOver tls{peer};
    EXPECT_FALSE(tls.handshake());
}

TEST_F(ThreatT27, EndsABalancersConnection_WhosePrefaceIsInsideTls) {
    RunningGateway gateway{tls_behind("127.0.0.0/8")};
    SocketPeer peer{gateway.port()};
    peer.send(kV1);
    TlsOver tls{peer};
    ASSERT_TRUE(tls.handshake());
    tls.send(kV1 + connect_text("twice"));
    EXPECT_EQ(tls.read(), "");
}

TEST_F(ThreatT27, BelievesNobodyElse_InFrontOfTls) {
    RunningGateway gateway{tls_behind("192.0.2.0/24")};
    for (const std::string& preface : {kV1, proxy_v2('\x21', '\x11', kAddresses)}) {
        SocketPeer forger{gateway.port()};
        forger.send(preface);
        TlsOver tls{forger};
        EXPECT_FALSE(tls.handshake());
    }
    EXPECT_FALSE(is_blamed(gateway, "192.0.2.7"));
    SocketPeer direct{gateway.port()};
    TlsOver tls{direct};
    ASSERT_TRUE(tls.handshake());
    tls.send(connect_text("direct"));
    EXPECT_EQ(tls.read(), kConnack);
}

}  // namespace
}  // namespace weir::test
