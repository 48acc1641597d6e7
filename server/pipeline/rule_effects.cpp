#include <weir/pipeline/rule_effects.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <weir/metering/formula.hpp>
#include <weir/pipeline/message_properties.hpp>
#include <weir/pipeline/reserved.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::pipeline {

using model::Action;
using model::Reason;

namespace {

/// One evaluation out of so many is timed: reading the clock costs as much as a small rule.
constexpr std::uint32_t kTimedEvery = 64;

constexpr std::string_view kNoBudget = "storage.budgets.outbox is used up";

/// The topic that rules see: without the prefix of Basic Ingest.
[[nodiscard]] std::string_view topic_of(const model::Message& message) noexcept {
    const auto ingest = rules::parse_basic_ingest(message.topic());
    return ingest ? ingest->topic : message.topic();
}

/// For who asks why: which budget, or which part of the rule. "log message ${site}", "http header X-Site ${site}".
[[nodiscard]] std::string detail_of(const Failure& failure) {
    if (failure.over_budget != nullptr) {
        return std::string{kNoBudget};
    }
    if (failure.reason != Reason::rule_failed) {
        return {};
    }
    if (failure.action == nullptr) {
        return failure.error ? failure.error.message() : failure.detail;
    }
    std::string text{kind_of(*failure.action)};
    return failure.detail.empty() ? text : text + ' ' + failure.detail;
}

[[nodiscard]] std::vector<http_client::Header> headers_of(const rules::RequestParts& parts) {
    std::vector<http_client::Header> headers;
    for (const auto& [name, value] : parts.headers) {
        headers.push_back({name, value});
    }
    return headers;
}

}  // namespace

// --- What rules remember ---------------------------------------------------------------------------------------------

bool RuleEffects::is_here(std::string_view rule, std::string_view key) {
    const unsigned owner = RuleState::owner_of(rule, key, parts_.shards);
    if (owner == parts_.shard || is_alone_) {
        return true;
    }
    elsewhere_.push_back({owner, std::string{rule}, *evaluating_, std::string{trace_id_}});
    return false;
}

std::optional<ByteView> RuleEffects::find(const rules::StateKey& key, std::int64_t since_ms) {
    const auto same = [&](const RuleState::Write& write) {
        return write.kind == key.kind && write.rule == key.rule && write.key == key.key;
    };
    // A message that came back through a republish finds what it wrote before.
    const auto own = std::ranges::find_if(writes_, same);
    return own != writes_.end() ? std::optional{as_bytes(own->record)}
                                : parts_.state.find(key, since_ms);
}

void RuleEffects::write(const rules::StateKey& key, ByteView record, std::int64_t time_ms) {
    std::erase_if(writes_, [&](const RuleState::Write& write) {
        return write.kind == key.kind && write.rule == key.rule && write.key == key.key;
    });
    writes_.push_back({
        .rule = std::string{key.rule},
        .kind = key.kind,
        .key = std::string{key.key},
        .record = std::string{as_text(record)},
        .time_ms = time_ms,
    });
}

// --- Evaluation ------------------------------------------------------------------------------------------------------

void RuleEffects::begin(std::string_view trace_id, std::chrono::milliseconds held) {
    trace_id_ = trace_id;
    held_ = held;
    batch_ = storage::Batch{};
    reservations_.clear();
    republished_.clear();
    ran_.clear();
    failures_.clear();
    writes_.clear();
    elsewhere_.clear();
    notes_.clear();
    raised_.clear();
    rule_not_found_ = 0;
}

bool RuleEffects::run(
    const Origin& origin, const model::MessagePtr& message, std::chrono::milliseconds held
) {
    begin(trace_ids_.next(), held);
    return finish(origin, evaluate(origin, message));
}

bool RuleEffects::run_one(
    const Origin& origin,
    const model::MessagePtr& message,
    const rules::Rule& rule,
    std::string_view trace_id,
    std::chrono::milliseconds held
) {
    begin(trace_id, held);
    evaluating_ = &message;
    is_alone_ = true;
    const auto evaluated =
        evaluator_.evaluate(rule.definition(), input_of(origin, *message), this);
    is_alone_ = false;
    const bool has_room = !evaluated || take(origin, *message, rule, *evaluated);
    return finish(origin, has_room);
}

void RuleEffects::run_error_action(
    const Origin& origin,
    const model::MessagePtr& message,
    const rules::Rule& rule,
    ByteView report
) {
    begin(trace_ids_.next(), std::chrono::milliseconds::max());
    evaluating_ = &message;
    evaluator_.begin(input_of(origin, *message));
    const bool has_room = act(origin, *message, rule, *rule.on_error(), report);
    static_cast<void>(finish(origin, has_room));  // There is, or it went on without.
}

