/// Retained messages of the topics that belong to one shard.
#pragma once

#include <boost/intrusive/set.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/hash.hpp>
#include <weir/model/message.hpp>
#include <weir/model/principal.hpp>
#include <weir/storage/budgets.hpp>

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

/// A part of what a filter matches.
struct RetainedPage {
    std::vector<Retained> found;
    std::string last;  ///< The next page begins behind this topic; empty: this was the last page.
    std::size_t looked_at = 0;  ///< Topics: the work that it took.
};

/// What is in memory; the broker stores it beside. Called on the owning shard only.
///
/// Topics are found by their name, and walked in the order of their levels: all that is below a level stands together, so that a
/// filter's walk begins at its first wildcard and leaves out the branches that cannot match.
class RetainedStore {
public:
    /// @param budgets  Told what is kept; outlives it. Null: nobody is.
    explicit RetainedStore(std::uint64_t messages_max, storage::Budgets* budgets = nullptr)
        : messages_max_{messages_max}, budgets_{budgets} {}
    RetainedStore(const RetainedStore&) = delete;
    RetainedStore& operator=(const RetainedStore&) = delete;
    ~RetainedStore() { count(-bytes_); }

    /// False if it is beyond what all retained messages may hold together. One that takes the place of another one may
    /// go over that by an eighth.
    [[nodiscard]] bool has_budget(const model::Message& message) const;
    /// Replaces the topic's message, whatever the budget is; an empty payload removes it. [MQTT5-3.3.1-5..7]
    /// @return False if the store is full and the message was not kept.
    /// @cost One look-up where the topic is known; for a new one, a search in the order too.
    bool put(Retained retained);

    /// A message that cannot be kept leaves nothing older in its place.
    void erase(std::string_view topic);

    /// What `filter` matches and is not expired, in the order of the topics.
    /// @param after  RetainedPage::last of the page before; empty for the first. The store may have changed since.
    /// @param most   Topics that may be looked at; not 0.
    /// @cost One look-up, or one search in the order for each topic looked at if the filter has wildcards.
    [[nodiscard]] RetainedPage collect(
        std::string_view filter, std::string_view after, WallTime now, std::size_t most
    ) const;

    /// @return What the topic had; nothing: it had none.
    std::optional<Retained> remove(std::string_view topic);
    /// The order of collect(): by levels, as texts, with '/' before all other characters.
    [[nodiscard]] static bool comes_before(std::string_view a, std::string_view b) noexcept;
    /// Removes the messages whose time is over, but no more than kDropsMax of them, the oldest first.
    [[nodiscard]] std::vector<Retained> take_expired(WallTime now);
    [[nodiscard]] bool contains(std::string_view topic) const noexcept {
        return by_topic_.contains(topic);
    }
    static constexpr std::size_t kDropsMax = 10'000;
    /// Topics that are looked at for a page: a fraction of a millisecond.
    static constexpr std::size_t kPageLooks = 256;

    [[nodiscard]] std::size_t size() const noexcept { return by_topic_.size(); }

private:
    using Hook = boost::intrusive::set_base_hook<
        boost::intrusive::link_mode<boost::intrusive::normal_link>,
        boost::intrusive::optimize_size<true>>;
    struct Entry : Hook {
        explicit Entry(Retained kept) : retained{std::move(kept)} {}
        Retained retained;
    };
    struct TopicOf {
        std::string_view operator()(std::string_view topic) const noexcept { return topic; }
        std::string_view operator()(const Entry& entry) const noexcept {
            return entry.retained.message->topic();
        }
        std::string_view operator()(const std::unique_ptr<Entry>& entry) const noexcept {
            return (*this)(*entry);
        }
    };
    struct LevelOrder {
        template <class A, class B>
        bool operator()(const A& a, const B& b) const noexcept {
            return comes_before(TopicOf{}(a), TopicOf{}(b));
        }
    };
    using Entries =
        boost::unordered_flat_set<std::unique_ptr<Entry>, HashBy<TopicOf>, EqualBy<TopicOf>>;

    void note_expiry(const model::Message& message);
    void drop_expiry(const model::Message& message);
    void count(std::int64_t bytes) noexcept;
    /// Takes it out of all but by_expiry_.
    [[nodiscard]] Retained take(Entries::iterator at);

    std::uint64_t messages_max_;
    storage::Budgets* budgets_;
    std::int64_t bytes_ = 0;  // Of topics, properties and payloads.
    Entries by_topic_;
    boost::intrusive::set<
        Entry,
        boost::intrusive::compare<LevelOrder>,
        boost::intrusive::constant_time_size<false>>
        in_order_;  // Of by_topic_.
    // Of the messages that expire; the topics are theirs.
    std::set<std::pair<WallTime, std::string_view>> by_expiry_;
};

}  // namespace weir::broker
