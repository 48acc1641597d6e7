#include <weir/net/tls_context.hpp>

#include <openssl/pem.h>

#include <ctime>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/net/detail/openssl.hpp>

namespace weir::net {
namespace {

using namespace detail;

constexpr int kClientChainDepthMax = 4;
/// Of all certificates that a peer sends, before any is verified.
constexpr long kPeerCertificatesBytesMax = 32 * 1024;
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroupsHybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr std::string_view kSessionContext = "weir";

void require(bool holds, TlsPart part, const char* what) {
    if (!holds) {
        ERR_clear_error();
        throw TlsConfigError{part, what};
    }
}

/// For what OpenSSL judges by rules of its own: with its reason, as words.
void require_accepted(bool accepted, TlsPart part, const std::string& what) {
    if (accepted) {
        return;
    }
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    throw TlsConfigError{part, reason == nullptr ? what : what + ": " + reason};
}

BioPtr memory_bio(const std::string& pem) {
    return BioPtr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

/// All objects of one kind in a PEM text; other kinds between them are skipped.
template <class Ptr, auto Read>
std::vector<Ptr> read_all(const std::string& pem) {
    std::vector<Ptr> all;
    const BioPtr bio = memory_bio(pem);
    while (auto* const each = Read(bio.get(), nullptr, nullptr, nullptr)) {
        all.emplace_back(each);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        ERR_clear_error();  // The end of the text.
    } else {
        all.clear();
    }
    return all;
}

WallTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    require(
        ASN1_TIME_to_tm(time, &parts) == 1,
        TlsPart::certificate,
        "certificate: the end of its validity is no time"
    );
    return WallTime{std::int64_t{::timegm(&parts)} * 1000};
}

WallTime use_certificate(SSL_CTX* context, const TlsOptions& options) {
    const auto chain = read_all<X509Ptr, PEM_read_bio_X509>(options.certificate_pem);
    require(!chain.empty(), TlsPart::certificate, "certificate: not a PEM certificate");
    require_accepted(
        SSL_CTX_use_certificate(context, chain.front().get()) == 1,
        TlsPart::certificate,
        "certificate"
    );
    for (std::size_t i = 1; i < chain.size(); ++i) {
        require_accepted(
            SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1,
            TlsPart::certificate,
            "certificate chain"
        );
    }
    const BioPtr bio = memory_bio(options.key_pem);
    // Without the callback OpenSSL would ask for a passphrase on the terminal.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    const KeyPtr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)};
    require(key != nullptr, TlsPart::key, "key: not an unencrypted PEM key");
    require(
        SSL_CTX_use_PrivateKey(context, key.get()) == 1,
        TlsPart::key,
        "key does not belong to the certificate"
    );
    return time_of(X509_get0_notAfter(chain.front().get()));
}

void trust_clients(SSL_CTX* context, const TlsOptions& options) {
    if (options.client_auth == ClientAuth::none) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return;
    }
    const auto authorities = read_all<X509Ptr, PEM_read_bio_X509>(options.client_ca_pem);
    require(!authorities.empty(), TlsPart::client_ca, "client_ca: no PEM certificate in it");
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const X509Ptr& authority : authorities) {
        const bool trusted = X509_STORE_add_cert(store, authority.get()) == 1 &&
                             SSL_CTX_add_client_CA(context, authority.get()) == 1;
        require_accepted(trusted, TlsPart::client_ca, "client_ca");
    }
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;  // An intermediate may be the anchor.
    if (!options.client_crl_pem.empty()) {
        const auto lists = read_all<CrlPtr, PEM_read_bio_X509_CRL>(options.client_crl_pem);
        require(!lists.empty(), TlsPart::client_crl, "client_crl: no PEM revocation list in it");
        for (const CrlPtr& list : lists) {
            require_accepted(
                X509_STORE_add_crl(store, list.get()) == 1, TlsPart::client_crl, "client_crl"
            );
        }
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    }
    X509_STORE_set_flags(store, flags);
    const int required =
        options.client_auth == ClientAuth::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
    SSL_CTX_set_verify_depth(context, kClientChainDepthMax);
    SSL_CTX_set_max_cert_list(context, kPeerCertificatesBytesMax);
}

