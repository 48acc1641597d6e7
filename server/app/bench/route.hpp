/// Where the broker is, and whether it may be loaded.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include <weir/bench/options.hpp>

namespace weir::bench {

/// An address of the broker.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] bool is_loopback() const noexcept;
};

/// The first address of a name or the address that it writes.
/// @throws std::runtime_error: there is none, or it is not of this machine and `remote` is false.
[[nodiscard]] Address find_address(const Options& options);

}  // namespace weir::bench
