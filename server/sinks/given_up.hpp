/// What error actions that need the gateway are told.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <weir/base/bytes.hpp>

namespace weir::sinks {

/// A record that became a dead letter, and the message that it was made of.
struct GivenUp {
    std::string tenant;
    std::string rule;
    std::string topic;
    std::string client_id;  ///< Empty if it is not known any more.
    std::string device;
    Bytes payload;          ///< What the device published; if that was not kept, what the rule made of it.
    std::uint8_t hops = 0;  ///< How many rules republished the message.
    std::string report;     ///< For the rule's error action.
};

/// Lets the error action of its rule have the report, soon. Called on the sinks' thread, once the dead letter is durable: must
/// not block, nor call the sinks.
/// @return False: there was no room for it, and it is lost.
using ErrorActions = std::function<bool(GivenUp&& given_up)>;

}  // namespace weir::sinks
