/// The way of a published message: policy, rules, storage, subscribers.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/broker/broker.hpp>
#include <weir/metering/meter.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/model/metrics.hpp>
#include <weir/pipeline/completions.hpp>
#include <weir/pipeline/gates.hpp>
#include <weir/pipeline/notices.hpp>
#include <weir/policy/policy_set.hpp>
#include <weir/quota/throttle.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/request_template.hpp>
#include <weir/rules/rule_set.hpp>
#include <weir/storage/store.hpp>

namespace weir::pipeline {

/// Who publishes. Views: they need to live during the call only.
struct Origin {
    policy::Subject subject;
    const policy::Bundle* policies;
    const model::PrincipalPtr& principal;
    std::string_view device;  ///< Under which decisions and usage are kept.
    metering::DeviceMeter* meter = nullptr;
    std::string_view source_ip;
    const model::Limits* limits = nullptr;  ///< Of the listener; null: its rates do not matter.
};

/// What route() made of a message.
enum class Progress : std::uint8_t {
    done,       ///< It had all its effects: acknowledge now.
    pending,    ///< It had its effects; the acknowledgement waits for the disk, see DurableListener.
    blocked,    ///< A full outbox holds it back; it had no effect. Try again later.
    throttled,  ///< The device's rate does; likewise.
};
[[nodiscard]] constexpr bool is_held_back(Progress progress) noexcept {
    return progress >= Progress::blocked;
}

/// What the pipeline needs to know of a configured sink.
struct OutboxLimit {
    storage::OutboxRoom* room = nullptr;  ///< Of the store.
    std::uint64_t bytes = 0;
    bool blocks =
        true;  ///< When full: hold the publisher back, or take it and let the sink give up older ones.
    std::chrono::milliseconds block_timeout{30'000};
    /// What its requests take from each message; null: nothing.
    std::shared_ptr<const rules::RequestTemplate> request = {};
};

/// Counters of one rule on one shard; written there, read by anybody.
struct RuleMetrics {
    Counter matched;  ///< The topic and WHERE.
    Counter failed;
    Counter held_back;  ///< Log lines and alerts beyond the rule's rates.
};

/// All that a reload replaces at once. Immutable, but for the counters.
struct Routes {
    std::shared_ptr<const rules::RuleSet> rules;
    boost::unordered_flat_map<std::string, OutboxLimit, TextHash, std::equal_to<>> sinks;
    /// By shard, then by Rule::index. A rule that stays keeps its counters.
    std::vector<std::vector<std::shared_ptr<RuleMetrics>>> metrics;
    /// By Rule::index, for all shards. They stay likewise.
    std::vector<std::shared_ptr<RuleGates>> gates;
};

/// Topics that only the gateway publishes to. [MQTT5-4.7.2-1]
[[nodiscard]] inline bool is_reserved(std::string_view topic) noexcept {
    return topic == "$SYS" || topic.starts_with("$SYS/");
}

/// Belongs to one shard and is called there only.
class Publisher final : public broker::WillPublisher {
public:
    struct Parts {
        broker::Broker& broker;
        storage::Store& store;
        metering::Meter& meter;
        Completions& completions;
        const model::Limits& limits;
        unsigned shard;
    };

    explicit Publisher(const Parts& parts);

    /// Before the first message, and after each reload.
    void use(std::shared_ptr<const Routes> routes);

    /// May this be published? `$SYS` is the gateway's own, whatever policies say. Records the refusal.
    [[nodiscard]] model::Verdict admit(const Origin& origin, std::string_view topic, bool retain);

    /// Gives an admitted message its effects.
    /// @param token   To be told of when the answer is `pending`.
    /// @param forced  It was blocked for as long as outboxes may hold it: outputs that still have no room are lost.
    /// @cost  No allocation if no rule matches and nobody retains.
    [[nodiscard]] Progress route(
        const Origin& origin, const model::MessagePtr& message, AckToken token, bool forced = false
    );

    /// How long a blocked message is held back at most.
    [[nodiscard]] std::chrono::milliseconds block_timeout() const noexcept {
        return block_timeout_;
    }

    void publish_will(const broker::Session& session, const broker::Will& will) override;

    /// Once a second.
    void advance() { throttle_.advance(context_.clock.steady()); }

private:
    struct Reservation {
        storage::OutboxRoom* room;
        std::uint64_t bytes;
    };

    /// What a rule did, to be counted once the message has its effects: it may be blocked and come again.
    struct Ran {
        const rules::Rule* rule;
        model::Reason failure;  ///< none: it matched.
        bool first = true;      ///< Of the outputs that the rule makes of the message.
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

    /// The rates that hold for the publisher: of its policies, and of its listener unless it is an application.
    [[nodiscard]] static quota::Rates rates_of(const Origin& origin) noexcept;
    void hold_back(const Origin& origin, const model::Message& message, quota::Bucket& bucket);
    [[nodiscard]] bool evaluate(const Origin& origin, const model::Message& message, bool forced);
    /// @return False if an outbox has no room.
    [[nodiscard]] bool take(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Output& output,
        bool forced
    );
    [[nodiscard]] bool report_failure(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        std::string_view error,
        bool forced
    );
    [[nodiscard]] bool act(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        const rules::Action& action,
        ByteView payload,
        bool forced
    );
    [[nodiscard]] bool enqueue(
        const Origin& origin,
        const model::Message& message,
        const rules::Rule& rule,
        std::string_view to,
        ByteView payload,
        bool forced
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
        bool forced
    );
    void republish(
        const model::Message& message,
        const rules::Rule& rule,
        const rules::RepublishAction& action,
        ByteView payload
    );
    void give_up() noexcept;
    void count(const Origin& origin, const model::Message& message);
    void distribute(const Origin& origin, const model::MessagePtr& message, bool is_stored);

    broker::Broker& broker_;
    storage::Store& store_;
    metering::Meter& meter_;
    Completions& completions_;
    const model::Limits& limits_;
    const unsigned shard_;
    broker::Context& context_;
    std::shared_ptr<const Routes> routes_;
    rules::Evaluator evaluator_;
    std::chrono::milliseconds block_timeout_{0};
    quota::Throttle throttle_;

    // Of the message that is being routed; kept for their memory.
    storage::Batch batch_;
    std::vector<Reservation> reservations_;
    std::vector<model::MessagePtr> republished_;
    std::vector<Ran> ran_;
    std::vector<Note> notes_;
    std::vector<Raised> raised_;
    Bytes property_bytes_;
    bool is_reporting_ = false;
};

}  // namespace weir::pipeline
