/// CONNECT while it is being answered. Private to the MQTT endpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <weir/broker/session.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/principal.hpp>

namespace weir::endpoints {

struct MqttEndpoint::Connecting {
    std::string client_id;
    std::string username;
    Bytes password;
    bool is_assigned = false;  ///< The client left the id to us.
    bool clean_start = true;
    bool wants_response_information = false;
    bool begun = false;        ///< Nothing new came that authentication could go on with.
    bool awaits_auth = false;  ///< The client must answer a challenge.
    bool session_present = false;
    std::uint16_t keep_alive_s = 0;
    std::uint16_t receive_maximum = 0xFFFF;
    std::uint32_t asked_expiry_s = 0;
    std::chrono::milliseconds expiry{0};
    std::unique_ptr<broker::Will> will;
    std::size_t metered_bytes = 0;
    model::PrincipalPtr principal;
    std::string method;  ///< Of enhanced authentication; empty: none.
    std::unique_ptr<Rounds> rounds;
    Bytes data;  ///< Authentication Data: the client's last, and in the end what CONNACK is to carry.
};

/// Seconds as MQTT 5 has them, cut at the limit; 0xFFFFFFFF is "never".
[[nodiscard]] std::chrono::milliseconds session_expiry(
    std::uint32_t seconds, const model::Limits& limits
) noexcept;

}  // namespace weir::endpoints
