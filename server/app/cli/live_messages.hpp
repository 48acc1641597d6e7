/// Messages of a running gateway as they are published.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <weir/base/topic.hpp>

#include "api_client.hpp"
#include "rule_message.hpp"

namespace weir::cli {

/// What of the messages, and until when.
struct LiveOptions {
    std::string duration = "10m";
    std::uint64_t messages = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t rate = 1'000;  ///< A second.
};

/// Adds --for, --messages and --rate. @return Them.
std::vector<CLI::Option*> add_live_options(CLI::App& command, LiveOptions& options);

struct LiveQuery {
    std::vector<std::string> filters;
    TopicProfile profile = TopicProfile::mqtt;
    std::uint64_t payload_bytes = std::numeric_limits<std::uint32_t>::max();  ///< Of each message, at most.
};

/// Calls `see` with each message until the options, a signal or nobody reading the output ends it; then tells what the
/// gateway left out.
void watch_live(
    Api& api,
    const LiveOptions& options,
    const LiveQuery& query,
    const std::function<void(const json::object&)>& see
);

/// With all that a rule sees.
[[nodiscard]] RuleMessage live_message_of(const json::object& row);

}  // namespace weir::cli
