/// Subscriptions that wait for the retained messages of other shards.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/broker/session.hpp>

namespace weir::broker {

/// A message that is published with RETAIN while a subscription is being made may reach it twice: live, and read from the shard
/// that keeps it. Here stands for each such subscription what came which way, so that the second copy is left out, and nothing
/// older follows something newer. Belongs to one shard and is called there only.
class RetainedReads {
public:
    enum class Id : std::uint64_t { none = 0 };

    /// Before the first live message can reach the subscription. Ends with end(), or forget() if the subscription ends first.
    [[nodiscard]] Id begin(Subscription& subscription);
    /// A live message with RETAIN, for a subscription that has reads. @return False if it has been handed out as retained.
    [[nodiscard]] bool meet(const Subscription& subscription, const model::MessagePtr& message);
    /// A retained message. @return False if a live one of its topic has come since begin(), or the subscription is no more.
    [[nodiscard]] bool hand_out(Id id, const model::MessagePtr& message);
    /// @return True if something was handed out whose live copy may still be on its way.
    [[nodiscard]] bool has_handed_out(Id id) const noexcept;
    void end(Id id) noexcept;
    void forget(const Subscription& subscription) noexcept;

private:
    struct Read {
        Id id;
        Subscription* subscription;
        boost::unordered_flat_set<std::string, TextHash, std::equal_to<>> live;  ///< Topics.
        boost::unordered_flat_map<std::string, model::MessagePtr, TextHash, std::equal_to<>>
            handed_out;
    };

    std::vector<Read> reads_;  // Few: each lasts as long as two answers of the slowest shard.
    std::uint64_t last_ = 0;
};

}  // namespace weir::broker
