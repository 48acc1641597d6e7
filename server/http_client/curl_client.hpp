/// The Client that speaks to the network.
#pragma once

#include <cstddef>
#include <memory>

#include <weir/http_client/client.hpp>

namespace weir::http_client {

struct ClientOptions {
    std::size_t in_flight_max = 1'024;   ///< Requests beyond end as errc::overloaded.
    std::size_t connections_kept = 256;  ///< Idle connections that stay open for the next request.
    std::size_t body_bytes_max = 16 * 1024;  ///< Of an answer; the rest is not read.
};

/// One thread runs all transfers. The destructor cancels what is in flight (their completions run
/// with errc::cancelled) and joins the thread.
class CurlClient final : public Client {
public:
    explicit CurlClient(ClientOptions options = {});
    CurlClient(const CurlClient&) = delete;
    CurlClient& operator=(const CurlClient&) = delete;
    ~CurlClient() override;

    void submit(Request request, Completion done) override;
    /// Cancels everything and joins the thread; later submissions end as errc::cancelled, on the
    /// caller's thread. Not from a completion.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::http_client