bool RuleEffects::finish(const Origin& origin, bool has_room) {
    for (std::size_t i = 0; has_room && i < republished_.size(); ++i) {
        const model::MessagePtr next = republished_[i];  // The list may grow.
        has_room = evaluate(origin, next);
    }
    if (!has_room) {
        give_up();
    }
    return has_room;
}

void RuleEffects::give_up() noexcept {
    for (const auto& reservation : reservations_) {
        reservation.room->release(reservation.bytes);
    }
    for (const auto& raised : raised_) {
        raised.gate->undo(raised.decision);
    }
}

rules::Input RuleEffects::input_of(const Origin& origin, const model::Message& message) const {
    return {
        .topic = topic_of(message),
        .payload = message.payload(),
        .client_id = message.protocol() == model::Protocol::mqtt ? origin.subject.client_id
                                                                 : std::string_view{},
        .principal = &origin.subject.principal,
        .qos = message.qos(),
        .timestamp_ms = parts_.context.clock.wall().count(),
        .source_ip = origin.source_ip,
        .trace_id = trace_id_,
        .properties = message.properties(),
        .protocol = message.protocol(),
    };
}

bool RuleEffects::evaluate(const Origin& origin, const model::MessagePtr& message) {
    evaluating_ = &message;
    if (const auto ingest = rules::parse_basic_ingest(message->topic())) {
        const rules::Rule* const rule = routes_->rules->find(ingest->rule);
        if (rule == nullptr || !rule->definition().enabled) {
            ++rule_not_found_;
            return true;
        }
        const auto evaluated =
            evaluator_.evaluate(rule->definition(), input_of(origin, *message), this);
        return !evaluated || take(origin, *message, *rule, *evaluated);
    }
    if (routes_->rules->size() == 0) {
        return true;
    }
    using Stopwatch = std::chrono::steady_clock;
    const bool timed = until_timed_ == 0;
    auto since = timed ? Stopwatch::now() : Stopwatch::time_point{};
    bool has_room = true;
    bool any = false;
    evaluator_.evaluate(
        *routes_->rules,
        input_of(origin, *message),
        this,
        [&](const rules::Rule& rule, const rules::Evaluated& evaluated) {
            any = true;
            const auto took = timed ? Stopwatch::now() - since : Stopwatch::duration{0};
            const std::size_t at = ran_.size();
            has_room = has_room && take(origin, *message, rule, evaluated);
            if (timed && at < ran_.size()) {
                ran_[at].ns = static_cast<std::uint64_t>(
                    std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()
                );
                since = Stopwatch::now();
            }
        }
    );
    if (any) {
        until_timed_ = timed ? kTimedEvery - 1 : until_timed_ - 1;
    }
    return has_room;
}

bool RuleEffects::take(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Evaluated& evaluated
) {
    ran_.push_back({
        .rule = &rule,
        .where = evaluated.where,
        .is_duplicate = evaluated.is_duplicate,
        .is_broken = false,
        .outputs = 0,
        .steps = evaluated.steps,
        .ns = std::nullopt,
    });
    const std::size_t first_failure = failures_.size();
    bool has_room = true;
    if (!evaluated.outputs.empty() &&
        evaluated.outputs.front().kind == rules::Output::Kind::failed) {
        ran_.back().is_broken = true;
        failures_.push_back({.rule = &rule, .error = evaluated.outputs.front().error});
    } else {
        ran_.back().outputs = static_cast<std::uint32_t>(evaluated.outputs.size());
        has_room = std::ranges::all_of(evaluated.outputs, [&](const rules::Output& output) {
            return std::ranges::all_of(rule.actions(), [&](const rules::Action& action) {
                return act(origin, message, rule, action, output.bytes);
            });
        });
    }
    return has_room && report_failures(origin, message, rule, first_failure);
}

/// An error action that fails in turn is counted, and not reported.
bool RuleEffects::report_failures(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    std::size_t first
) {
    if (failures_.size() == first || rule.on_error() == nullptr) {
        return true;
    }
    const std::string report = error_report(
        {.rule = rule.name(),
         .topic = message.topic(),
         .trace_id = trace_id_,
         .client_id = origin.subject.client_id,
         .device = origin.device,
         .time = parts_.context.clock.wall(),
         .payload = message.payload()},
        std::span{failures_}.subspan(first)
    );
    return act(origin, message, rule, *rule.on_error(), as_bytes(report));
}

