/// Addresses of links and messages: text of a peer -> what it names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/amqp/error.hpp>

namespace weir::amqp {

enum class AddressKind : std::uint8_t {
    none,    ///< No address: the anonymous terminus, messages say where they go.
    topic,   ///< A topic, or as a source a topic filter; plain text or `topic/T`.
    queue,   ///< `queue/Q`, `queues/Q`.
    shared,  ///< `$share/G/F`: member of group G on filter F.
    cbs,     ///< `$cbs`: claims-based security.
};

struct Address {
    AddressKind kind = AddressKind::none;
    std::string name;   ///< Topic, filter or queue.
    std::string group;  ///< Of a shared subscription.
};

/// Parses an address. `topic/`, `queue/` and `queues/` may be led by one slash, and the name behind
/// them is percent decoded (a queue's name is one segment, so a slash in it is %2F). Anything else
/// is a topic, taken as it stands: no decoding, no translation of dots. An empty address is
/// AddressKind::none. Whether a topic or filter is valid MQTT is not checked here.
/// @errors bad_address: bad UTF-8, NUL, empty name or group, bad percent encoding, wildcard in a
/// group.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

/// As parse_address, for where a peer sends to: wildcards and groups cannot be sent to.
/// @errors bad_address; address_not_allowed.
[[nodiscard]] Result<Address> parse_target(std::string_view text);

/// `topic/...` such that parse_address gives the topic back.
[[nodiscard]] std::string format_topic_address(std::string_view topic);

}  // namespace weir::amqp
