/// Who wants a topic: subscriptions of this shard, shared groups that it owns, and which other shards have any.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <weir/base/hash.hpp>
#include <weir/base/topic_index.hpp>
#include <weir/broker/session.hpp>
#include <weir/broker/shared_group.hpp>

namespace weir::broker {

/// One bit per shard.
using ShardMask = std::uint64_t;
inline constexpr unsigned kShardsMax = 64;

/// Subscriptions of a shard below `$SYS`.
struct StatusListeners {
    std::uint64_t now = 0;
    std::uint64_t ever = 0;  ///< Grows with each new one.
};

/// Belongs to one shard and is called there only.
class Interest {
public:
    /// @return True if the filter is new on this shard: the others must be told.
    bool add(Subscription& subscription);
    bool add(SharedGroup& group);
    /// @return True if nobody here wants the filter any more.
    bool remove(Subscription& subscription);
    bool remove(SharedGroup& group);

    /// What another shard told.
    void add_remote(std::string_view filter, unsigned shard);
    void remove_remote(std::string_view filter, unsigned shard);

    [[nodiscard]] const StatusListeners& status_listeners() const noexcept {
        return status_listeners_;
    }

    /// Calls `visit(Subscription&)` for each subscription of this shard that matches.
    template <class Visit>
    void match(std::string_view topic, Visit&& visit) const {
        local_.match(topic, [&visit](Subscription* subscription) { visit(*subscription); });
    }
    /// Calls `visit(SharedGroup&)` for each group of this shard that matches.
    template <class Visit>
    void match_groups(std::string_view topic, Visit&& visit) const {
        groups_.match(topic, [&visit](SharedGroup* group) { visit(*group); });
    }
    [[nodiscard]] bool has_groups() const noexcept { return !groups_.empty(); }
    /// The other shards with a matching filter.
    [[nodiscard]] ShardMask remote(std::string_view topic) const {
        ShardMask mask = 0;
        if (!remote_.empty()) {
            remote_.match(topic, [&mask](unsigned shard) { mask |= ShardMask{1} << shard; });
        }
        return mask;
    }

private:
    [[nodiscard]] bool count_up(const std::string& filter);
    [[nodiscard]] bool count_down(const std::string& filter);

    TopicIndex<Subscription*> local_;
    TopicIndex<SharedGroup*> groups_;
    TopicIndex<unsigned> remote_;
    StatusListeners status_listeners_;
    // How many subscriptions and groups of this shard have a filter.
    boost::unordered_flat_map<std::string, std::uint32_t, TextHash, std::equal_to<>> filters_;
};

}  // namespace weir::broker
