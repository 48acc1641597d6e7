/// How the sessions of AMQP connections and links are named among those of MQTT clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::endpoints {

inline constexpr std::string_view kAmqpSessions = "amqp:";

/// True for names that an MQTT client id may not have, so that nobody adopts another protocol's session.
[[nodiscard]] constexpr bool is_amqp_session(std::string_view client_id) noexcept {
    return client_id.starts_with(kAmqpSessions);
}

/// The connection's session: at most one connection per container id has it.
[[nodiscard]] inline std::string amqp_session(std::string_view container) {
    return std::string{kAmqpSessions}.append(container);
}

/// The session of a link that receives. A container id has no '#', so that no connection's session has this name.
[[nodiscard]] inline std::string amqp_link_session(
    std::string_view container, std::uint64_t number
) {
    return amqp_session(container).append("#").append(std::to_string(number));
}

}  // namespace weir::endpoints
