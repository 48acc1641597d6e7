/// TLS for the connections of one shard, through buffers that they share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/error.hpp>
#include <weir/net/tls_context.hpp>

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace weir::net {

class TlsEngine;

/// A certificate that did not verify.
struct RejectedCertificate {
    /// Its common name; empty if it has none of printable ASCII. Nothing proves it: anybody may write such a certificate.
    std::string name;
    std::string why;  ///< "certificate has expired (not after 2026-01-02)".
};

/// One connection's TLS state. While idle it holds no record buffers. Used on the shard whose
/// engine it is bound to.
class TlsSession {
public:
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    /// The handshake waits for the socket to take what we have to say.
    [[nodiscard]] bool has_output() const noexcept { return blocked_; }
    [[nodiscard]] bool handshaking() const noexcept { return handshaking_; }

    // After the handshake.
    /// The protocol agreed on by ALPN; empty: none.
    [[nodiscard]] std::string_view alpn() const noexcept;
    /// SHA-256 of the peer's whole certificate: what tells devices apart.
    [[nodiscard]] std::optional<Sha256> peer_certificate_sha256() const;
    /// DER, leaf first, verified. Empty: the peer gave none.
    [[nodiscard]] std::vector<Bytes> peer_chain() const;
    [[nodiscard]] bool resumed() const noexcept;
    /// "TLSv1.3".
    [[nodiscard]] std::string_view version() const noexcept;
    [[nodiscard]] std::string_view cipher() const noexcept;

private:
    friend class TlsEngine;
    explicit TlsSession(ssl_st* ssl) noexcept : ssl_{ssl} {}

    ssl_st* ssl_;
    bool handshaking_ = true;
    bool blocked_ = false;
    bool ended_ = false;  ///< close_notify came.
    std::uint8_t hello_size_ = 0;
    std::array<Byte, 9> hello_{};  ///< The first bytes of the peer: record and message header.
};

/// The scratch of a shard: ciphertext is received into one buffer, handed to OpenSSL through one
/// BIO that all sessions of the shard share, and consumed before the call returns. One per shard,
/// one thread.
class TlsEngine {
public:
    static constexpr std::size_t kCipherBytes = 32 * 1024;
    /// Plaintext of one read: what was received, and a record that was begun before.
    static constexpr std::size_t kPlainBytesMax = kCipherBytes + 18 * 1024;
    /// OpenSSL allocates what a ClientHello declares, up to 128 KiB; real ones have 2 KiB. [T-04]
    static constexpr std::size_t kHelloBytesMax = 16 * 1024;
    /// Largest plaintext of one record.
    static constexpr std::size_t kRecordBytesMax = 16 * 1024;

    struct Read {
        std::size_t size = 0;   ///< Plaintext bytes.
        bool received = false;  ///< Something came, be it without plaintext.
        bool more = false;      ///< More is there without doubt.
    };

    TlsEngine();
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;
    ~TlsEngine();

    /// A server session of this context, bound to this engine. nullptr: out of memory.
    [[nodiscard]] std::unique_ptr<TlsSession> open(const TlsContext& context) noexcept;
    /// Before a session goes to another shard: it no longer refers to this one. Its handshake is
    /// done.
    void unbind(TlsSession& session) noexcept;
    void bind(TlsSession& session) noexcept;

    /// Receives once and decrypts all of it; advances the handshake. @param out kPlainBytesMax at
    /// least.
    [[nodiscard]] Result<Read> read(TlsSession& session, int fd, std::span<Byte> out) noexcept;
    /// The same with ciphertext that was received already, at most kCipherBytes.
    [[nodiscard]] Result<Read> decrypt(
        TlsSession& session, int fd, ByteView cipher, std::span<Byte> out
    ) noexcept;
    /// Sends `bytes` as far as the socket takes them. @return how many are done; 0: it takes none
    /// now, and the next call must begin with the same bytes. During the handshake: advances that,
    /// returns 0.
    /// @param more_follows  The next write comes at once: the socket may let a segment wait for it.
    [[nodiscard]] Result<std::size_t> write(
        TlsSession& session, int fd, ByteView bytes, bool more_follows = false
    ) noexcept;
    /// Sends close_notify, if the socket takes it.
    void close_notify(TlsSession& session, int fd) noexcept;

    /// Of the handshake that ended with tls_bad_certificate last. Valid until the next one is advanced.
    [[nodiscard]] const RejectedCertificate& rejected() const noexcept { return rejected_; }

    /// Where small pieces are gathered into a record before write(); kRecordBytesMax bytes.
    [[nodiscard]] std::span<Byte> gather_buffer() noexcept {
        return {gather_.get(), kRecordBytesMax};
    }

private:
    struct BioCallbacks;

    void begin(int fd, ByteView input) noexcept;
    /// Looks at the length that the peer's first message declares.
    [[nodiscard]] static bool hello_fits(TlsSession& session, ByteView cipher) noexcept;
    enum class Handshake : std::uint8_t { done, waiting };

    [[nodiscard]] Result<Handshake> advance_handshake(TlsSession& session) noexcept;

    std::unique_ptr<Byte[]> cipher_;
    std::unique_ptr<Byte[]> gather_;
    bio_st* bio_;
    int fd_ = -1;     ///< Of the session being served.
    bool more_follows_ = false;
    ByteView input_;  ///< Ciphertext not yet taken by OpenSSL.
    RejectedCertificate rejected_;
};

}  // namespace weir::net
