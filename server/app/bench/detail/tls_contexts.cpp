#include <weir/bench/detail/tls_contexts.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir::bench::detail {
namespace {

/// ALPN, with the lengths in front.
constexpr std::string_view kMqtt = "\x04mqtt";
constexpr std::string_view kHttp = "\x08http/1.1";

void expect(bool succeeded, const std::string& what) {
    if (succeeded) {
        return;
    }
    std::array<char, 256> reason{};
    ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
    throw std::runtime_error{fmt::format("{}: {}", what, reason.data())};
}

void set_certificate(
    ssl_ctx_st* context, const std::filesystem::path& cert, const std::filesystem::path& key
) {
    expect(
        SSL_CTX_use_certificate_chain_file(context, cert.c_str()) == 1,
        fmt::format("cannot read the certificate '{}'", cert.string())
    );
    expect(
        SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1,
        fmt::format("cannot read the key '{}'", key.string())
    );
}

void set_versions(ssl_ctx_st* context, const std::string& version) {
    if (version.empty()) {
        return;
    }
    const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, number);
    SSL_CTX_set_max_proto_version(context, number);
}

bool is_address(const std::string& host) {
    in6_addr ignored{};
    return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

void FreeSession::operator()(ssl_st* session) const noexcept {
    SSL_free(session);
}

void TlsContexts::FreeContext::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}

TlsContexts::TlsContexts(const Options& options, std::span<const DeviceFolder> devices) {
    if (!options.tls.enabled) {
        return;
    }
    if (!options.tls.insecure) {
        host_ = options.host;
        is_address_ = is_address(host_);
    }
    auto tls = options.tls;
    if (tls.ca.empty() && !devices.empty()) {
        tls.ca = devices.front().path / "ca.crt";
    }
    const auto add = [&](const std::filesystem::path& cert, const std::filesystem::path& key) {
        auto context = make(tls);
        if (!cert.empty()) {
            set_certificate(context.get(), cert, key);
        }
        const auto alpn = as_bytes(options.websocket ? kHttp : kMqtt);
        SSL_CTX_set_alpn_protos(context.get(), alpn.data(), static_cast<unsigned>(alpn.size()));
        contexts_.push_back(std::move(context));
    };
    for (const auto& device : devices) {
        add(device.path / "device.crt", device.path / "device.key");
    }
    if (devices.empty()) {
        add(tls.cert, tls.key);
    }
}

TlsContexts::Context TlsContexts::make(const TlsOptions& options) {
    ERR_clear_error();
    Context context{SSL_CTX_new(TLS_client_method())};
    expect(context != nullptr, "cannot use TLS");
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS
    );
    set_versions(context.get(), options.version);
    if (!options.groups.empty()) {
        expect(
            SSL_CTX_set1_groups_list(context.get(), options.groups.c_str()) == 1,
            fmt::format("unknown group in '{}'", options.groups)
        );
    }
    if (options.insecure) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
        return context;
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (options.ca.empty()) {
        expect(SSL_CTX_set_default_verify_paths(context.get()) == 1, "cannot read the system's CAs");
    } else {
        expect(
            SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr) == 1,
            fmt::format("cannot read the CA '{}'", options.ca.string())
        );
    }
    return context;
}

TlsSession TlsContexts::begin(std::uint32_t client, int fd) const {
    if (contexts_.empty()) {
        return nullptr;
    }
    TlsSession session{SSL_new(contexts_[client % contexts_.size()].get())};
    if (session == nullptr || SSL_set_fd(session.get(), fd) != 1) {
        return nullptr;
    }
    if (is_address_) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host_.c_str());
    } else if (!host_.empty()) {
        auto name = host_;
        SSL_set1_host(session.get(), name.c_str());
        SSL_ctrl(  // SSL_set_tlsext_host_name, which is a macro with an old-style cast.
            session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()
        );
    }
    SSL_set_connect_state(session.get());
    return session;
}

}  // namespace weir::bench::detail
