#include <weir/broker/retained.hpp>

#include <algorithm>
#include <utility>

#include <weir/base/topic.hpp>

namespace weir::broker {
namespace {

/// No topic has U+0000.
[[nodiscard]] unsigned rank(char character) noexcept {
    return character == '/' ? 0 : static_cast<unsigned char>(character);
}

/// Behind a level's text, this is behind all that is below the level, and before its next sibling.
constexpr char kBehindSubtree = '\x01';
constexpr std::string_view kBehindReserved = "%";  // The character after '$'.

/// The levels before the first that is a wildcard: no topic that comes before them matches.
[[nodiscard]] std::string_view literal_part(std::string_view filter) noexcept {
    const auto wildcard = filter.find_first_of("+#");
    return filter.substr(0, wildcard == 0 ? 0 : wildcard - 1);
}

[[nodiscard]] std::int64_t bytes_of(const model::Message& message) noexcept {
    return static_cast<std::int64_t>(message.footprint() - model::Message::footprint_of(0));
}

enum class Fit : std::uint8_t {
    matches,
    goes_on,  ///< It does not; the next that may is the first at or behind `target`.
    ends,     ///< It does not, nor does any behind it.
};

/// @param filter  Valid, with a wildcard. @param topic  At or behind literal_part(filter).
[[nodiscard]] Fit fit(std::string_view filter, std::string_view topic, std::string& target) {
    if (starts_reserved(topic) && (filter[0] == '+' || filter[0] == '#')) {
        target = kBehindReserved;
        return Fit::goes_on;
    }
    std::size_t free_end = std::string_view::npos;  // Of the last level that a `+` stands for.
    TopicLevels wanted{filter};
    for (std::size_t at = 0;;) {
        const auto level = wanted.next();
        if (level == "#") {
            return Fit::matches;
        }
        const std::size_t end = std::min(topic.find('/', at), topic.size());
        const auto text = topic.substr(at, end - at);
        if (level == "+") {
            free_end = end;
        } else if (text < level) {
            target.assign(topic, 0, at).append(level);
            return Fit::goes_on;
        } else if (text != level) {
            if (free_end == std::string_view::npos) {
                return Fit::ends;
            }
            target.assign(topic, 0, free_end).push_back(kBehindSubtree);
            return Fit::goes_on;
        }
        if (end == topic.size()) {
            if (wanted.done()) {
                return Fit::matches;
            }
            const auto next = wanted.next();
            if (next == "#") {
                return Fit::matches;
            }
            target.assign(topic).push_back('/');
            target.append(next == "+" ? std::string_view{} : next);
            return Fit::goes_on;
        }
        if (wanted.done()) {
            target.assign(topic, 0, end).push_back(kBehindSubtree);
            return Fit::goes_on;
        }
        at = end + 1;
    }
}

}  // namespace

bool RetainedStore::comes_before(std::string_view a, std::string_view b) noexcept {
    const auto [in_a, in_b] = std::ranges::mismatch(a, b);
    if (in_b == b.end()) {
        return false;
    }
    return in_a == a.end() || rank(*in_a) < rank(*in_b);
}

void RetainedStore::note_expiry(const model::Message& message) {
    if (message.expires().count() != 0) {
        by_expiry_.emplace(message.expires(), message.topic());
    }
}

void RetainedStore::drop_expiry(const model::Message& message) {
    if (message.expires().count() != 0) {
        by_expiry_.erase({message.expires(), message.topic()});
    }
}

Retained RetainedStore::take(Entries::iterator at) {
    Entry& entry = **at;
    in_order_.erase(in_order_.iterator_to(entry));
    count(-bytes_of(*entry.retained.message));
    Retained taken = entry.retained;  // The table looks at the topic once more.
    by_topic_.erase(at);
    return taken;
}

std::optional<Retained> RetainedStore::remove(std::string_view topic) {
    const auto found = by_topic_.find(topic);
    if (found == by_topic_.end()) {
        return std::nullopt;
    }
    drop_expiry(*(*found)->retained.message);
    return take(found);
}

std::vector<Retained> RetainedStore::take_expired(WallTime now) {
    std::vector<Retained> expired;
    while (expired.size() < kDropsMax && !by_expiry_.empty() && by_expiry_.begin()->first <= now) {
        const auto found = by_topic_.find(by_expiry_.begin()->second);
        by_expiry_.erase(by_expiry_.begin());
        expired.push_back(take(found));
    }
    return expired;
}

void RetainedStore::count(std::int64_t bytes) noexcept {
    bytes_ += bytes;
    if (budgets_ != nullptr) {
        budgets_->add(storage::Area::retained, bytes);
    }
}

bool RetainedStore::has_budget(const model::Message& message) const {
    if (budgets_ == nullptr || message.payload().empty()) {
        return true;
    }
    const auto found = by_topic_.find(message.topic());
    const bool is_known = found != by_topic_.end();
    const std::int64_t growth =
        bytes_of(message) - (is_known ? bytes_of(*(*found)->retained.message) : 0);
    return growth <= 0 || budgets_->has_room(
                              storage::Area::retained,
                              static_cast<std::uint64_t>(growth),
                              is_known ? storage::Budgets::Bound::slack
                                       : storage::Budgets::Bound::budget
                          );
}

bool RetainedStore::put(Retained retained) {
    const auto found = by_topic_.find(retained.message->topic());
    if (found != by_topic_.end()) {
        Retained& known = (*found)->retained;
        drop_expiry(*known.message);
        if (retained.message->payload().empty()) {
            static_cast<void>(take(found));
        } else {
            count(bytes_of(*retained.message) - bytes_of(*known.message));
            known = std::move(retained);
            note_expiry(*known.message);
        }
        return true;
    }
    if (retained.message->payload().empty()) {
        return true;
    }
    if (by_topic_.size() >= messages_max_) {
        return false;
    }
    note_expiry(*retained.message);
    count(bytes_of(*retained.message));
    auto entry = std::make_unique<Entry>(std::move(retained));
    in_order_.insert(*entry);
    by_topic_.insert(std::move(entry));
    return true;
}

void RetainedStore::erase(std::string_view topic) {
    if (const auto found = by_topic_.find(topic); found != by_topic_.end()) {
        drop_expiry(*(*found)->retained.message);
        static_cast<void>(take(found));
    }
}

RetainedPage RetainedStore::collect(
    std::string_view filter, std::string_view after, WallTime now, std::size_t most
) const {
    RetainedPage page;
    const auto take = [&](const Retained& retained) {
        if (!retained.message->expired(now)) {
            page.found.push_back(retained);
        }
    };
    if (!has_wildcard(filter)) {
        page.looked_at = 1;
        if (const auto found = by_topic_.find(filter); found != by_topic_.end()) {
            take((*found)->retained);
        }
        return page;
    }
    std::string target;
    auto next = after.empty() ? in_order_.lower_bound(literal_part(filter), LevelOrder{})
                              : in_order_.upper_bound(after, LevelOrder{});
    while (next != in_order_.end()) {
        const Entry& entry = *next++;
        ++page.looked_at;
        switch (fit(filter, TopicOf{}(entry), target)) {
            case Fit::matches:
                take(entry.retained);
                break;
            case Fit::goes_on:
                if (next != in_order_.end() && LevelOrder{}(*next, target)) {
                    next = in_order_.lower_bound(std::string_view{target}, LevelOrder{});
                }
                break;
            case Fit::ends:
                return page;
        }
        if (page.looked_at == most && next != in_order_.end()) {
            page.last = TopicOf{}(entry);
            return page;
        }
    }
    return page;
}

}  // namespace weir::broker
