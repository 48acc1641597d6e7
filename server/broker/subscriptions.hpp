/// What a session subscribes to, found by filter.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/model/message.hpp>

namespace weir::broker {

class Session;

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, never = 2 };

struct SubscriptionOptions {
    model::Qos qos = model::Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;
    std::uint32_t id = 0;  ///< Subscription Identifier; 0: none.
};

/// Owned by its session; the interest index points to it, unless it is shared.
struct Subscription {
    Session* session;
    std::string filter;  ///< As it was asked for: of a shared one, "$share/group/filter".
    SubscriptionOptions options;
    std::uint32_t share_bytes = 0;  ///< Length of "$share/group/" in front of the filter proper; 0: not shared.
    union {
        std::uint32_t read = 0;    ///< Not shared: the RetainedReads::Id under way for it; 0: none.
        std::uint32_t membership;  ///< Shared: where it stands in Memberships::all.
    };

    [[nodiscard]] bool is_shared() const noexcept { return share_bytes != 0; }
};
static_assert(sizeof(Subscription) <= 56, "part of most sessions");

/// The subscriptions of one session. As few as most sessions have stand in a row and are searched; many are hashed.
class Subscriptions {
public:
    [[nodiscard]] std::size_t size() const noexcept { return many_ ? many_->size() : few_.size(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Null: there is none.
    [[nodiscard]] Subscription* find(std::string_view filter) const noexcept;
    /// @param subscription  Of a filter that is not there.
    Subscription& insert(std::unique_ptr<Subscription> subscription);
    /// Null: there was none.
    [[nodiscard]] std::unique_ptr<Subscription> take(std::string_view filter);

    /// Calls `visit(Subscription&)` for each, in no particular order; `visit` must not add or take any.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& subscription : few_) {
            visit(*subscription);
        }
        if (many_) {
            for (const auto& [filter, subscription] : *many_) {
                visit(*subscription);
            }
        }
    }

private:
    /// The filters are the subscriptions' own.
    using ByFilter = boost::unordered_flat_map<
        std::string_view,
        std::unique_ptr<Subscription>,
        TextHash,
        std::equal_to<>>;
    static constexpr std::size_t kFewMax = 16;

    std::vector<std::unique_ptr<Subscription>> few_;
    std::unique_ptr<ByFilter> many_;  // Null: all are in few_; else all are here.
};

}  // namespace weir::broker
