// Attach and what follows on a link.
#include <algorithm>
#include <array>
#include <utility>

#include <weir/amqp/conditions.hpp>
#include <weir/endpoints/amqp.hpp>
#include <weir/endpoints/amqp_sessions.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/metering/formula.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/pipeline/subscribe.hpp>

namespace weir::endpoints {

using amqp::AddressKind;
using model::Qos;
using model::Reason;

namespace {

constexpr std::array<std::string_view, 1> kTopicCapability = {"topic"};

[[nodiscard]] AmqpRefusal not_implemented(std::string_view text) noexcept {
    return {Reason::protocol_error, amqp::condition::kNotImplemented, text};
}

[[nodiscard]] AmqpRefusal not_found(std::string_view text) noexcept {
    return {Reason::topic_invalid, amqp::condition::kNotFound, text};
}

[[nodiscard]] bool wants(const amqp::Attach& attach, std::string_view capability) noexcept {
    return std::ranges::find(attach.capabilities, capability) != attach.capabilities.end();
}

}  // namespace

void AmqpEndpoint::on_attach(const amqp::Attach& attach) noexcept {
    if (session_ == nullptr) {
        return;
    }
    const auto refusal =
        attach.role == amqp::Role::sender ? attach_target(attach) : attach_source(attach);
    if (refusal.reason != Reason::none) {
        const auto action =
            attach.role == amqp::Role::sender ? model::Action::publish : model::Action::subscribe;
        connection_.refuse(action, {refusal.reason}, attach.address, refusal.text);
        protocol_.detach(attach.link, {refusal.condition, refusal.text});
    }
}

AmqpRefusal AmqpEndpoint::attach_target(const amqp::Attach& attach) {
    if (attach.dynamic) {
        return not_implemented("dynamic nodes are not supported");
    }
    auto address = amqp::parse_target(attach.address);
    if (!address) {
        return {Reason::topic_invalid, amqp::condition_of(address.error()), "bad address"};
    }
    if (address->kind == AddressKind::queue || address->kind == AddressKind::cbs ||
        wants(attach, "queue")) {
        return not_found("there is no such node");
    }
    std::span<const std::string_view> capabilities;
    if (address->kind == AddressKind::topic) {
        if (!mqtt::check_topic_name(address->name, connection_.topic_limits())) {
            return refusal_of(Reason::topic_invalid);
        }
        const auto verdict = connection_.services().publisher.admit(
            connection_.origin(*session_), address->name, false
        );
        if (!verdict.accepted()) {  // The publisher has recorded it.
            const auto refusal = refusal_of(verdict.reason);
            protocol_.detach(attach.link, {refusal.condition, refusal.text});
            return {};
        }
        capabilities = kTopicCapability;
    }
    targets_.emplace(attach.link.number(), Target{attach.link, std::move(address->name)});
    protocol_.accept_attach(
        attach.link,
        {
            .address = attach.address,
            .capabilities = capabilities,
            .flow_open = !parking_,
        }
    );
    return {};
}

AmqpRefusal AmqpEndpoint::attach_source(const amqp::Attach& attach) {
    if (attach.null_terminus) {
        return not_found("no durable subscription has this name");
    }
    if (attach.dynamic) {
        return not_implemented("dynamic nodes are not supported");
    }
    if (attach.durability != amqp::Durability::none || wants(attach, "shared")) {
        return not_implemented("durable and JMS shared subscriptions are not supported");
    }
    const auto address = amqp::parse_address(attach.address);
    if (!address || address->kind == AddressKind::none) {
        return {Reason::topic_invalid, amqp::condition::kInvalidField, "bad address"};
    }
    const bool shared = address->kind == AddressKind::shared;
    if ((address->kind != AddressKind::topic && !shared) || wants(attach, "queue")) {
        return not_found("there is no such node");
    }
    const std::string filter =
        shared ? "$share/" + address->group + '/' + address->name : address->name;
    const auto parsed = mqtt::parse_subscription_filter(filter);
    const auto limits = connection_.topic_limits();
    if (!parsed || parsed->is_shared() != shared || !mqtt::is_within(parsed->filter, limits) ||
        parsed->group.size() > limits.bytes) {
        return refusal_of(Reason::topic_invalid);
    }
    const bool settled = attach.sender_settle_mode == amqp::SenderSettleMode::settled;
    auto link = std::make_unique<AmqpLink>(AmqpLink::Parts{
        .endpoint = *this,
        .connection = connection_,
        .protocol = protocol_,
        .id = attach.link,
        .qos = settled ? Qos::at_most_once : Qos::at_least_once,
    });
    subscribe(attach, filter, address->group, std::move(link));
    return {};
}

void AmqpEndpoint::subscribe(
    const amqp::Attach& attach,
    std::string_view filter,
    std::string_view group,
    std::unique_ptr<AmqpLink> link
) {
    const Services& services = connection_.services();
    const auto result = services.broker.connect({
        .client_id = amqp_link_session(container_, ++sources_),
        .policy_name = container_,
        .principal = session_->principal_ptr(),
        .policies = services.broker.policies()->bundle_for(session_->principal()),
        .limits = connection_.shared_limits(),
        .subscriber = link.get(),
        .window = settings_.unsettled_max,
    });
    if (!result.verdict.accepted()) {
        const auto refusal = refusal_of(result.verdict.reason);
        protocol_.detach(attach.link, {refusal.condition, refusal.text});
        return;
    }
    link->use(*result.session);
    const broker::SubscribeRequest request{
        .filter = filter, .options = {.qos = link->qos()}, .group = group
    };
    links_.emplace(attach.link.number(), std::move(link));
    connection_.meter_count(metering::subscribe(filter.size()));
    pipeline::subscribe(
        services.broker,
        *result.session,
        connection_.limits(),
        {&request, 1},
        [this,
         &connections = services.connections,
         connection = connection_.id(),
         id = attach.link,
         address = std::string{attach.address}](std::span<const model::Verdict> verdicts) {
            if (connections.find(connection) == nullptr) {
                return;
            }
            const auto found = links_.find(id.number());
            if (found == links_.end()) {
                return;
            }
            if (const auto& verdict = verdicts.front(); !verdict.accepted()) {
                return detach_later(id, verdict.reason);
            }
            found->second->subscribed();
            protocol_.accept_attach(id, {.address = address, .capabilities = kTopicCapability});
            turn_later();
        }
    );
}

// --- Later ---------------------------------------------------------------------------------------------------------

void AmqpEndpoint::detach_later(amqp::LinkId id, Reason reason) {
    connection_.later([this, id, reason] {
        const auto refusal = refusal_of(reason);
        forget(id);
        protocol_.detach(id, {refusal.condition, refusal.text});
        turn_later();
    });
}

void AmqpEndpoint::on_detach(amqp::LinkId link, const amqp::Detach& /*detach*/) noexcept {
    forget(link);
}

void AmqpEndpoint::on_credit(amqp::LinkId link, std::uint32_t /*credit*/, bool drain) noexcept {
    if (const auto found = links_.find(link.number()); found != links_.end()) {
        found->second->on_credit(drain);
    }
}

void AmqpEndpoint::on_disposition(
    amqp::LinkId link, amqp::DeliveryId delivery, const amqp::Outcome& outcome
) noexcept {
    if (const auto found = links_.find(link.number()); found != links_.end()) {
        connection_.meter_add(metering::add_puback_in, 0);
        found->second->on_outcome(delivery, outcome);
    }
}

void AmqpEndpoint::forget(amqp::LinkId id) {
    targets_.erase(id.number());
    if (const auto found = links_.find(id.number()); found != links_.end()) {
        const auto link = std::move(found->second);
        links_.erase(found);
        link->leave(connection_.services().broker);
    }
}

void AmqpEndpoint::leave_links() {
    for (const auto& [number, link] : links_) {
        link->leave(connection_.services().broker);
    }
}

}  // namespace weir::endpoints
