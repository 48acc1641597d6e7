/// What rules make of a message.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/broker/broker.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/pipeline/failure.hpp>
#include <weir/pipeline/gates.hpp>
#include <weir/pipeline/notices.hpp>
#include <weir/pipeline/origin.hpp>
#include <weir/pipeline/routes.hpp>
#include <weir/pipeline/rule_state.hpp>
#include <weir/pipeline/trace_ids.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/storage/batch.hpp>

namespace weir::sinks {
struct Published;
}  // namespace weir::sinks

namespace weir::pipeline {

/// Evaluates the rules over a message and collects the effects: nothing has happened until their owner commits the
/// batch and distributes what was republished. Only room in outboxes is reserved, and given back if there is not
/// enough of it. Belongs to one shard.
class RuleEffects final : private rules::StateView {
public:
    struct Parts {
        broker::Context& context;
        const model::Limits& limits;
        const RuleState& state;
        unsigned shard;
        unsigned shards;
    };

    /// A rule whose memory of the message's key is another shard's.
    struct Elsewhere {
        unsigned shard;
        std::string rule;
        model::MessagePtr message;
        std::string trace_id;
    };

    explicit RuleEffects(const Parts& parts) : parts_{parts} {}

    void use(std::shared_ptr<const Routes> routes) { routes_ = std::move(routes); }

    /// All rules, over the message and over what they republish of it. Forgets the message before.
    /// @param held  For how long it was held back: outputs without room are lost where an outbox
    ///              does not hold it longer.
    /// @return False if an outbox without room does: nothing is reserved.
    [[nodiscard]] bool run(
        const Origin& origin, const model::MessagePtr& message, std::chrono::milliseconds held
    );
    /// One rule, whose memory is here, and all over what it republishes.
    /// @param trace_id  Of the message, from the shard that sent it here.
    [[nodiscard]] bool run_one(
        const Origin& origin,
        const model::MessagePtr& message,
        const rules::Rule& rule,
        std::string_view trace_id,
        std::chrono::milliseconds held
    );

    /// The error action of a rule, which has one, over the message that a sink gave up an output of. What has no room is lost.
    void run_error_action(
        const Origin& origin,
        const model::MessagePtr& message,
        const rules::Rule& rule,
        ByteView report
    );

    // What came of it.
    [[nodiscard]] storage::Batch& batch() noexcept { return batch_; }
    [[nodiscard]] std::span<const model::MessagePtr> republished() const noexcept {
        return republished_;
    }
    [[nodiscard]] std::span<const Elsewhere> elsewhere() const noexcept { return elsewhere_; }
    /// A rule had an output, or failed: the message was not for nobody.
    [[nodiscard]] bool any_output() const noexcept {
        return !failures_.empty() ||
               std::ranges::any_of(ran_, [](const Ran& ran) { return ran.outputs > 0; });
    }
    [[nodiscard]] const std::vector<RuleState::Write>& writes() const noexcept { return writes_; }
    /// Counts it, once the message has its effects: before, it may be blocked and come again.
    /// @param usage  What the publisher used is added.
    void count(const Origin& origin, const model::Message& message, storage::UsageDelta& usage);

private:
    struct Reservation {
        storage::OutboxRoom* room;
        std::uint64_t bytes;
    };
    /// One evaluation.
    struct Ran {
        const rules::Rule* rule;
        rules::Evaluated::Where where;
        bool is_duplicate;
        bool is_broken;  ///< The evaluation failed.
        std::uint32_t outputs;
        std::uint32_t steps;
        std::optional<std::uint64_t> ns;
    };
    /// A line for the log, and what decides whether it is written.
    struct Note {
        const rules::Rule* rule;
        const rules::Action* action;
        LogNotice notice;
    };
    /// What was decided about an alert.
    struct Raised {
        const rules::Rule* rule;
        AlertGate* gate;
        AlertGate::Decision decision;
    };

    bool is_here(std::string_view rule, std::string_view key) override;
    std::optional<ByteView> find(const rules::StateKey& key, std::int64_t since_ms) override;
    void write(const rules::StateKey& key, ByteView record, std::int64_t time_ms) override;

    void begin(std::string_view trace_id, std::chrono::milliseconds held);
    [[nodiscard]] bool finish(const Origin& origin, bool has_room);
    [[nodiscard]] rules::Input input_of(const Origin& origin, const model::Message& message) const;
    [[nodiscard]] bool evaluate(const Origin& origin, const model::MessagePtr& message);
    [[nodiscard]] bool take(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Evaluated& evaluated
    );
    /// Lets the rule's error action have what failed from the failure `first` on, all in one report.
    [[nodiscard]] bool report_failures(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        std::size_t first
    );
    [[nodiscard]] bool act(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView payload
    );
    [[nodiscard]] std::optional<sinks::Published> published_for(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView output
    ) const;
    [[nodiscard]] bool enqueue(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        std::string_view to,
        ByteView payload
    );
    void note(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView payload
    );
    [[nodiscard]] bool raise(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView payload
    );
    void republish(
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView payload
    );
    void write_notes();
    void give_up() noexcept;

    Parts parts_;
    std::shared_ptr<const Routes> routes_;
    rules::Evaluator evaluator_;
    TraceIds trace_ids_;

    // Of the message at hand; kept for their memory.
    storage::Batch batch_;
    std::vector<Reservation> reservations_;
    std::vector<model::MessagePtr> republished_;
    std::vector<Ran> ran_;
    std::vector<Failure> failures_;
    std::vector<RuleState::Write> writes_;
    std::vector<Elsewhere> elsewhere_;
    std::vector<Note> notes_;
    std::vector<Raised> raised_;
    Bytes property_bytes_;
    const model::MessagePtr* evaluating_ = nullptr;
    std::string_view trace_id_;
    std::uint64_t rule_not_found_ = 0;
    std::uint32_t until_timed_ = 0;
    std::chrono::milliseconds held_{0};
    bool is_alone_ = false;  ///< The message was sent here for this rule: a key that is another one now stays here.
};

}  // namespace weir::pipeline
