/// Retained messages of the topics that belong to one shard.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
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

    /// True if that client published it itself.
    [[nodiscard]] bool is_from(const model::Principal& client, std::string_view id) const noexcept {
        return message->publisher_session() != 0 && publisher &&
               publisher->tenant == client.tenant && client_id == id;
    }
};

/// What is in memory; the broker stores it beside. Called on the owning shard only.
class RetainedStore {
public:
    explicit RetainedStore(std::uint64_t messages_max) : messages_max_{messages_max} {}

    /// Replaces the topic's message; an empty payload removes it. [MQTT5-3.3.1-5..7]
    /// @return False if the store is full and the message was not kept.
    bool put(Retained retained);

    /// Appends what `filter` matches and is not expired. @cost One look-up, or a walk over all topics if it has wildcards.
    void collect(std::string_view filter, WallTime now, std::vector<Retained>& out) const;

    /// Removes the messages whose time is over, but no more than kDropsMax of them, the oldest first.
    [[nodiscard]] std::vector<Retained> take_expired(WallTime now);
    [[nodiscard]] bool contains(std::string_view topic) const noexcept {
        return by_topic_.contains(topic);
    }
    static constexpr std::size_t kDropsMax = 10'000;

    [[nodiscard]] std::size_t size() const noexcept { return by_topic_.size(); }

private:
    void note_expiry(const model::Message& message);
    void drop_expiry(const model::Message& message);

    std::uint64_t messages_max_;
    boost::unordered_flat_map<std::string, Retained, TextHash, std::equal_to<>> by_topic_;
    // Of the messages that expire; the topics are theirs.
    std::set<std::pair<WallTime, std::string_view>> by_expiry_;
};

}  // namespace weir::broker
