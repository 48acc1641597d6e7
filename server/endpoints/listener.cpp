#include <weir/endpoints/listener.hpp>

#include <algorithm>

namespace weir::endpoints {

bool Network::contains(const proxy::Address& peer) const noexcept {
    if (peer.v6 != address.v6) {
        return false;
    }
    unsigned left = bits;
    for (std::size_t i = 0; left > 0 && i < address.ip.size(); ++i) {
        const unsigned taken = std::min(left, 8U);
        const auto mask = static_cast<Byte>(0xFFU << (8U - taken));
        if ((peer.ip[i] & mask) != (address.ip[i] & mask)) {
            return false;
        }
        left -= taken;
    }
    return true;
}

bool Listener::is_proxy(const proxy::Address& peer) const noexcept {
    return std::ranges::any_of(proxies, [&](const Network& network) {
        return network.contains(peer);
    });
}

}  // namespace weir::endpoints
