#include <weir/bench/route.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace weir::bench {

bool Address::is_loopback() const noexcept {
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        return (ntohl(v4.sin_addr.s_addr) >> 24U) == 127;
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

Address find_address(const Options& options) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const auto port = std::to_string(options.port);
    if (const int error = ::getaddrinfo(options.host.c_str(), port.c_str(), &wanted, &found);
        error != 0) {
        throw std::runtime_error{
            fmt::format("no address of '{}': {}", options.host, ::gai_strerror(error))
        };
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found, ::freeaddrinfo};
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    if (!address.is_loopback() && !options.remote) {
        throw std::runtime_error{fmt::format(
            "'{}' is not this machine: --remote says that you may load it", options.host
        )};
    }
    return address;
}

}  // namespace weir::bench
