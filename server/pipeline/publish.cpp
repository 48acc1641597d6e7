#include <weir/pipeline/publish.hpp>

#include <algorithm>
#include <utility>
#include <variant>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/metering/formula.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>
#include <weir/pipeline/message_properties.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::pipeline {

using model::Action;
using model::Reason;

namespace {

[[nodiscard]] metering::Traffic traffic_of(const model::Message& message) noexcept {
    return {
        .payload_bytes = message.payload().size(),
        .topic_bytes = message.topic().size(),
        .property_bytes = message.properties().size(),
        .retain = message.retain(),
    };
}

/// What an error action gets instead of the rule's output.
[[nodiscard]] std::string error_report(
    const rules::Rule& rule,
    const Origin& origin,
    const model::Message& message,
    std::string_view error
) {
    return R"({"ruleName":")" + log::json_escape(rule.name()) + R"(","topic":")" +
           log::json_escape(message.topic()) + R"(","clientId":")" +
           log::json_escape(origin.subject.client_id) + R"(","base64OriginalPayload":")" +
           to_base64(message.payload()) + R"(","failures":[{"errorMessage":")" +
           log::json_escape(error) + R"("}]})";
}

[[nodiscard]] std::vector<http_client::Header> headers_of(const rules::RequestParts& parts) {
    std::vector<http_client::Header> headers;
    for (const auto& [name, value] : parts.headers) {
        headers.push_back({name, value});
    }
    return headers;
}

}  // namespace

Publisher::Publisher(const Parts& parts)
    : broker_{parts.broker},
      store_{parts.store},
      meter_{parts.meter},
      completions_{parts.completions},
      limits_{parts.limits},
      shard_{parts.shard},
      context_{parts.broker.context()} {}

void Publisher::use(std::shared_ptr<const Routes> routes) {
    routes_ = std::move(routes);
    throttle_ = {};  // Nobody pays for what was sent under other rates.
    block_timeout_ = std::chrono::milliseconds{0};
    for (const auto& [name, sink] : routes_->sinks) {
        block_timeout_ = std::max(block_timeout_, sink.block_timeout);
    }
}

