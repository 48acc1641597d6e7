#include <weir/net/tls_engine.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include <weir/base/assert.hpp>
#include <weir/net/detail/openssl.hpp>
#include <weir/net/error.hpp>

namespace weir::net {
namespace {

errc errc_of_reason(int reason) noexcept {
    switch (reason) {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return errc::tls_no_certificate;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return errc::tls_bad_certificate;
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return errc::tls_alpn;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SHARED_GROUPS:
            return errc::tls_version;
        default:
            // Alerts from the peer are numbered from 1000 on.
            return reason >= SSL_AD_REASON_OFFSET ? errc::tls_refused_by_peer : errc::tls_failed;
    }
}

constexpr int kNameBytesMax = 128;

/// Empty: it has none, or one that is no name of a device.
std::string common_name(const X509* certificate) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) {
        return {};
    }
    const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const auto size = ASN1_STRING_length(value);
    if (size > kNameBytesMax) {
        return {};
    }
    const unsigned char* const data = ASN1_STRING_get0_data(value);
    const bool is_plain = std::all_of(data, data + size, [](unsigned char c) {
        return c > 0x20 && c < 0x7F;
    });
    return is_plain ? std::string{data, data + size} : std::string{};
}

std::string date_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return "?";
    }
    std::array<char, 32> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
    return {text.data(), size};
}

/// In words for operators.
std::string fault_of(X509_STORE_CTX* store) {
    const int error = X509_STORE_CTX_get_error(store);
    const bool is_leaf = X509_STORE_CTX_get_error_depth(store) == 0;
    const X509* const certificate = X509_STORE_CTX_get_current_cert(store);
    const std::string subject = is_leaf ? "certificate" : "CA certificate";
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return subject + " has expired (not after " +
                   date_of(X509_get0_notAfter(certificate)) + ')';
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return subject + " is not valid yet (not before " +
                   date_of(X509_get0_notBefore(certificate)) + ')';
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_CERT_UNTRUSTED:
            return "certificate is of another CA";
        case X509_V_ERR_CERT_REVOKED:
            return subject + " is revoked";
        default:
            return X509_verify_cert_error_string(error);
    }
}

/// What the last operation, which did not succeed, means; and an empty error queue.
error_code take_error(SSL* ssl, int result) noexcept {
    error_code error = errc::tls_failed;
    switch (SSL_get_error(ssl, result)) {
        case SSL_ERROR_ZERO_RETURN:
            error = errc::end_of_stream;
            break;
        case SSL_ERROR_SYSCALL:
            error = errno != 0 ? last_os_error() : error_code{errc::end_of_stream};
            break;
        default:
            error = errc_of_reason(ERR_GET_REASON(ERR_peek_error()));
    }
    ERR_clear_error();
    return error;
}

}  // namespace

struct TlsEngine::BioCallbacks {
    static TlsEngine& engine(BIO* bio) noexcept {
        return *static_cast<TlsEngine*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* out, int size) noexcept {
        BIO_clear_retry_flags(bio);
        ByteView& input = engine(bio).input_;
        if (input.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t count = std::min(input.size(), static_cast<std::size_t>(size));
        std::memcpy(out, input.data(), count);
        input = input.subspan(count);
        return static_cast<int>(count);
    }

    static int write(BIO* bio, const char* bytes, int size) noexcept {
        BIO_clear_retry_flags(bio);
        const TlsEngine& self = engine(bio);
        const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (self.more_follows_ ? MSG_MORE : 0);
        const ssize_t sent = ::send(self.fd_, bytes, static_cast<std::size_t>(size), flags);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            BIO_set_retry_write(bio);
        }
        return static_cast<int>(sent);
    }

