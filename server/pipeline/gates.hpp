/// How often rules write to people: shared by all shards.
#pragma once

#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/guarded.hpp>
#include <weir/base/hash.hpp>
#include <weir/document/readers.hpp>
#include <weir/rules/rule_set.hpp>

namespace weir::pipeline {

/// Lets `amount` through in each `per`, and counts the rest. Any thread, no lock.
class RateGate {
public:
    /// @return How many were held back since the last one that was let through; nothing: this one is
    /// held back too.
    [[nodiscard]] std::optional<std::uint64_t> admit(
        const document::Rate& rate, SteadyTime now
    ) noexcept;

private:
    std::atomic<std::int64_t> next_us_{0};  ///< When the bucket would be empty again.
    std::atomic<std::uint64_t> held_back_{0};
};

/// Lets one through per key and interval, and counts the rest. A decision can be taken back: the
/// message may be parked and come again. Any thread. A lock per eighth of the keys: only messages
/// that an alert is about come here.
class AlertGate {
public:
    /// Of one gate. Keys that find no room share one place.
    static constexpr std::size_t kKeysMax = 4'096;

    struct Decision {
        bool admitted = false;
        std::uint64_t held_back = 0;  ///< If admitted: since the one before.
        // For undo().
        std::size_t part = 0;
        std::string key = {};
        SteadyTime before{0};
        bool was_there = false;
    };

    [[nodiscard]] Decision decide(
        std::string_view key, std::chrono::milliseconds interval, SteadyTime now
    );
    void undo(const Decision& decision);

private:
    struct Entry {
        SteadyTime last{0};
        std::uint64_t held_back = 0;
    };
    using Entries = boost::unordered_flat_map<std::string, Entry, TextHash, std::equal_to<>>;
    static constexpr std::size_t kParts = 8;

    std::array<Guarded<Entries>, kParts> parts_;
};

/// One for each action of a rule, and for its error action.
class RuleGates {
public:
    explicit RuleGates(std::size_t actions) : logs_(actions + 1), alerts_(actions + 1) {}

    [[nodiscard]] RateGate& log(std::size_t action) noexcept { return logs_[action]; }
    [[nodiscard]] AlertGate& alert(std::size_t action) noexcept { return alerts_[action]; }
    [[nodiscard]] std::size_t size() const noexcept { return logs_.size() - 1; }
    /// Which of the rule's actions it is; the error action comes last.
    [[nodiscard]] static std::size_t index_of(
        const rules::Rule& rule, const rules::Action& action
    ) noexcept;

private:
    std::vector<RateGate> logs_;
    std::vector<AlertGate> alerts_;
};

}  // namespace weir::pipeline
