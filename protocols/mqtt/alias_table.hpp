/// Topic aliases that a peer sets. [MQTT5-3.3.2.3.4]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weir/mqtt/error.hpp>
#include <weir/mqtt/packet.hpp>

namespace weir::mqtt {

/// Alias -> topic for one direction of one connection. Holds at most `maximum` topics.
class AliasTable {
public:
    /// Learns the alias of a PUBLISH that has both, or fills in the topic of one that has only the
    /// alias. The topic is a view into the table until the alias is set again.
    /// @errors topic_alias_invalid: over `maximum`. protocol_error: never set. [MQTT5-3.3.2-7, -8]
    [[nodiscard]] Result<void> resolve(Publish& publish, std::uint16_t maximum) noexcept;

    [[nodiscard]] std::size_t footprint() const noexcept;

private:
    std::vector<std::string> topics_;  ///< Alias 1 first; empty: not set.
};

}  // namespace weir::mqtt
