/// A blocking TLS client, as a simple device has one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include <weir/base/bytes.hpp>
#include <weir/demo/home.hpp>

struct ssl_ctx_st;
struct ssl_st;

namespace weir::demo::detail {

/// One connection to 127.0.0.1. Used by one thread. All calls throw std::runtime_error.
class TlsClient {
public:
    /// Shakes hands, proves the certificate in `files`, verifies that of the server.
    TlsClient(std::uint16_t port, const ClientFiles& files);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    void write(ByteView bytes);
    /// Waits for bytes, at most that long. @return 0: none came. @throws if the peer has closed.
    [[nodiscard]] std::size_t read(std::span<Byte> into, std::chrono::milliseconds wait);
    /// Says goodbye on the TLS level; errors do not matter any more.
    void close() noexcept;

private:
    struct FreeContext {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    struct FreeSession {
        void operator()(ssl_st* session) const noexcept;
    };
    /// Closes a descriptor.
    class Socket {
    public:
        explicit Socket(std::uint16_t port);
        ~Socket();
        Socket(const Socket&) = delete;
        Socket& operator=(const Socket&) = delete;
        [[nodiscard]] int fd() const noexcept { return fd_; }

    private:
        int fd_;
    };

    Socket socket_;
    std::unique_ptr<ssl_ctx_st, FreeContext> context_;
    std::unique_ptr<ssl_st, FreeSession> session_;
};

}  // namespace weir::demo::detail
