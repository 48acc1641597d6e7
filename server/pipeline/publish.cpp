#include <weir/pipeline/publish.hpp>

#include <algorithm>
#include <utility>

#include <weir/metering/formula.hpp>
#include <weir/sinks/given_up.hpp>

namespace weir::pipeline {

using model::Action;
using model::Reason;

namespace {

/// Forwarded messages that may wait for room; those behind them go without it.
constexpr std::size_t kWaitingMax = 1'000;
constexpr std::size_t kWaitingBytesMax = 16 * 1024 * 1024;

/// For what cannot wait: outputs without room are lost at once.
constexpr std::chrono::milliseconds kNoLonger = std::chrono::milliseconds::max();

}  // namespace

struct Publisher::Forwarded {
    model::MessagePtr message;
    model::PrincipalPtr principal;
    std::string client_id;
    std::string device;
    std::string source_ip;
    std::string rule;
    std::string trace_id;
    broker::Slip slip;  ///< The publisher's acknowledgement waits for it.
    SteadyTime since;
};

Publisher::Publisher(const Parts& parts)
    : broker_{parts.broker},
      meter_{parts.meter},
      publishers_{parts.publishers},
      peers_{parts.peers},
      context_{parts.broker.context()},
      state_{static_cast<unsigned>(parts.publishers.size())},
      effects_{{
          .context = parts.broker.context(),
          .limits = parts.limits,
          .state = state_,
          .shard = parts.shard,
          .shards = static_cast<unsigned>(parts.publishers.size()),
      }},
      taps_{parts.shard},
      deposit_{parts.broker.journal()} {}

Publisher::~Publisher() = default;

void Publisher::use(std::shared_ptr<const Routes> routes) {
    routes_ = std::move(routes);
    effects_.use(routes_);
    storage::Batch batch;
    state_.use(*routes_->rules, batch);
    if (!batch.empty()) {
        broker_.journal().submit(std::move(batch), {});
    }
    throttle_ = {};  // Nobody pays for what was sent under other rates.
}

model::Verdict Publisher::admit(const Origin& origin, std::string_view topic, bool retain) {
    const auto verdict = is_reserved(topic)
                             ? model::Verdict{Reason::publish_denied}
                             : origin.policies->publish(origin.subject, topic, retain);
    if (!verdict.accepted()) {
        refuse(origin, verdict, topic);
    }
    return verdict;
}

void Publisher::refuse(
    const Origin& origin, const model::Verdict& verdict, std::string_view topic
) {
    context_.metrics.refuse(verdict.reason);
    context_.decisions.record(
        origin.who(),
        Action::publish,
        verdict.reason,
        context_.clock.wall(),
        topic,
        verdict.source,
        {.peer = origin.source_ip}
    );
}

quota::Rates Publisher::rates_of(const Origin& origin) noexcept {
    if (origin.meter == nullptr || origin.policies == nullptr) {
        return {};
    }
    const policy::Rates& own = origin.policies->rates();
    quota::Rates rates{own.publish_rate, own.byte_rate};
    if (origin.limits != nullptr && origin.policies->standing() == policy::Standing::device) {
        rates.messages = document::slower(rates.messages, origin.limits->publish_rate);
        rates.bytes = document::slower(rates.bytes, origin.limits->byte_rate);
    }
    for (auto* const rate : {&rates.messages, &rates.bytes}) {
        if (*rate && (*rate)->amount == model::kUnlimited) {
            rate->reset();
        }
    }
    return rates;
}

Progress Publisher::route(
    const Origin& origin,
    const model::MessagePtr& message,
    AckToken token,
    std::chrono::milliseconds held
) {
    const quota::Rates rates = rates_of(origin);
    quota::Bucket* bucket = nullptr;
    if (rates.limit_anything()) {
        bucket = &throttle_.bucket(origin.meter->name());
        if (!bucket->admits(context_.clock.steady())) {
            if (bucket->is_news()) {
                refuse(origin, {Reason::quota_exceeded}, message->topic());
            }
            return Progress::throttled;
        }
    }
    if (!effects_.run(origin, message, held)) {
        return Progress::blocked;
    }
    show(origin, message);
    deposit_.begin(token);

    if (bucket != nullptr) {
        const auto bytes = message->topic().size() + message->payload().size();
        bucket->take(rates, bytes, context_.clock.steady());
    }
    const bool is_taken = take_effects(deposit_) || effects_.any_output();
    if (token.inbound_id != 0 && origin.session != nullptr) {
        origin.session->store_inbound_id(token.inbound_id, deposit_);
    } else if (origin.is_will && effects_.elsewhere().empty()) {
        deposit_.gather();
        deposit_.batch.erase_will(origin.session->stored_id());
    }
    forward(origin, deposit_);
    bool taken = is_taken;
    if (!rules::parse_basic_ingest(message->topic())) {
        taken = distribute(origin, message, is_taken, deposit_);
    }
    distribute_republished(origin, deposit_);
    charge(origin, deposit_, [&](storage::UsageDelta& sums) {
        effects_.count(origin, *message, sums);
        metering::add_publish_in(sums, traffic_of(*message));
    });
    if (broker_.commit(deposit_)) {
        return Progress::pending;
    }
    return taken ? Progress::done : Progress::unclaimed;
}

/// @param add  Adds what the publisher used to the sums that it is given.
template <class Add>
void Publisher::charge(const Origin& origin, broker::Deposit& deposit, Add add) {
    storage::UsageDelta usage;
    if (origin.meter == nullptr) {
        add(usage);  // Nobody's.
        return;
    }
    if (deposit.batch.empty() && !(routes_->ack_waits_for_usage && deposit.creditor().is_told())) {
        add(meter_.sums(*origin.meter));
        return;
    }
    add(usage);
    if (!usage.empty()) {
        meter_.count_into(deposit.batch, *origin.meter, usage);
    }
}

bool Publisher::take_effects(broker::Deposit& deposit) {
    if (!effects_.writes().empty()) {
        const std::uint64_t number = state_.apply(effects_.writes(), effects_.batch());
        // What was refused is not remembered: the publisher will send the message again.
        deposit.done = [this, number](bool stored) { state_.settled(number, stored); };
    }
    deposit.batch = std::exchange(effects_.batch(), {});
    return !deposit.batch.empty() || !effects_.elsewhere().empty();
}

void Publisher::show(const Origin& origin, const model::MessagePtr& message) {
    if (!taps_.empty()) {
        taps_.take(origin, message, context_.clock.steady(), context_.clock.wall());
    }
}

void Publisher::distribute_republished(const Origin& origin, broker::Deposit& deposit) {
    for (const auto& made : effects_.republished()) {
        context_.metrics.republished.add();
        show(origin, made);
        if (!rules::parse_basic_ingest(made->topic())) {
            static_cast<void>(distribute(origin, made, false, deposit));
        }
    }
}

bool Publisher::distribute(
    const Origin& origin, const model::MessagePtr& message, bool is_taken, broker::Deposit& deposit
) {
    deposit.next(*message);
    if (message->retain() && message->hops() > 0) {
        broker_.retain(message, nullptr, {}, deposit);  // The rule answers for it, not the device.
    } else if (message->retain()) {
        broker_.retain(message, origin.principal, origin.subject.client_id, deposit);
    }
    const bool taken = broker_.fan_out(message, deposit) || is_taken || message->retain();
    if (!taken) {
        context_.metrics.lose(Reason::no_subscriber);
    }
    return taken;
}

void Publisher::advance() {
    throttle_.advance(context_.clock.steady());
    taps_.advance(context_.clock.steady());
    storage::Batch batch;
    state_.forget_old(context_.clock.wall().count(), batch);
    if (!batch.empty()) {
        broker_.journal().submit(std::move(batch), {});
    }
    run_waiting();
}

void Publisher::run_waiting() {
    const auto now = context_.clock.steady();
    std::vector<std::string_view> without_room;  // Rules, whose later messages stay behind the first.
    std::deque<std::unique_ptr<Forwarded>> still;
    for (auto& each : waiting_) {
        const bool is_behind = std::ranges::find(without_room, each->rule) != without_room.end();
        if (!is_behind && run(*each, now - each->since)) {
            waiting_bytes_ -= each->message->payload().size();
            continue;
        }
        if (!is_behind) {
            without_room.push_back(each->rule);
        }
        still.push_back(std::move(each));
    }
    waiting_ = std::move(still);
}

// --- Rules whose memory is another shard's -----------------------------------------------------------------------------

void Publisher::forward(const Origin& origin, broker::Deposit& deposit) {
    for (const RuleEffects::Elsewhere& each : effects_.elsewhere()) {
        deposit.next(*each.message);
        auto forwarded = std::make_unique<Forwarded>(Forwarded{
            .message = each.message,
            .principal = origin.principal,
            .client_id = std::string{origin.subject.client_id},
            .device = std::string{origin.device},
            .source_ip = std::string{origin.source_ip},
            .rule = each.rule,
            .trace_id = each.trace_id,
            .slip = broker_.share(deposit),
            .since = context_.clock.steady(),
        });
        Publisher* const owner = publishers_[each.shard];
        peers_->send(each.shard, [owner, forwarded = std::move(forwarded)]() mutable {
            owner->receive(std::move(forwarded));
        });
    }
}

void Publisher::receive(std::unique_ptr<Forwarded> forwarded) {
    const bool is_behind = std::ranges::any_of(waiting_, [&](const auto& other) {
        return other->rule == forwarded->rule;
    });
    if (!is_behind && run(*forwarded, std::chrono::milliseconds{0})) {
        return;
    }
    if (waiting_.size() >= kWaitingMax || waiting_bytes_ >= kWaitingBytesMax) {
        static_cast<void>(run(*forwarded, kNoLonger));
    } else {
        waiting_bytes_ += forwarded->message->payload().size();
        waiting_.push_back(std::move(forwarded));
    }
}

/// @return False: there is no room, and nothing happened.
bool Publisher::run(Forwarded& forwarded, std::chrono::milliseconds held) {
    broker::Deposit deposit{broker_.journal(), forwarded.slip.creditor()};
    const rules::Rule* const rule = routes_->rules->find(forwarded.rule);
    if (rule == nullptr || !rule->definition().enabled) {  // A reload took it away meanwhile.
        broker_.settle(deposit);
        return true;
    }
    metering::DeviceMeter* const meter = meter_.open(forwarded.principal->tenant, forwarded.device);
    const Origin origin{
        .subject = {.principal = *forwarded.principal, .client_id = forwarded.client_id},
        .policies = nullptr,
        .principal = forwarded.principal,
        .device = forwarded.device,
        .meter = meter,
        .source_ip = forwarded.source_ip,
    };
    const bool has_room = effects_.run_one(origin, forwarded.message, *rule, forwarded.trace_id, held);
    if (has_room) {
        static_cast<void>(take_effects(deposit));
        forward(origin, deposit);
        distribute_republished(origin, deposit);
        charge(origin, deposit, [&](storage::UsageDelta& sums) {
            effects_.count(origin, *forwarded.message, sums);
        });
        broker_.settle(deposit);
    }
    if (meter != nullptr) {
        meter_.close(meter);
    }
    return has_room;
}

// --- What sinks give up -------------------------------------------------------------------------------------------------

void Publisher::run_error_action(const sinks::GivenUp& given_up) {
    const rules::Rule* const rule = routes_->rules->find(given_up.rule);
    if (rule == nullptr || rule->on_error() == nullptr) {
        return;
    }
    const auto nobody = std::make_shared<model::Principal>();  // It may be gone meanwhile.
    nobody->tenant = given_up.tenant;
    const model::PrincipalPtr principal = nobody;
    const auto message = model::Message::make({
        .topic = given_up.topic,
        .payload = given_up.payload,
        .hops = given_up.hops,
        .created = context_.clock.wall(),
    });
    metering::DeviceMeter* const meter = meter_.open(principal->tenant, given_up.device);
    const Origin origin{
        .subject = {.principal = *principal, .client_id = given_up.client_id},
        .policies = nullptr,
        .principal = principal,
        .device = given_up.device,
        .meter = meter,
        .source_ip = {},
    };
    broker::Deposit deposit{broker_.journal()};
    effects_.run_error_action(origin, message, *rule, as_bytes(given_up.report));
    static_cast<void>(take_effects(deposit));
    forward(origin, deposit);
    distribute_republished(origin, deposit);
    charge(origin, deposit, [&](storage::UsageDelta& sums) {
        effects_.count(origin, *message, sums);
    });
    broker_.settle(deposit);
    if (meter != nullptr) {
        meter_.close(meter);
    }
}

// --- Wills ---------------------------------------------------------------------------------------------------------

bool Publisher::publish_will(broker::Session& session, const broker::Will& will) {
    const model::Message& said = *will.message;
    const auto verdict =
        is_reserved(said.topic())
            ? model::Verdict{Reason::will_denied}
            : session.policies().will(session.subject(), said.topic(), said.retain());
    if (!verdict.accepted()) {
        context_.metrics.refuse(verdict.reason);
        context_.decisions.record(
            session.who(),
            Action::will,
            verdict.reason,
            context_.clock.wall(),
            said.topic(),
            verdict.source
        );
        return false;
    }
    const WallTime now = context_.clock.wall();
    const auto message = model::Message::make({
        .topic = said.topic(),
        .payload = said.payload(),
        .properties = said.properties(),
        .qos = said.qos(),
        .retain = said.retain(),
        .protocol = said.protocol(),
        .created = now,
        .expires = will.expiry ? now + *will.expiry : WallTime{0},
        .publisher_session = session.id(),
    });
    metering::DeviceMeter* const meter = meter_.open(session.principal().tenant, session.device());
    context_.metrics.received[static_cast<std::size_t>(said.qos())].add();
    const Progress progress = route(
        {
            .subject = session.subject(),
            .policies = &session.policies(),
            .principal = session.principal_ptr(),
            .device = session.device(),
            .meter = meter,
            .source_ip = {},
            .session = &session,
            .is_will = session.stored_id() != storage::SessionId{},
        },
        message,
        {},
        kNoLonger
    );
    if (meter != nullptr) {
        meter_.close(meter);
    }
    return !is_held_back(progress) && effects_.elsewhere().empty();
}

}  // namespace weir::pipeline
