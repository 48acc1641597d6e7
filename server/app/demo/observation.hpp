/// Everything that the demonstration knows at one moment, from both sides.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <weir/demo/receiver.hpp>
#include <weir/demo/tally.hpp>
#include <weir/metering/statement.hpp>
#include <weir/sinks/status.hpp>
#include <weir/why/decision_log.hpp>

namespace weir::demo {

/// A refusal that the gateway recorded.
struct Denial {
    std::string device;
    why::Decision decision;
};

struct Observation {
    std::chrono::seconds running{0};
    std::vector<Tally> devices = {};  ///< What the devices know, in the order of kDevices.
    // What the gateway knows.
    std::uint64_t rule_matches = 0;
    std::uint64_t stream_records = 0;
    sinks::SinkStatus sink = {};
    std::vector<Denial> denials = {};  ///< Oldest first.
    metering::Statement usage = {};    ///< Since the demonstration began.
    // What the sink's receiver knows.
    Receiver::Counts received = {};

    [[nodiscard]] const storage::UsageDelta& usage_of(std::string_view device) const noexcept;
};

}  // namespace weir::demo
