// T-22: the client never talks to a server that it cannot verify, on no attempt.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <future>
#include <support/certificates.hpp>
#include <support/http_server.hpp>
#include <support/temp_dir.hpp>
#include <thread>

#include <weir/http_client/curl_client.hpp>

namespace weir::http_client {
namespace {

using test::Identity;
using test::make_identity;

/// Answers every request over TLS with 200 and closes, one connection after the other.
class TlsServer {
public:
    /// @param client_ca  Not empty: clients need a certificate of this authority.
    TlsServer(const Identity& identity, const std::string& client_ca)
        : context_{SSL_CTX_new(TLS_server_method())} {
        EXPECT_EQ(SSL_CTX_use_certificate(context_, identity.certificate.get()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(context_, identity.key.get()), 1);
        if (!client_ca.empty()) {
            SSL_CTX_set_verify(
                context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr
            );
            EXPECT_EQ(SSL_CTX_load_verify_file(context_, client_ca.c_str()), 1);
        }
        thread_ = std::thread{[this] { serve(); }};
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer() {
        listener_.end();
        thread_.join();
        SSL_CTX_free(context_);
    }

    [[nodiscard]] std::string url() const {
        return "https://" + listener_.address() + "/";
    }
    [[nodiscard]] int requests() const { return requests_; }

private:
    void serve() {
        sigset_t broken_pipe;
        sigemptyset(&broken_pipe);
        sigaddset(&broken_pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
        while (const auto socket = listener_.accept()) {
            auto* const tls = SSL_new(context_);
            SSL_set_fd(tls, *socket);
            char request[4'096];
            if (SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof(request)) > 0) {
                ++requests_;
                const std::string reply =
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                SSL_write(tls, reply.data(), static_cast<int>(reply.size()));
                SSL_shutdown(tls);
            }
            SSL_free(tls);
            ::close(*socket);
        }
    }

    SSL_CTX* context_;
    test::LoopbackListener listener_;
    std::atomic<int> requests_{0};
    std::thread thread_;
};

class CurlClientTls : public testing::Test {
protected:
    CurlClientTls() {
        authority_.write(path("ca.crt"), path("ca.key"));
        make_identity({.name = "other CA", .authority = true})
            .write(path("other.crt"), path("other.key"));
        make_identity({.name = "weir"}, &authority_).write(path("client.crt"), path("client.key"));
        std::ofstream{path("empty.crt")}.flush();
    }

    [[nodiscard]] std::string path(const std::string& file) const {
        return directory_.path() / file;
    }

    [[nodiscard]] std::string read(const std::string& file) const {
        std::ostringstream text;
        text << std::ifstream{path(file)}.rdbuf();
        return text.str();
    }

    [[nodiscard]] Identity server_identity(test::CertificateRequest request = {}) const {
        request.alternative = request.alternative.empty() ? "IP:127.0.0.1" : request.alternative;
        return make_identity(request, &authority_);
    }

    Outcome fetch(const TlsServer& server, TlsOptions tls) {
        std::promise<Outcome> promise;
        client_.submit({.url = server.url(), .tls = std::move(tls)}, [&](Outcome&& outcome) {
            promise.set_value(std::move(outcome));
        });
        return promise.get_future().get();
    }

    /// Twice, as a retry must not be laxer than a first attempt.
    void expect_refused(
        const Identity& identity, const TlsOptions& tls, const std::string& client_ca = {}
    ) {
        const TlsServer server{identity, client_ca};
        for (int attempt = 1; attempt <= 2; ++attempt) {
            const auto outcome = fetch(server, tls);
            EXPECT_TRUE(outcome.error) << "attempt " << attempt;
            EXPECT_FALSE(outcome.detail.empty());
        }
        EXPECT_EQ(server.requests(), 0);
    }

    test::TempDir directory_;
    Identity authority_ = make_identity({.name = "CA", .authority = true});
    CurlClient client_;
};

TEST_F(CurlClientTls, TalksToAVerifiedServer) {
    const TlsServer server{server_identity(), {}};
    const auto outcome = fetch(server, {.ca_file = path("ca.crt")});
    EXPECT_FALSE(outcome.error) << outcome.detail;
    EXPECT_EQ(outcome.response.status, 200);
}

TEST_F(CurlClientTls, RefusesUnknownAuthority) {
    expect_refused(server_identity(), {.ca_file = path("other.crt")});
}

TEST_F(CurlClientTls, RefusesUnknownAuthority_WithTheSystemsOwn) {
    expect_refused(server_identity(), {});
}

TEST_F(CurlClientTls, RefusesOtherHost) {
    expect_refused(
        server_identity({.alternative = "IP:127.0.0.2,DNS:localhost"}), {.ca_file = path("ca.crt")}
    );
}

TEST_F(CurlClientTls, RefusesExpiredCertificate) {
    expect_refused(
        server_identity({.valid_from_s = -7'200, .valid_until_s = -3'600}),
        {.ca_file = path("ca.crt")}
    );
}

TEST_F(CurlClientTls, RefusesCertificateThatIsNotValidYet) {
    expect_refused(
        server_identity({.valid_from_s = 3'600, .valid_until_s = 7'200}),
        {.ca_file = path("ca.crt")}
    );
}

TEST_F(CurlClientTls, RefusesToStart_WithoutUsableAuthorities) {
    expect_refused(server_identity(), {.ca_file = path("empty.crt")});
    expect_refused(server_identity(), {.ca_file = path("missing.crt")});
}

TEST_F(CurlClientTls, StaysStrict_AfterASuccessWithOtherOptions) {
    const TlsServer server{server_identity(), {}};
    EXPECT_EQ(fetch(server, {.ca_file = path("ca.crt")}).response.status, 200);
    EXPECT_EQ(fetch(server, {.ca_file = path("other.crt")}).error, errc::tls_failed);
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(CurlClientTls, ShowsItsCertificate_WhereItHasOne) {
    const TlsServer server{server_identity(), path("ca.crt")};
    const auto outcome = fetch(
        server,
        {.ca_file = path("ca.crt"), .cert_pem = read("client.crt"), .key_pem = read("client.key")}
    );
    EXPECT_EQ(outcome.response.status, 200) << outcome.detail;
}

TEST_F(CurlClientTls, Fails_WhenTheServerWantsACertificateAndThereIsNone) {
    expect_refused(server_identity(), {.ca_file = path("ca.crt")}, path("ca.crt"));
}

}  // namespace
}  // namespace weir::http_client
