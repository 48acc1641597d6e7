/// Topic aliases, those that a peer sets and those that we do. [MQTT5-3.3.2.3.4]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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

/// The aliases that we gave to one peer: the first topics that it got, until there are no more.
/// Which topics those are is never changed, so that a peer with many topics costs no more than one
/// with few.
class AliasGiver {
public:
    /// A shorter topic costs no more than its alias.
    static constexpr std::size_t kTopicBytesMin = 4;

    struct Use {
        std::uint16_t alias = 0;  ///< 0: none.
        bool is_new = false;      ///< The packet must have the topic too, and give() must follow it.
    };

    /// How a PUBLISH is to name its topic. @cost A comparison per alias that was given.
    [[nodiscard]] Use use_for(std::string_view topic, std::uint16_t maximum) const noexcept;
    /// A PUBLISH with that topic and its new alias is on its way.
    void give(std::string_view topic) { topics_.emplace_back(topic); }

private:
    std::vector<std::string> topics_;  ///< Alias 1 first.
};

}  // namespace weir::mqtt
