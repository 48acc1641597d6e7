/// Which texts are topic names, topic filters and shared subscriptions. [MQTT5-4.7, 4.8.2]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/base/topic.hpp>
#include <weir/mqtt/error.hpp>

namespace weir::mqtt {

struct TopicLimits {
    std::uint16_t bytes = 1'024;
    std::uint16_t levels = 32;  ///< At most kTopicLevelsMax.
};

/// Not empty, no wildcard characters. The text itself is checked where it is read. [MQTT5-4.7.1-1]
/// [MQTT5-4.7.3-1]
[[nodiscard]] bool is_valid_topic_name(std::string_view topic) noexcept;

/// Not empty, `+` alone in its level, `#` alone in the last one. [MQTT5-4.7.1-1, -2]
/// [MQTT5-4.7.3-1]
[[nodiscard]] bool is_valid_topic_filter(std::string_view filter) noexcept;

/// A topic name that a peer publishes to. @errors topic_name_invalid; topic_too_deep: over the
/// limits.
/// @cost One pass.
[[nodiscard]] Result<void> check_topic_name(
    std::string_view topic, const TopicLimits& limits
) noexcept;

/// True if a name or filter keeps to the limits.
[[nodiscard]] bool is_within(std::string_view topic, const TopicLimits& limits) noexcept;

/// What a client subscribes to.
struct SubscriptionFilter {
    std::string_view group = {};   ///< Of a shared subscription, else empty.
    std::string_view filter = {};  ///< What topics are matched against.

    [[nodiscard]] bool is_shared() const noexcept { return !group.empty(); }
};

/// Splits `$share/group/filter`; anything else is a plain filter. [MQTT5-4.8.2-1, -2]
/// @errors topic_filter_invalid: the filter, or the group is missing, empty or contains `+` or `#`.
[[nodiscard]] Result<SubscriptionFilter> parse_subscription_filter(std::string_view text) noexcept;

}  // namespace weir::mqtt
