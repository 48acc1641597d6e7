#include <weir/mqtt/topic.hpp>

#include <algorithm>

#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

constexpr std::string_view kShare = "$share";

struct Scan {
    std::size_t slashes = 0;
    bool wildcard = false;
};

/// Without a branch per character, so that compilers vectorise it.
Scan scan(std::string_view text) noexcept {
    Scan found;
    for (const char c : text) {
        found.slashes += c == '/' ? 1U : 0U;
        found.wildcard |= c == '+' || c == '#';
    }
    return found;
}

/// The levels `$aws/rules/NAME/` in front of a topic are addressed to the gateway: they do not count.
constexpr std::string_view kToRule = "$aws/rules/";
constexpr std::size_t kToRuleLevels = 3;

bool fits(std::string_view topic, const Scan& found, const TopicLimits& limits) noexcept {
    std::size_t levels = found.slashes + 1;
    std::size_t bytes = topic.size();
    if (topic.starts_with(kToRule)) {
        const std::size_t name_end = topic.find('/', kToRule.size());
        bytes -= name_end == std::string_view::npos ? bytes : name_end + 1;
        levels -= std::min(levels, kToRuleLevels);
    }
    return bytes <= limits.bytes && levels <= limits.levels && found.slashes < kTopicLevelsMax;
}

}  // namespace

bool is_valid_topic_name(std::string_view topic) noexcept {
    return !topic.empty() && topic.size() <= kFieldBytesMax && !scan(topic).wildcard;
}

Result<void> check_topic_name(std::string_view topic, const TopicLimits& limits) noexcept {
    const Scan found = scan(topic);
    if (topic.empty() || found.wildcard) {
        return errc::topic_name_invalid;
    }
    if (!fits(topic, found, limits)) {
        return errc::topic_too_deep;
    }
    return {};
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
        if (scan(level).wildcard) {
            return false;
        }
    }
    return true;
}

bool is_within(std::string_view topic, const TopicLimits& limits) noexcept {
    return fits(topic, scan(topic), limits);
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
    if (group.empty() || scan(group).wildcard || levels.done()) {
        return errc::topic_filter_invalid;
    }
    const auto filter = text.substr(kShare.size() + group.size() + 2);
    if (!is_valid_topic_filter(filter)) {
        return errc::topic_filter_invalid;
    }
    return SubscriptionFilter{.group = group, .filter = filter};
}

}  // namespace weir::mqtt
