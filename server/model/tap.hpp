/// Live messages that an operator looks at.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/topic.hpp>
#include <weir/model/message.hpp>
#include <weir/model/principal.hpp>

namespace weir::model {

/// Which messages, and how many of them.
struct TapQuery {
    std::vector<std::string> filters = {};  ///< Valid ones; the topic matches any of them.
    TopicProfile profile = TopicProfile::mqtt;
    std::uint64_t messages_per_s = 1'000;
    std::uint64_t bytes_per_s = 4 * 1024 * 1024;  ///< Of what the messages hold in memory.
    std::chrono::milliseconds valid{600'000};
};

/// A message, with what rules see besides it.
struct Tapped {
    WallTime time;  ///< The clock of timestamp().
    MessagePtr message;
    PrincipalPtr principal;
    std::string client_id;  ///< Empty: no MQTT client published it.
    std::string device;
    std::string source_ip;
};

/// What came since the page before.
struct TapPage {
    std::vector<Tapped> messages = {};  ///< In the order of their times; those of one connection in order.
    std::uint64_t over_messages = 0;  ///< Since the tap was opened: left out, for there were more in a second.
    std::uint64_t over_bytes = 0;     ///< Likewise, of bytes.
    bool is_open = true;              ///< False: it takes no more.
};

}  // namespace weir::model
