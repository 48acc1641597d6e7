#include <weir/mqtt/topic.hpp>

#include <algorithm>

#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

constexpr std::string_view kShare = "$share";
constexpr std::string_view kWildcards = "+#";

}  // namespace

bool is_valid_topic_name(std::string_view topic) noexcept {
    return !topic.empty() && topic.size() <= kFieldBytesMax &&
           topic.find_first_of(kWildcards) == std::string_view::npos;
}

bool is_valid_topic_filter(std::string_view filter) noexcept {
    if (filter.empty() || filter.size() > kFieldBytesMax) {
        return false;
    }
    for (TopicLevels levels{filter}; !levels.done();) {
        const auto level = levels.next();
        if (level == "+" || (level == "#" && levels.done())) {
            continue;
        }
        if (level.find_first_of(kWildcards) != std::string_view::npos) {
            return false;
        }
    }
    return true;
}

bool is_within(std::string_view topic, const TopicLimits& limits) noexcept {
    return topic.size() <= limits.bytes &&
           static_cast<std::size_t>(std::ranges::count(topic, '/')) <
               std::min<std::size_t>(limits.levels, kTopicLevelsMax);
}

Result<SubscriptionFilter> parse_subscription_filter(std::string_view text) noexcept {
    TopicLevels levels{text};
    if (levels.next() != kShare) {
        if (!is_valid_topic_filter(text)) {
            return errc::topic_filter_invalid;
        }
        return SubscriptionFilter{.group = {}, .filter = text};
    }
    if (levels.done()) {
        return errc::topic_filter_invalid;
    }
    const auto group = levels.next();
    if (group.empty() || group.find_first_of(kWildcards) != std::string_view::npos ||
        levels.done()) {
        return errc::topic_filter_invalid;
    }
    const auto filter = text.substr(kShare.size() + group.size() + 2);
    if (!is_valid_topic_filter(filter)) {
        return errc::topic_filter_invalid;
    }
    return SubscriptionFilter{.group = group, .filter = filter};
}

}  // namespace weir::mqtt