bool RuleEffects::act(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView payload
) {
    if (const auto* const stream = std::get_if<rules::StreamAction>(&action)) {
        batch_.append_stream(
            stream->stream,
            {
                .time_ms = parts_.context.clock.wall().count(),
                .tenant = origin.subject.principal.tenant,
                .topic = topic_of(message),
                .key = origin.device,
                .properties = message.properties(),
                .payload = payload,
            }
        );
        parts_.context.metrics.stream_records.add();
        return true;
    }
    if (const auto* const http = std::get_if<rules::HttpAction>(&action)) {
        return enqueue(origin, message, rule, action, http->sink, payload);
    }
    if (std::holds_alternative<rules::LogAction>(action)) {
        note(origin, message, rule, action, payload);
        return true;
    }
    if (std::holds_alternative<rules::AlertAction>(action)) {
        return raise(origin, message, rule, action, payload);
    }
    republish(message, rule, action, payload);
    return true;
}

/// What the rule's error action will ask for if the sink gives the output up. Several outputs would keep the payload several times.
std::optional<sinks::Published> RuleEffects::published_for(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView output
) const {
    if (rule.on_error() == nullptr || rule.on_error() == &action) {
        return std::nullopt;
    }
    using Kept = sinks::Published::Kept;
    sinks::Published published{
        .client_id = origin.subject.client_id,
        .hops = message.hops(),
        .kept = ran_.back().outputs == 1 ? Kept::beside : Kept::dropped,
        .payload = message.payload(),
    };
    if (std::ranges::equal(output, message.payload())) {
        published.kept = Kept::as_record;
    }
    return published;
}

bool RuleEffects::enqueue(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    std::string_view to,
    ByteView payload
) {
    const auto sink = routes_->sinks.find(to);
    if (sink == routes_->sinks.end()) {
        failures_.push_back({.rule = &rule, .action = &action, .detail = "there is no such sink"});
        return true;
    }
    const OutboxLimit& outbox = sink->second;
    rules::RequestParts parts;
    if (outbox.request != nullptr) {
        std::string failed;
        auto rendered = outbox.request->render(evaluator_, &failed);
        if (!rendered) {
            failures_.push_back({
                .rule = &rule,
                .action = &action,
                .error = rendered.error(),
                .detail = std::move(failed),
            });
            return true;
        }
        parts = std::move(*rendered);
    }
    const auto extras = sinks::encode_extras(
        headers_of(parts), parts.order_key, published_for(origin, message, rule, action, payload)
    );
    const storage::OutboxRecord record{
        .time_ms = parts_.context.clock.wall().count(),
        .tenant = origin.subject.principal.tenant,
        .rule = rule.name(),
        .topic = topic_of(message),
        .key = origin.device,
        .target = parts.target,
        .headers = extras,
        .payload = payload,
    };
    const std::uint64_t cost = storage::outbox_cost(record);
    using Bound = storage::Budgets::Bound;
    const Bound bound = outbox.drops_oldest ? Bound::slack : Bound::budget;
    if (!outbox.room->reserve(cost, outbox.bytes, bound)) {
        if (outbox.blocks && held_ < outbox.block_timeout) {
            return false;
        }
        const bool has_own_room =
            cost <= outbox.bytes && outbox.room->used() <= outbox.bytes - cost;
        failures_.push_back({
            .rule = &rule,
            .action = &action,
            .reason = Reason::sink_full,
            .detail = has_own_room ? std::string{kNoBudget} : std::string{},
            .over_budget = has_own_room ? outbox.room : nullptr,
        });
        return true;
    }
    reservations_.push_back({outbox.room, cost});
    batch_.enqueue_outbox(to, record);
    return true;
}

void RuleEffects::note(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView payload
) {
    const auto& log = std::get<rules::LogAction>(action);
    ByteView text = payload;
    if (log.message) {
        const auto rendered = evaluator_.render(*log.message);
        if (!rendered) {
            failures_.push_back({
                .rule = &rule,
                .action = &action,
                .error = rendered.error(),
                .detail = "message " + log.message->source(),
            });
            return;
        }
        text = as_bytes(*rendered);
    }
    notes_.push_back({
        .rule = &rule,
        .action = &action,
        .notice =
            {.level = log.level,
             .rule = std::string{rule.name()},
             .topic = notice_text(as_bytes(message.topic())),
             .device = notice_text(as_bytes(origin.device)),
             .text = notice_text(text)},
    });
}

