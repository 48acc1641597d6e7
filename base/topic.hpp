/// Topic names and filters as MQTT defines them (section 4.7), for everybody who compares them.
///
/// Nothing here checks that a name or filter is valid; `weir/mqtt/topic.hpp` does, at the edge.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// No filter has more levels than this, whatever the configured limit; it bounds the stack that
/// matching uses.
inline constexpr std::size_t kTopicLevelsMax = 128;

/// Whose rules a filter follows.
enum class TopicProfile : std::uint8_t {
    mqtt,  ///< `a/#` matches `a`, `a/`, `a/b`. [MQTT5-4.7.1.2]
    aws,   ///< `a/#` does not match `a`.
};

/// Splits a topic name or filter at '/'. "a//b" has an empty level in the middle, "" has one empty
/// level.
/// @cost No allocation; one memchr per level.
class TopicLevels {
public:
    constexpr explicit TopicLevels(std::string_view text) noexcept : rest_{text} {}

    /// True once every level was handed out.
    [[nodiscard]] constexpr bool done() const noexcept { return done_; }

    /// The next level; only while !done().
    [[nodiscard]] constexpr std::string_view next() noexcept {
        const auto slash = rest_.find('/');
        const auto level = rest_.substr(0, slash);
        done_ = slash == std::string_view::npos;
        rest_.remove_prefix(done_ ? rest_.size() : slash + 1);
        return level;
    }

private:
    std::string_view rest_;
    bool done_ = false;
};

/// Wildcards at the first level never match a topic that starts with '$'. [MQTT5-4.7.2-1]
[[nodiscard]] constexpr bool starts_reserved(std::string_view topic) noexcept {
    return topic.starts_with('$');
}

/// True if the filter contains a wildcard level.
[[nodiscard]] bool has_wildcard(std::string_view filter) noexcept;

/// True if `filter` matches the topic name `topic`.
[[nodiscard]] bool filter_matches(
    std::string_view filter, std::string_view topic, TopicProfile profile = TopicProfile::mqtt
) noexcept;

}  // namespace weir
