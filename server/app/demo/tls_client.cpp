#include <weir/demo/detail/tls_client.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace weir::demo::detail {
namespace {

constexpr auto* kHost = "127.0.0.1";
constexpr timeval kStuck{.tv_sec = 10, .tv_usec = 0};
constexpr std::array<unsigned char, 5> kAlpn = {4, 'm', 'q', 't', 't'};

[[noreturn]] void fail(const std::string& what) {
    std::array<char, 256> reason{};
    const auto code = ERR_get_error();
    if (code == 0) {
        throw std::runtime_error{what};
    }
    ERR_error_string_n(code, reason.data(), reason.size());
    throw std::runtime_error{what + ": " + reason.data()};
}

void expect(bool succeeded, const char* what) {
    if (!succeeded) {
        fail(what);
    }
}

}  // namespace

TlsClient::Socket::Socket(std::uint16_t port)
    : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, kHost, &address.sin_addr);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kStuck, sizeof kStuck);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kStuck, sizeof kStuck);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        ::close(fd_);
        throw std::system_error{error, std::generic_category(), "cannot connect"};
    }
}

TlsClient::Socket::~Socket() {
    ::close(fd_);
}

void TlsClient::FreeContext::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}

void TlsClient::FreeSession::operator()(ssl_st* session) const noexcept {
    SSL_free(session);
}

TlsClient::TlsClient(std::uint16_t port, const ClientFiles& files)
    : socket_{port}, context_{SSL_CTX_new(TLS_client_method())} {
    ERR_clear_error();
    auto* const context = context_.get();
    expect(context != nullptr, "cannot use TLS");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    // A record without application data (a session ticket) must not make a read wait for the next.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    expect(
        SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) == 1, "cannot read the CA"
    );
    expect(
        SSL_CTX_use_certificate_file(context, files.certificate.c_str(), SSL_FILETYPE_PEM) == 1,
        "cannot read the certificate"
    );
    expect(
        SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1,
        "cannot read the key"
    );
    expect(SSL_CTX_set_alpn_protos(context, kAlpn.data(), kAlpn.size()) == 0, "cannot set ALPN");
    session_.reset(SSL_new(context));
    expect(session_ != nullptr, "cannot use TLS");
    expect(
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), kHost) == 1,
        "cannot verify the server"
    );
    expect(SSL_set_fd(session_.get(), socket_.fd()) == 1, "cannot use the socket");
    expect(SSL_connect(session_.get()) == 1, "TLS handshake failed");
}

TlsClient::~TlsClient() = default;

void TlsClient::write(ByteView bytes) {
    ERR_clear_error();
    std::size_t written = 0;
    expect(
        bytes.empty() || SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written) == 1,
        "the connection is gone"
    );
}

std::size_t TlsClient::read(std::span<Byte> into, std::chrono::milliseconds wait) {
    if (SSL_pending(session_.get()) == 0) {
        pollfd ready{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, static_cast<int>(wait.count())) <= 0) {
            return 0;
        }
    }
    ERR_clear_error();
    std::size_t count = 0;
    const int outcome = SSL_read_ex(session_.get(), into.data(), into.size(), &count);
    if (outcome == 1 || SSL_get_error(session_.get(), outcome) == SSL_ERROR_WANT_READ) {
        return count;
    }
    fail("the gateway closed the connection");
}

void TlsClient::close() noexcept {
    ERR_clear_error();
    static_cast<void>(SSL_shutdown(session_.get()));
}

}  // namespace weir::demo::detail