/// Sessions that were opened with a client certificate do not resume: see TlsContext.
SSL_TICKET_RETURN judge_ticket(
    SSL* /*ssl*/,
    SSL_SESSION* session,
    const unsigned char* /*key_name*/,
    std::size_t /*key_name_size*/,
    SSL_TICKET_STATUS status,
    void* /*unused*/
) {
    switch (status) {
        case SSL_TICKET_EMPTY:
        case SSL_TICKET_NO_DECRYPT:
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        case SSL_TICKET_SUCCESS:
        case SSL_TICKET_SUCCESS_RENEW:
            if (SSL_SESSION_get0_peer(session) != nullptr) {
                return SSL_TICKET_RETURN_IGNORE_RENEW;
            }
            return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                                : SSL_TICKET_RETURN_USE_RENEW;
        default:
            return SSL_TICKET_RETURN_ABORT;
    }
}

/// Where a context keeps the ALPN list that its callback reads; freed with the context.
int alpn_index() {
    static const int index = SSL_CTX_get_ex_new_index(
        0,
        nullptr,
        nullptr,
        nullptr,
        [](void*, void* list, CRYPTO_EX_DATA*, int, long, void*) {
            delete static_cast<Bytes*>(list);
        }
    );
    return index;
}

int choose_alpn(
    SSL* ssl,
    const unsigned char** chosen,
    unsigned char* chosen_size,
    const unsigned char* offered,
    unsigned offered_size,
    void* /*unused*/
) {
    const auto* const served =
        static_cast<const Bytes*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), alpn_index()));
    unsigned char* match = nullptr;
    const int found = SSL_select_next_proto(
        &match,
        chosen_size,
        served->data(),
        static_cast<unsigned>(served->size()),
        offered,
        offered_size
    );
    *chosen = match;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void serve_alpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
    if (protocols.empty()) {
        return;
    }
    auto wire = std::make_unique<Bytes>();
    for (const std::string& protocol : protocols) {
        require(
            !protocol.empty() && protocol.size() <= 255,
            TlsPart::other,
            "alpn: a name has 1 to 255 bytes"
        );
        wire->push_back(static_cast<Byte>(protocol.size()));
        append(*wire, protocol);
    }
    require(SSL_CTX_set_ex_data(context, alpn_index(), wire.get()) == 1, TlsPart::other, "alpn");
    static_cast<void>(wire.release());
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
}

void harden(SSL_CTX* context, TlsProfile profile) {
    const int oldest = profile == TlsProfile::modern ? TLS1_3_VERSION : TLS1_2_VERSION;
    require(SSL_CTX_set_min_proto_version(context, oldest) == 1, TlsPart::other, "profile");
    require(SSL_CTX_set_cipher_list(context, kCiphers12) == 1, TlsPart::other, "profile");
    if (SSL_CTX_set1_groups_list(context, kGroupsHybrid) != 1) {  // This OpenSSL has no ML-KEM.
        ERR_clear_error();
        require(SSL_CTX_set1_groups_list(context, kGroups) == 1, TlsPart::other, "profile");
    }
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
            SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF
    );
    SSL_CTX_set_mode(
        context,
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    );
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_id_context(
        context, as_bytes(kSessionContext).data(), static_cast<unsigned>(kSessionContext.size())
    );
    SSL_CTX_set_session_ticket_cb(context, [](SSL*, void*) { return 1; }, judge_ticket, nullptr);
}

}  // namespace

std::shared_ptr<const TlsContext> TlsContext::make(const TlsOptions& options) {
    ERR_clear_error();
    ContextPtr context{SSL_CTX_new(TLS_server_method())};
    require(context != nullptr, TlsPart::other, "TLS context");
    harden(context.get(), options.profile);
    const WallTime not_after = use_certificate(context.get(), options);
    trust_clients(context.get(), options);
    serve_alpn(context.get(), options.alpn);
    const std::shared_ptr<TlsContext> made{new TlsContext{context.release()}};
    made->not_after_ = not_after;
    return made;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

}  // namespace weir::net
