/// Certificates made on the spot, and a TLS client that a test steps by hand.
#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unit/net/support.hpp>

namespace weir::net::test {

template <class T, void (*Free)(T*)>
struct Freed {
    void operator()(T* object) const noexcept { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;

inline std::string pem_of(const std::function<int(BIO*)>& write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    EXPECT_EQ(write(bio), 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string pem{text, static_cast<std::size_t>(size)};
    BIO_free(bio);
    return pem;
}

/// A P-256 key and a certificate for it.
struct Identity {
    Key key;
    Certificate certificate;

    [[nodiscard]] std::string certificate_pem() const {
        return pem_of([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    }
    [[nodiscard]] std::string key_pem() const {
        return pem_of([this](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }
};

struct IssueOptions {
    const Identity* issuer = nullptr;  ///< nullptr: self-signed.
    bool authority = false;
    long valid_s = 3600;
};

inline Identity issue(const std::string& name, IssueOptions options = {}) {
    static long serial = 1;
    Identity made{Key{EVP_EC_gen("P-256")}, Certificate{X509_new()}};
    X509* const x = made.certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x), options.valid_s);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(x),
        "CN",
        MBSTRING_UTF8,
        reinterpret_cast<const Byte*>(name.c_str()),
        -1,
        -1,
        0
    );
    const Identity& issuer = options.issuer == nullptr ? made : *options.issuer;
    X509_set_issuer_name(x, X509_get_subject_name(issuer.certificate.get()));
    X509_set_pubkey(x, made.key.get());
    X509_EXTENSION* const basic = X509V3_EXT_conf_nid(
        nullptr, nullptr, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE"
    );
    X509_add_ext(x, basic, -1);
    X509_EXTENSION_free(basic);
    EXPECT_GT(X509_sign(x, issuer.key.get(), EVP_sha256()), 0);
    return made;
}

/// A client over a non-blocking socket. Its calls do what they can and never wait.
class TlsPeer {
public:
    struct Options {
        const Identity* identity = nullptr;
        std::vector<const Identity*> chain = {};
        std::string alpn = {};  ///< Wire form.
        int version_max = 0;
        SSL_SESSION* session = nullptr;
    };

    TlsPeer(runtime::UniqueFd fd, const Options& options)
        : fd_{std::move(fd)}, context_{SSL_CTX_new(TLS_client_method())}, ssl_{} {
        SSL_CTX_set_max_proto_version(context_, options.version_max);
        if (options.identity != nullptr) {
            SSL_CTX_use_certificate(context_, options.identity->certificate.get());
            SSL_CTX_use_PrivateKey(context_, options.identity->key.get());
            for (const Identity* each : options.chain) {
                SSL_CTX_add1_chain_cert(context_, each->certificate.get());
            }
        }
        ssl_ = SSL_new(context_);
        if (!options.alpn.empty()) {
            SSL_set_alpn_protos(
                ssl_,
                reinterpret_cast<const Byte*>(options.alpn.data()),
                static_cast<unsigned>(options.alpn.size())
            );
        }
        if (options.session != nullptr) {
            SSL_set_session(ssl_, options.session);
        }
        SSL_set_fd(ssl_, fd_.get());
        SSL_set_connect_state(ssl_);
    }
    TlsPeer(const TlsPeer&) = delete;
    TlsPeer& operator=(const TlsPeer&) = delete;
    ~TlsPeer() {
        SSL_set_shutdown(
            ssl_, SSL_SENT_SHUTDOWN
        );  // Else its session would count as broken and not resume.
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

    /// @return true once the handshake is done.
    bool shakes() {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_);
        if (result != 1 && SSL_get_error(ssl_, result) == SSL_ERROR_SSL) {
            failed = true;
        }
        return result == 1;
    }
    bool sends(std::string_view text) {
        ERR_clear_error();
        return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) ==
               static_cast<int>(text.size());
    }
    std::string receives() {
        std::string all;
        char buffer[16 * 1024];
        for (;;) {
            ERR_clear_error();
            const int size = SSL_read(ssl_, buffer, sizeof buffer);
            if (size <= 0) {
                ended = ended || SSL_get_error(ssl_, size) == SSL_ERROR_ZERO_RETURN;
                return all;
            }
            all.append(buffer, static_cast<std::size_t>(size));
        }
    }
    void says_goodbye() { SSL_shutdown(ssl_); }
    void asks_for_key_update() { SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED); }
    [[nodiscard]] SSL* native() const { return ssl_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    void closes() { fd_.reset(); }

    bool ended = false;   ///< close_notify came.
    bool failed = false;  ///< The handshake.

private:
    runtime::UniqueFd fd_;
    SSL_CTX* context_;
    SSL* ssl_;
};

}  // namespace weir::net::test