    /// Changes nothing of the verdict: OpenSSL forgets the certificate when the handshake fails.
    static int verified(int verdict, X509_STORE_CTX* store) noexcept {
        if (verdict != 1) {
            const auto* const ssl = static_cast<const SSL*>(
                X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
            );
            engine(SSL_get_rbio(ssl)).rejected_ = {
                .name = common_name(X509_STORE_CTX_get0_cert(store)), .why = fault_of(store)};
        }
        return verdict;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) noexcept {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static const BIO_METHOD* method() {
        static const BIO_METHOD* const instance = [] {
            BIO_METHOD* const made =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir scratch");
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }();
        return instance;
    }
};

TlsEngine::TlsEngine()
    : cipher_{std::make_unique_for_overwrite<Byte[]>(kCipherBytes)},
      gather_{std::make_unique_for_overwrite<Byte[]>(kRecordBytesMax)},
      bio_{BIO_new(BioCallbacks::method())} {
    WEIR_ASSERT(bio_ != nullptr);
    BIO_set_data(bio_, this);
    BIO_set_init(bio_, 1);
}

TlsEngine::~TlsEngine() {
    BIO_free(bio_);
}

std::unique_ptr<TlsSession> TlsEngine::open(const TlsContext& context) noexcept {
    SSL* const ssl = SSL_new(context.native());
    if (ssl == nullptr) {
        ERR_clear_error();
        return nullptr;
    }
    SSL_set_accept_state(ssl);
    SSL_set_verify(ssl, SSL_get_verify_mode(ssl), BioCallbacks::verified);
    std::unique_ptr<TlsSession> session{new TlsSession{ssl}};
    bind(*session);
    return session;
}

void TlsEngine::bind(TlsSession& session) noexcept {
    BIO_up_ref(bio_);
    SSL_set_bio(session.ssl_, bio_, bio_);
}

void TlsEngine::unbind(TlsSession& session) noexcept {
    WEIR_DEBUG_ASSERT(!session.handshaking_);
    SSL_set_bio(session.ssl_, nullptr, nullptr);
}

void TlsEngine::begin(int fd, ByteView input) noexcept {
    fd_ = fd;
    input_ = input;
    more_follows_ = false;
    errno = 0;
}

Result<TlsEngine::Read> TlsEngine::read(TlsSession& session, int fd, std::span<Byte> out) noexcept {
    if (session.ended_) {
        return errc::end_of_stream;
    }
    const ssize_t received = ::recv(fd, cipher_.get(), kCipherBytes, MSG_DONTWAIT);
    if (received == 0) {
        return errc::end_of_stream;
    }
    if (received < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return Read{.size = 0, .more = errno == EINTR};
        }
        return last_os_error();
    }
    const auto count = static_cast<std::size_t>(received);
    WEIR_TRY(Read read, decrypt(session, fd, {cipher_.get(), count}, out));
    read.received = true;
    read.more = read.more || count == kCipherBytes;
    return read;
}

Result<TlsEngine::Read> TlsEngine::decrypt(
    TlsSession& session, int fd, ByteView cipher, std::span<Byte> out
) noexcept {
    WEIR_DEBUG_ASSERT(cipher.size() <= kCipherBytes && out.size() >= kPlainBytesMax);
    begin(fd, cipher);
    if (session.handshaking_) {
        if (!hello_fits(session, cipher)) {
            return errc::tls_failed;
        }
        WEIR_TRY(const Handshake handshake, advance_handshake(session));
        if (handshake == Handshake::waiting) {
            return Read{};
        }
    }
    std::size_t size = 0;
    while (!input_.empty()
    ) {  // One more call would find nothing, and allocate a record buffer to say so.
        std::size_t count = 0;
        const int result = SSL_read_ex(session.ssl_, out.data() + size, out.size() - size, &count);
        if (result == 1) {
            size += count;
            continue;
        }
        if (SSL_get_error(session.ssl_, result) == SSL_ERROR_WANT_READ) {
            break;
        }
        const error_code error = take_error(session.ssl_, result);
        if (error != errc::end_of_stream) {
            return error;
        }
        session.ended_ = true;  // What came before it is still delivered.
        return Read{.size = size, .more = true};
    }
    return Read{.size = size, .more = false};
}

