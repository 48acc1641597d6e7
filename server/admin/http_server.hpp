/// A small HTTP/1.1 server for operators.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <weir/admin/dispatch.hpp>

namespace weir::admin {

/// Names the address or the path and what is wrong with it.
class ListenError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ServerLimits {
    /// Open at once. For one more, the one that would be over its time first makes room; while all are being answered, it is closed.
    std::size_t connections = 64;
    std::uint32_t head_bytes = 8 * 1024;      ///< Beyond: 431.
    std::uint64_t body_bytes = 1024 * 1024;   ///< Beyond: 413, as soon as it is seen.
    std::chrono::milliseconds head{5'000};    ///< For a whole head, and between requests.
    std::chrono::milliseconds body{8'000};    ///< From the head to the body's last byte.
    std::chrono::milliseconds write{10'000};  ///< For the answer to be taken.
};

/// Life: construct, listen on at least one place, start(), stop(). One thread reads and writes, two
/// run handlers. Owned by whoever owns what the handlers use, and stopped before that ends.
class HttpServer {
public:
    explicit HttpServer(Routes routes, ServerLimits limits = {});
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    /// A socket with mode 0660; the folder is made if missing. One that a dead process left behind
    /// is replaced, one that answers is an error, and so is a file that is no socket.
    /// @throws ListenError
    void listen_unix(const std::filesystem::path& path);
    /// @param address Numeric. @param port 0: any free one.
    /// @return The port. @throws ListenError
    std::uint16_t listen_tcp(const std::string& address, std::uint16_t port);

    void start();
    /// Waits for the handlers that run, then closes every connection and removes the socket's file.
    void stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::admin
