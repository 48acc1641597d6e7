/// The way of a published message: policy, rules, storage, subscribers.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <weir/broker/broker.hpp>
#include <weir/metering/meter.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/model/metrics.hpp>
#include <weir/pipeline/origin.hpp>
#include <weir/pipeline/reserved.hpp>
#include <weir/pipeline/routes.hpp>
#include <weir/pipeline/rule_effects.hpp>
#include <weir/pipeline/rule_state.hpp>
#include <weir/pipeline/tap.hpp>
#include <weir/quota/throttle.hpp>

namespace weir::sinks {
struct GivenUp;
}  // namespace weir::sinks

namespace weir::pipeline {

using broker::AckToken;

/// What route() made of a message.
enum class Progress : std::uint8_t {
    done,       ///< It had all its effects: acknowledge now.
    unclaimed,  ///< Likewise, and there were none: no session wants it, no rule matches, nothing is retained.
    pending,    ///< It had its effects; the acknowledgement waits for the disk, see broker::DurableListener.
    blocked,    ///< A full outbox holds it back; it had no effect. Try again later.
    throttled,  ///< The device's rate does; likewise.
};
[[nodiscard]] constexpr bool is_done(Progress progress) noexcept {
    return progress <= Progress::unclaimed;
}
[[nodiscard]] constexpr bool is_held_back(Progress progress) noexcept {
    return progress >= Progress::blocked;
}

/// Belongs to one shard and is called there only.
class Publisher final : public broker::WillPublisher {
public:
    struct Parts {
        broker::Broker& broker;
        metering::Meter& meter;
        const model::Limits& limits;
        unsigned shard;
        /// All, by shard; filled before the first call.
        std::span<Publisher* const> publishers;
        broker::Peers* peers;
    };

    explicit Publisher(const Parts& parts);
    ~Publisher() override;

    /// Before the first message, and after each reload.
    void use(std::shared_ptr<const Routes> routes);
    /// What rules remember; at start, after use(), what the store has of it is loaded here.
    [[nodiscard]] RuleState& rule_state() noexcept { return state_; }
    [[nodiscard]] const RuleState& rule_state() const noexcept { return state_; }

    /// What operators look at: messages once they have their effects, those that rules republish too.
    [[nodiscard]] Taps& taps() noexcept { return taps_; }

    /// May this be published? `$SYS` is the gateway's own, whatever policies say. Records the refusal.
    [[nodiscard]] model::Verdict admit(const Origin& origin, std::string_view topic, bool retain);

    /// Gives an admitted message its effects.
    /// @param token   To be told of when the answer is `pending`.
    /// @param held    For how long it was held back: an output without room is lost once its sink's `block_timeout` is over.
    /// @cost  No allocation if no rule matches and nobody retains.
    [[nodiscard]] Progress route(
        const Origin& origin,
        const model::MessagePtr& message,
        AckToken token,
        std::chrono::milliseconds held = std::chrono::milliseconds{0}
    );

    /// Lets the rule's error action have the report, unless a reload took that away.
    void run_error_action(const sinks::GivenUp& given_up);

    [[nodiscard]] bool publish_will(broker::Session& session, const broker::Will& will) override;

    /// Once a second.
    void advance();

private:
    /// A message for a rule whose memory is this shard's, from the shard that it was published on.
    struct Forwarded;

    /// The rates that hold for the publisher: of its policies, and of its listener unless it is an application.
    [[nodiscard]] static quota::Rates rates_of(const Origin& origin) noexcept;
    /// Counts and records it.
    void refuse(const Origin& origin, const model::Verdict& verdict, std::string_view topic);
    /// With what the message has stored, if it has or an acknowledgement is to wait for it; else the meter's next drain stores it.
    template <class Add>
    void charge(const Origin& origin, broker::Deposit& deposit, Add add);
    /// Moves what the rules want stored into the deposit. @return True if there was anything, or will be on another shard.
    bool take_effects(broker::Deposit& deposit);
    void forward(const Origin& origin, broker::Deposit& deposit);
    void receive(std::unique_ptr<Forwarded> forwarded);
    [[nodiscard]] bool run(Forwarded& forwarded, std::chrono::milliseconds held);
    void run_waiting();
    void show(const Origin& origin, const model::MessagePtr& message);
    void distribute_republished(const Origin& origin, broker::Deposit& deposit);
    /// @return False if nobody took it.
    bool distribute(
        const Origin& origin,
        const model::MessagePtr& message,
        bool is_taken,
        broker::Deposit& deposit
    );

    broker::Broker& broker_;
    metering::Meter& meter_;
    const std::span<Publisher* const> publishers_;
    broker::Peers* const peers_;
    broker::Context& context_;
    std::shared_ptr<const Routes> routes_;
    quota::Throttle throttle_;
    RuleState state_;
    RuleEffects effects_;
    Taps taps_;
    broker::Deposit deposit_;  ///< Of the message that is being routed; kept for its memory.
    /// For room in an outbox, in order. Messages wait for those of their own rule alone.
    std::deque<std::unique_ptr<Forwarded>> waiting_;
    std::size_t waiting_bytes_ = 0;                   ///< Of their payloads.
};

}  // namespace weir::pipeline