model::Verdict Publisher::admit(const Origin& origin, std::string_view topic, bool retain) {
    const auto verdict = is_reserved(topic)
                             ? model::Verdict{Reason::publish_denied}
                             : origin.policies->publish(origin.subject, topic, retain);
    if (!verdict.accepted()) {
        context_.metrics.refuse(verdict.reason);
        context_.decisions.record(
            origin.device,
            Action::publish,
            verdict.reason,
            context_.clock.wall(),
            topic,
            verdict.source
        );
    }
    return verdict;
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

void Publisher::hold_back(
    const Origin& origin, const model::Message& message, quota::Bucket& bucket
) {
    if (!bucket.is_news()) {
        return;
    }
    context_.metrics.refuse(Reason::quota_exceeded);
    context_.decisions.record(
        origin.device,
        Action::publish,
        Reason::quota_exceeded,
        context_.clock.wall(),
        message.topic()
    );
}

Progress Publisher::route(
    const Origin& origin, const model::MessagePtr& message, AckToken token, bool forced
) {
    const quota::Rates rates = rates_of(origin);
    quota::Bucket* bucket = nullptr;
    if (rates.limit_anything()) {
        bucket = &throttle_.bucket(origin.meter->name());
        if (!bucket->admits(context_.clock.steady())) {
            hold_back(origin, *message, *bucket);
            return Progress::throttled;
        }
    }
    batch_ = storage::Batch{};
    reservations_.clear();
    republished_.clear();
    ran_.clear();
    notes_.clear();
    raised_.clear();
    bool has_room = evaluate(origin, *message, forced);
    for (std::size_t i = 0; has_room && i < republished_.size(); ++i) {
        const model::MessagePtr next = republished_[i];  // The list may grow.
        has_room = evaluate(origin, *next, forced);
    }
    if (!has_room) {
        give_up();
        return Progress::blocked;
    }

    if (bucket != nullptr) {
        const auto bytes = message->topic().size() + message->payload().size();
        bucket->take(rates, bytes, context_.clock.steady());
    }
    const bool is_stored = !batch_.empty();
    if (origin.meter != nullptr) {
        const auto usage = metering::publish_in(traffic_of(*message));
        if (is_stored) {
            meter_.count_into(batch_, *origin.meter, usage);
        } else {
            meter_.count(*origin.meter, usage);
        }
    }
    if (is_stored) {
        store_.submit(
            std::move(batch_),
            [&completions = completions_, token](const Result<storage::CommitInfo>& outcome) {
                if (token.connection != 0 || !outcome) {
                    completions.add(token, outcome.has_value());
                }
            }
        );
    }
    count(origin, *message);
    distribute(origin, message, is_stored);
    for (const auto& made : republished_) {
        context_.metrics.republished.add();
        distribute(origin, made, false);
    }
    return is_stored && token.connection != 0 ? Progress::pending : Progress::done;
}

void Publisher::distribute(const Origin& origin, const model::MessagePtr& message, bool is_stored) {
    if (message->retain()) {
        broker_.retain(message, origin.principal, origin.subject.client_id);
    }
    if (!broker_.fan_out(message) && !is_stored && !message->retain()) {
        context_.metrics.lose(Reason::no_subscriber);
    }
}

void Publisher::count(const Origin& origin, const model::Message& message) {
    for (const Ran& each : ran_) {
        RuleMetrics& metrics = *routes_->metrics[shard_][each.rule->index()];
        if (each.failure != Reason::none) {
            metrics.failed.add();
            context_.metrics.lose(each.failure);
            context_.decisions.record(
                origin.device,
                Action::rule,
                each.failure,
                context_.clock.wall(),
                message.topic(),
                &each.rule->definition().source
            );
            continue;
        }
        if (each.first) {
            metrics.matched.add();
        }
        context_.metrics.rule_outputs.add();
        if (origin.meter != nullptr) {
            meter_.count(
                *origin.meter, metering::rule_run(traffic_of(message), each.rule->actions().size())
            );
        }
    }
    for (const Raised& raised : raised_) {
        if (!raised.decision.admitted) {
            routes_->metrics[shard_][raised.rule->index()]->held_back.add();
        }
    }
    for (Note& note : notes_) {
        const std::size_t index = RuleGates::index_of(*note.rule, *note.action);
        const auto held_back = routes_->gates[note.rule->index()]->log(index).admit(
            std::get<rules::LogAction>(*note.action).rate, context_.clock.steady()
        );
        if (held_back) {
            note.notice.held_back = *held_back;
            note.notice.write();
        } else {
            routes_->metrics[shard_][note.rule->index()]->held_back.add();
        }
    }
}

void Publisher::give_up() noexcept {
    for (const auto& reservation : reservations_) {
        reservation.room->release(reservation.bytes);
    }
    for (const auto& raised : raised_) {
        raised.gate->undo(raised.decision);
    }
}

// --- Rules ---------------------------------------------------------------------------------------------------------

bool Publisher::evaluate(const Origin& origin, const model::Message& message, bool forced) {
    if (routes_->rules->size() == 0) {
        return true;
    }
    bool has_room = true;
    const rules::Input input{
        .topic = message.topic(),
        .payload = message.payload(),
        .client_id = message.protocol() == model::Protocol::mqtt ? origin.subject.client_id
                                                                 : std::string_view{},
        .principal = &origin.subject.principal,
        .qos = message.qos(),
        .timestamp_ms = context_.clock.wall().count(),
        .source_ip = origin.source_ip,
        .properties = message.properties(),
        .protocol = message.protocol(),
    };
    evaluator_.evaluate(
        *routes_->rules,
        input,
        [&](const rules::Rule& rule, const rules::Output& output) {
            has_room = has_room && take(origin, message, rule, output, forced);
        }
    );
    return has_room;
}

bool Publisher::take(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Output& output,
    bool forced
) {
    if (output.kind == rules::Output::Kind::failed) {
        ran_.push_back({&rule, Reason::rule_failed});
        return report_failure(origin, message, rule, output.error.message(), forced);
    }
    ran_.push_back({&rule, Reason::none, output.index == 0});
    return std::ranges::all_of(rule.actions(), [&](const rules::Action& action) {
        return act(origin, message, rule, action, output.bytes, forced);
    });
}

bool Publisher::report_failure(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    std::string_view error,
    bool forced
) {
    if (rule.on_error() == nullptr || is_reporting_) {
        return true;
    }
    is_reporting_ = true;  // An error action that fails in turn is only counted.
    const std::string report = error_report(rule, origin, message, error);
    const bool has_room = act(origin, message, rule, *rule.on_error(), as_bytes(report), forced);
    is_reporting_ = false;
    return has_room;
}

bool Publisher::act(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    ByteView payload,
    bool forced
) {
    if (const auto* const stream = std::get_if<rules::StreamAction>(&action)) {
        batch_.append_stream(
            stream->stream,
            {
                .time_ms = context_.clock.wall().count(),
                .tenant = origin.subject.principal.tenant,
                .topic = message.topic(),
                .key = origin.device,
                .properties = message.properties(),
                .payload = payload,
            }
        );
        context_.metrics.stream_records.add();
        return true;
    }
    if (const auto* const http = std::get_if<rules::HttpAction>(&action)) {
        return enqueue(origin, message, rule, http->sink, payload, forced);
    }
    if (std::holds_alternative<rules::LogAction>(action)) {
        note(origin, message, rule, action, payload);
        return true;
    }
    if (std::holds_alternative<rules::AlertAction>(action)) {
        return raise(origin, message, rule, action, forced);
    }
    republish(message, rule, std::get<rules::RepublishAction>(action), payload);
    return true;
}

bool Publisher::enqueue(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    std::string_view to,
    ByteView payload,
    bool forced
) {
    const auto sink = routes_->sinks.find(to);
    if (sink == routes_->sinks.end()) {
        ran_.push_back({&rule, Reason::rule_failed});
        return true;
    }
    const OutboxLimit& outbox = sink->second;
    rules::RequestParts parts;
    Bytes extras;
    if (outbox.request != nullptr) {
        auto rendered = outbox.request->render(evaluator_);
        if (!rendered) {
            ran_.push_back({&rule, Reason::rule_failed});
            return report_failure(origin, message, rule, rendered.error().message(), forced);
        }
        parts = std::move(*rendered);
        extras = sinks::encode_extras(headers_of(parts), parts.order_key);
    }
    const storage::OutboxRecord record{
        .time_ms = context_.clock.wall().count(),
        .tenant = origin.subject.principal.tenant,
        .rule = rule.name(),
        .topic = message.topic(),
        .key = origin.device,
        .target = parts.target,
        .headers = extras,
        .payload = payload,
    };
    const std::uint64_t cost = storage::outbox_cost(record);
    if (!outbox.room->reserve(cost, outbox.bytes)) {
        if (outbox.blocks && !forced) {
            return false;
        }
        ran_.push_back({&rule, Reason::sink_full});
        return report_failure(origin, message, rule, model::info(Reason::sink_full).text, forced);
    }
    reservations_.push_back({outbox.room, cost});
    batch_.enqueue_outbox(to, record);
    return true;
}

void Publisher::note(
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
            ran_.push_back({&rule, Reason::rule_failed});
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
bool Publisher::raise(
    const Origin& origin,
    const model::Message& message,
    const rules::Rule& rule,
    const rules::Action& action,
    bool forced
) {
    const auto& alert = std::get<rules::AlertAction>(action);
    std::string key;
    if (alert.key) {
        const auto rendered = evaluator_.render(*alert.key);
        if (!rendered) {
            ran_.push_back({&rule, Reason::rule_failed});
            return true;
        }
        key = notice_text(as_bytes(*rendered));
    }
    const auto text = evaluator_.render(alert.text);
    if (!text) {
        ran_.push_back({&rule, Reason::rule_failed});
        return true;
    }
    AlertGate& gate =
        routes_->gates[rule.index()]->alert(RuleGates::index_of(rule, action));
    const auto& decision =
        raised_
            .emplace_back(Raised{
                .rule = &rule,
                .gate = &gate,
                .decision = gate.decide(key, alert.interval, context_.clock.steady()),
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
         .time = context_.clock.wall(),
         .held_back = decision.held_back}
    );
    return enqueue(origin, message, rule, alert.sink, as_bytes(body), forced);
}

void Publisher::republish(
    const model::Message& message,
    const rules::Rule& rule,
    const rules::RepublishAction& action,
    ByteView payload
) {
    if (message.hops() >= limits_.hops) {
        ran_.push_back({&rule, Reason::republish_loop});
        return;
    }
    const auto topic = evaluator_.render(action.topic);
    if (!topic || !mqtt::is_valid_text(*topic) || !mqtt::is_valid_topic_name(*topic) ||
        is_reserved(*topic)) {
        ran_.push_back({&rule, Reason::topic_invalid});
        return;
    }
    const std::string to{*topic};  // The next template takes its place.
    const auto properties =
        render_properties(action.properties, evaluator_, property_bytes_);
    if (properties.failure != Reason::none) {
        ran_.push_back({&rule, properties.failure});
        return;
    }
    const WallTime now = context_.clock.wall();
    republished_.push_back(model::Message::make({
        .topic = to,
        .payload = payload,
        .properties = properties.bytes,
        .qos = action.qos,
        .retain = action.retain,
        .protocol = model::Protocol::internal,
        .hops = static_cast<std::uint8_t>(message.hops() + 1),
        .created = now,
        .expires = properties.expiry.count() == 0 ? WallTime{0} : now + properties.expiry,
    }));
}

// --- Wills ---------------------------------------------------------------------------------------------------------

void Publisher::publish_will(const broker::Session& session, const broker::Will& will) {
    const model::Message& said = *will.message;
    const auto verdict =
        is_reserved(said.topic())
            ? model::Verdict{Reason::will_denied}
            : session.policies().will(session.subject(), said.topic(), said.retain());
    if (!verdict.accepted()) {
        context_.metrics.refuse(verdict.reason);
        context_.decisions.record(
            session.device(),
            Action::will,
            verdict.reason,
            context_.clock.wall(),
            said.topic(),
            verdict.source
        );
        return;
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
        .expires = will.expiry.count() == 0 ? WallTime{0} : now + will.expiry,
        .publisher_session = session.id(),
    });
    metering::DeviceMeter* const meter = meter_.open(session.principal().tenant, session.device());
    context_.metrics.received[static_cast<std::size_t>(said.qos())].add();
    static_cast<void>(route(
        {
            .subject = session.subject(),
            .policies = &session.policies(),
            .principal = session.principal_ptr(),
            .device = session.device(),
            .meter = meter,
            .source_ip = {},
        },
        message,
        {},
        true
    ));
    if (meter != nullptr) {
        meter_.close(meter);
    }
}

}  // namespace weir::pipeline