bool TlsEngine::hello_fits(TlsSession& session, ByteView cipher) noexcept {
    if (session.hello_size_ == session.hello_.size()) {
        return true;
    }
    const std::size_t count = std::min(cipher.size(), session.hello_.size() - session.hello_size_);
    std::memcpy(session.hello_.data() + session.hello_size_, cipher.data(), count);
    session.hello_size_ = static_cast<std::uint8_t>(session.hello_size_ + count);
    // Type, version and length of the record, then type and 24-bit length of the message. [RFC8446-4] [RFC8446-5.1]
    const std::size_t declared = load_be<std::uint32_t>(session.hello_.data() + 5) & 0xFF'FFFFU;
    return session.hello_size_ < session.hello_.size() || declared <= kHelloBytesMax;
}

Result<TlsEngine::Handshake> TlsEngine::advance_handshake(TlsSession& session) noexcept {
    rejected_.name.clear();
    rejected_.why.clear();
    const int result = SSL_do_handshake(session.ssl_);
    if (result == 1) {
        session.handshaking_ = session.blocked_ = false;
        return Handshake::done;
    }
    const int why = SSL_get_error(session.ssl_, result);
    session.blocked_ = why == SSL_ERROR_WANT_WRITE;
    // Input that OpenSSL does not take because our flight is stuck would be lost with the scratch;
    // peers wait for the flight before they go on.
    if (why == SSL_ERROR_WANT_READ || (why == SSL_ERROR_WANT_WRITE && input_.empty())) {
        return Handshake::waiting;
    }
    return take_error(session.ssl_, result);
}

Result<std::size_t> TlsEngine::write(
    TlsSession& session, int fd, ByteView bytes, bool more_follows
) noexcept {
    begin(fd, {});
    if (session.handshaking_) {
        WEIR_TRY(const Handshake handshake, advance_handshake(session));
        if (handshake == Handshake::waiting) {
            return std::size_t{0};
        }
    }
    more_follows_ = more_follows;
    std::size_t done = 0;
    while (done < bytes.size()) {
        std::size_t count = 0;
        const int result =
            SSL_write_ex(session.ssl_, bytes.data() + done, bytes.size() - done, &count);
        if (result == 1) {
            done += count;
            continue;
        }
        if (const int why = SSL_get_error(session.ssl_, result);
            why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ) {
            return take_error(session.ssl_, result);
        }
        break;
    }
    return done;
}

void TlsEngine::close_notify(TlsSession& session, int fd) noexcept {
    if (!session.handshaking_) {
        begin(fd, {});
        SSL_shutdown(session.ssl_);
        ERR_clear_error();
    }
}

TlsSession::~TlsSession() {
    SSL_set_quiet_shutdown(ssl_, 1);
    SSL_free(ssl_);
}

std::string_view TlsSession::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return as_text({name, size});
}

std::optional<Sha256> TlsSession::peer_certificate_sha256() const {
    const X509* const leaf = SSL_get0_peer_certificate(ssl_);
    if (leaf == nullptr) {
        return std::nullopt;
    }
    Sha256 out{};
    unsigned size = 0;
    WEIR_ASSERT(X509_digest(leaf, EVP_sha256(), out.data(), &size) == 1 && size == out.size());
    return out;
}

std::vector<Bytes> TlsSession::peer_chain() const {
    std::vector<Bytes> chain;
    const auto add = [&chain](X509* certificate) {
        unsigned char* der = nullptr;
        const int size = i2d_X509(certificate, &der);
        WEIR_ASSERT(size > 0);
        chain.emplace_back(der, der + size);
        OPENSSL_free(der);
    };
    if (X509* const leaf = SSL_get0_peer_certificate(ssl_); leaf != nullptr) {
        add(leaf);
    }
    const STACK_OF(X509)* const others =
        SSL_get_peer_cert_chain(ssl_);  // On a server: without the leaf.
    for (int i = 0; i < sk_X509_num(others); ++i) {
        add(sk_X509_value(others, i));
    }
    return chain;
}

bool TlsSession::resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}
std::string_view TlsSession::version() const noexcept {
    return SSL_get_version(ssl_);
}
std::string_view TlsSession::cipher() const noexcept {
    return SSL_get_cipher_name(ssl_);
}

}  // namespace weir::net
