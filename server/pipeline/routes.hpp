/// Where messages go besides subscribers: rules and sinks.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <weir/base/counters.hpp>
#include <weir/base/error.hpp>
#include <weir/base/hash.hpp>
#include <weir/model/reason.hpp>
#include <weir/pipeline/gates.hpp>
#include <weir/rules/error.hpp>
#include <weir/rules/request_template.hpp>
#include <weir/rules/rule_set.hpp>
#include <weir/storage/outbox_room.hpp>

namespace weir::pipeline {

/// What the pipeline needs to know of a configured sink.
struct OutboxLimit {
    storage::OutboxRoom* room = nullptr;  ///< Of the store.
    std::uint64_t bytes = 0;
    /// When full: hold the publisher back for block_timeout.
    bool blocks = true;
    std::chrono::milliseconds block_timeout{30'000};
    bool drops_oldest = false;  ///< The sink makes room, by giving up older ones.
    /// What its requests take from each message; null: nothing.
    std::shared_ptr<const rules::RequestTemplate> request = {};
};

/// The newest failure of a rule, in one word: written by its shard, read by anybody.
class LastFailure {
public:
    static constexpr std::uint8_t kEvaluation = 0xF;

    struct Failure {
        model::Reason reason = model::Reason::none;  ///< none: there was none.
        error_code error = {};  ///< Of the evaluation or of a template, if that is what failed.
        std::uint8_t action = kEvaluation;  ///< Which of the rule's; the error action comes last.
        std::int64_t time_ms = 0;
    };
    /// @param action  One of the rule's, or null: the evaluation.
    [[nodiscard]] static std::uint8_t place_of(
        const rules::Rule& rule, const rules::Action* action
    ) noexcept {
        return action == nullptr ? kEvaluation
                                 : static_cast<std::uint8_t>(RuleGates::index_of(rule, *action));
    }

    void set(const Failure& failure) noexcept {
        const bool own = failure.error.category() == rules::category();
        word_.store(
            static_cast<std::uint64_t>(failure.time_ms) << 20U |
                static_cast<std::uint64_t>(failure.action & 0xFU) << 16U |
                static_cast<std::uint64_t>(own ? failure.error.value() & 0xFF : 0) << 8U |
                static_cast<std::uint64_t>(failure.reason),
            std::memory_order_relaxed
        );
    }
    [[nodiscard]] Failure get() const noexcept {
        const std::uint64_t word = word_.load(std::memory_order_relaxed);
        const auto code = static_cast<rules::errc>(word >> 8U & 0xFFU);
        return {
            .reason = static_cast<model::Reason>(word & 0xFFU),
            .error = code == rules::errc{} ? error_code{} : make_error_code(code),
            .action = static_cast<std::uint8_t>(word >> 16U & 0xFU),
            .time_ms = static_cast<std::int64_t>(word >> 20U),
        };
    }

private:
    std::atomic<std::uint64_t> word_{0};
};

/// Counters of one rule on one shard; written there, read by anybody.
/// matched = passed + turned_down + undefined + duplicates + broken.
struct RuleMetrics {
    Counter matched;     ///< Messages whose topic FROM takes: the rule was evaluated.
    Counter passed;      ///< There was an output.
    Counter turned_down; ///< By WHERE; or FOREACH found nothing.
    Counter undefined;   ///< WHERE had no value.
    Counter duplicates;  ///< Held back by `deduplicate`.
    Counter broken;      ///< The evaluation failed.
    Counter failed;      ///< Those, and actions; not what a sink gives up later.
    Counter held_back;   ///< Log lines and alerts beyond the rule's rates.
    Counter steps;       ///< Of all evaluations.
    Counter timed;       ///< Evaluations that were timed: one of a few.
    Counter timed_ns;    ///< How long they took together.
    LastFailure last_failure;
};

/// All that a reload replaces at once. Immutable, but for the counters.
struct Routes {
    std::shared_ptr<const rules::RuleSet> rules;
    boost::unordered_flat_map<std::string, OutboxLimit, TextHash, std::equal_to<>> sinks;
    /// By shard, then by Rule::index. A rule that stays keeps its counters.
    std::vector<std::vector<std::shared_ptr<RuleMetrics>>> metrics;
    /// By Rule::index, for all shards. They stay likewise.
    std::vector<std::shared_ptr<RuleGates>> gates;
    bool ack_waits_for_usage = false;  ///< metering.durability: ack.
};

}  // namespace weir::pipeline
