/// TLS for clients.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <weir/bench/device_folders.hpp>
#include <weir/bench/options.hpp>

struct ssl_ctx_st;
struct ssl_st;

namespace weir::bench::detail {

struct FreeSession {
    void operator()(ssl_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_st, FreeSession>;

/// One context for all clients, or one per device. Immutable: any thread may begin sessions.
class TlsContexts {
public:
    /// Holds nothing if the options ask for no TLS. @throws std::runtime_error.
    TlsContexts(const Options& options, std::span<const DeviceFolder> devices);

    /// A client's end on that socket; none without TLS. Sessions are never resumed.
    [[nodiscard]] TlsSession begin(std::uint32_t client, int fd) const;

private:
    struct FreeContext {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    using Context = std::unique_ptr<ssl_ctx_st, FreeContext>;

    [[nodiscard]] static Context make(const TlsOptions& options);

    std::string host_;     ///< Whose certificate is expected; empty: anybody's.
    bool is_address_ = false;
    std::vector<Context> contexts_;
};

}  // namespace weir::bench::detail
