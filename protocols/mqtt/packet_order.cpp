#include <weir/mqtt/packet_order.hpp>

#include <array>

namespace weir::mqtt {
namespace {

using enum PacketType;

template <class... Types>
constexpr std::uint16_t set(Types... types) {
    return static_cast<std::uint16_t>(((1U << static_cast<unsigned>(types)) | ... | 0U));
}

constexpr auto kBoth = {publish, puback, pubrec, pubrel, pubcomp, disconnect, auth};

constexpr std::uint16_t with_both(std::uint16_t own) {
    for (const PacketType type : kBoth) {
        own = static_cast<std::uint16_t>(own | set(type));
    }
    return own;
}

/// By ConnectionState.
using Row = std::array<std::uint16_t, 5>;

constexpr Row kFromClient = {
    set(connect),
    set(),  // Sent early perhaps, but nothing is decoded before CONNACK.
    set(auth, disconnect),
    with_both(set(subscribe, unsubscribe, pingreq)),
    set(),
};

constexpr Row kFromServer = {
    set(),
    set(connack),
    set(connack, auth),
    with_both(set(suback, unsuback, pingresp)),
    set(),
};

}  // namespace

bool is_legal(Role sender, ConnectionState state, PacketType type) noexcept {
    const Row& row = sender == Role::client ? kFromClient : kFromServer;
    return (row[static_cast<std::size_t>(state)] & set(type)) != 0;
}

}  // namespace weir::mqtt
