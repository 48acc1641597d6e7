/// Retained messages of the topics that belong to one shard.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/hash.hpp>
#include <weir/model/message.hpp>
#include <weir/model/principal.hpp>

namespace weir::broker {

/// A retained message and who is answerable for it: his right is asked again when it is handed out.
struct Retained {
    model::MessagePtr message;
    model::PrincipalPtr publisher;  ///< Null: a rule republished it.
    std::string client_id;
};

/// In memory. Called on the owning shard only.
class RetainedStore {
public:
    explicit RetainedStore(std::uint64_t messages_max) : messages_max_{messages_max} {}

    /// Replaces the topic's message; an empty payload removes it. [MQTT5-3.3.1-5..7]
    /// @return False if the store is full and the message was not kept.
    bool put(Retained retained);

    /// Appends what `filter` matches and is not expired. @cost One look-up, or a walk over all topics if it has wildcards.
    void collect(std::string_view filter, WallTime now, std::vector<Retained>& out) const;

    [[nodiscard]] std::size_t size() const noexcept { return by_topic_.size(); }

private:
    std::uint64_t messages_max_;
    boost::unordered_flat_map<std::string, Retained, TextHash, std::equal_to<>> by_topic_;
};

}  // namespace weir::broker