/// A held back alert needs no room. One that is let through and finds none is decided about again.
bool RuleEffects::raise(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView payload
) {
    const auto& alert = std::get<rules::AlertAction>(action);
    const auto fail = [&](error_code error, std::string_view part, const rules::Template& text) {
        failures_.push_back({
            .rule = &rule,
            .action = &action,
            .error = error,
            .detail = std::string{part} + ' ' + text.source(),
        });
        return true;
    };
    std::string key;
    if (alert.key) {
        const auto rendered = evaluator_.render(*alert.key);
        if (!rendered) {
            return fail(rendered.error(), "key", *alert.key);
        }
        key = notice_text(as_bytes(*rendered));
    }
    const auto text = evaluator_.render(alert.text);
    if (!text) {
        return fail(text.error(), "text", alert.text);
    }
    AlertGate& gate =
        routes_->gates[rule.index()]->alert(RuleGates::index_of(rule, action));
    const auto& decision =
        raised_
            .emplace_back(Raised{
                .rule = &rule,
                .gate = &gate,
                .decision = gate.decide(key, alert.interval, parts_.context.clock.steady()),
            })
            .decision;
    if (!decision.admitted) {
        return true;
    }
    const std::string body = alert_json(
        notice_text(as_bytes(*text)),
        {.rule = rule.name(),
         .key = key,
         .topic = message.topic(),
         .device = origin.device,
         .time = parts_.context.clock.wall(),
         .held_back = decision.held_back,
         .report = &action == rule.on_error() ? as_text(payload) : std::string_view{}}
    );
    return enqueue(origin, message, rule, action, alert.sink, as_bytes(body));
}

void RuleEffects::republish(
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView payload
) {
    const auto& to = std::get<rules::RepublishAction>(action);
    if (message.hops() >= parts_.limits.hops) {
        failures_.push_back({.rule = &rule, .action = &action, .reason = Reason::republish_loop});
        return;
    }
    auto [topic, properties] = render_republish(to, evaluator_, property_bytes_);
    if (properties.failure != Reason::none) {
        failures_.push_back({
            .rule = &rule,
            .action = &action,
            .reason = properties.failure,
            .error = properties.error,
            .detail = std::move(properties.detail),
        });
        return;
    }
    const WallTime now = parts_.context.clock.wall();
    republished_.push_back(model::Message::make({
        .topic = topic,
        .payload = payload,
        .properties = properties.bytes,
        .qos = to.qos,
        .retain = to.retain,
        .protocol = model::Protocol::internal,
        .hops = static_cast<std::uint8_t>(message.hops() + 1),
        .created = now,
        .expires = properties.expiry.count() == 0 ? WallTime{0} : now + properties.expiry,
    }));
}

// --- Counting --------------------------------------------------------------------------------------------------------

void RuleEffects::count(
    const Origin& origin, const model::Message& message, storage::UsageDelta& usage
) {
    auto& [clock, metrics, decisions] = parts_.context;
    const auto& of_shard = routes_->metrics[parts_.shard];
    for (const Ran& ran : ran_) {
        RuleMetrics& counted = *of_shard[ran.rule->index()];
        counted.matched.add();
        counted.steps.add(ran.steps);
        Counter& became = ran.outputs > 0   ? counted.passed
                          : ran.is_broken    ? counted.broken
                          : ran.is_duplicate ? counted.duplicates
                          : ran.where == rules::Evaluated::Where::is_undefined
                              ? counted.undefined
                              : counted.turned_down;
        became.add();
        if (ran.ns) {
            counted.timed.add();
            counted.timed_ns.add(*ran.ns);
        }
        metrics.rule_outputs.add(ran.outputs);
        for (std::uint32_t i = 0; i < ran.outputs; ++i) {
            usage += metering::rule_run(traffic_of(message), ran.rule->actions().size());
        }
    }
    const auto lose = [&](Reason reason,
                          const model::Source* source,
                          std::string_view detail = {}) {
        metrics.lose(reason);
        decisions.record(
            origin.who(),
            Action::rule,
            reason,
            clock.wall(),
            message.topic(),
            source,
            {.detail = detail}
        );
    };
    for (const Failure& failure : failures_) {
        RuleMetrics& counted = *of_shard[failure.rule->index()];
        counted.failed.add();
        counted.last_failure.set({
            .reason = failure.reason,
            .error = failure.error,
            .action = LastFailure::place_of(*failure.rule, failure.action),
            .time_ms = clock.wall().count(),
        });
        const model::Source* const source = &failure.rule->definition().source;
        if (failure.over_budget != nullptr) {
            failure.over_budget->count_over_budget();
        }
        lose(failure.reason, source, detail_of(failure));
    }
    for (std::uint64_t i = 0; i < rule_not_found_; ++i) {
        lose(Reason::rule_not_found, nullptr);
    }
    write_notes();
}

void RuleEffects::write_notes() {
    const auto& of_shard = routes_->metrics[parts_.shard];
    for (const Raised& raised : raised_) {
        of_shard[raised.rule->index()]->held_back.add(raised.decision.admitted ? 0 : 1);
    }
    for (Note& note : notes_) {
        const std::size_t index = RuleGates::index_of(*note.rule, *note.action);
        const auto held_back = routes_->gates[note.rule->index()]->log(index).admit(
            std::get<rules::LogAction>(*note.action).rate, parts_.context.clock.steady()
        );
        if (held_back) {
            note.notice.held_back = *held_back;
            note.notice.write();
        } else {
            of_shard[note.rule->index()]->held_back.add();
        }
    }
}

}  // namespace weir::pipeline
