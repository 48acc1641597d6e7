// The life of an MQTT connection after CONNACK, and all packets from the client but PUBLISH.
#include <weir/endpoints/mqtt.hpp>

#include <algorithm>
#include <array>
#include <vector>

#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt_connecting.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/endpoints/mqtt_send.hpp>
#include <weir/metering/formula.hpp>
#include <weir/pipeline/subscribe.hpp>

namespace weir::endpoints {

using model::Reason;
using mqtt::Next;
using mqtt::PacketType;
using mqtt::ReasonCode;

namespace {

/// Answers beyond backlog_bytes that a client may leave unread; it can ask for them without end.
constexpr std::uint64_t kUnreadAnswersMax = 1024 * 1024;

[[nodiscard]] mqtt::ReasonCodeList list_of(const std::vector<ReasonCode>& codes) noexcept {
    return mqtt::ReasonCodeList{ByteView{reinterpret_cast<const Byte*>(codes.data()), codes.size()}
    };
}

[[nodiscard]] broker::SubscriptionOptions options_of(
    const mqtt::Subscription& wanted, std::uint32_t subscription_id
) noexcept {
    return {
        .qos = static_cast<model::Qos>(wanted.qos),
        .no_local = wanted.no_local,
        .retain_as_published = wanted.retain_as_published,
        .retain_handling = static_cast<broker::RetainHandling>(wanted.retain_handling),
        .id = subscription_id,
    };
}

}  // namespace

std::size_t MqttEndpoint::on_bytes(ByteView bytes) noexcept {
    std::size_t taken = 0;
    do {
        const auto fed = protocol_.feed(bytes.subspan(taken), *this);
        if (!fed) {
            give_up(fed.error());
            return bytes.size();
        }
        taken += *fed;
        if (!connecting_ || connecting_->begun) {
            return taken;
        }
        authenticate();
    } while (!is_waiting() && !connection_.closing());
    return taken;
}

MqttEndpoint::Extra& MqttEndpoint::extra() {
    if (!extra_) {
        extra_ = std::make_unique<Extra>();
    }
    return *extra_;
}

void MqttEndpoint::give_up(const error_code& error) {
    const ReasonCode code = mqtt::reason_code_of(error);
    Reason reason = Reason::malformed_packet;
    switch (code) {
        case ReasonCode::protocol_error:
            reason = Reason::protocol_error;
            break;
        case ReasonCode::unsupported_protocol_version:
            reason = Reason::unsupported_version;
            break;
        case ReasonCode::client_identifier_not_valid:
            reason = Reason::client_id_invalid;
            break;
        case ReasonCode::packet_too_large:
            reason = Reason::packet_too_large;
            break;
        case ReasonCode::receive_maximum_exceeded:
            reason = Reason::receive_maximum_exceeded;
            break;
        case ReasonCode::topic_name_invalid:
        case ReasonCode::topic_filter_invalid:
        case ReasonCode::topic_alias_invalid:
            reason = Reason::topic_invalid;
            break;
        default:
            break;
    }
    say(code, reason);
    connection_.refuse(model::Action::disconnect, {reason});
    connection_.close(reason, Connection::Goodbye::said);
}

bool MqttEndpoint::may_answer(std::size_t bytes) {
    extra().unread_answers += bytes;
    if (extra_->unread_answers <= kUnreadAnswersMax) {
        return true;
    }
    connection_.refuse(model::Action::disconnect, {Reason::slow_consumer});
    connection_.close(Reason::slow_consumer);
    return false;
}

void MqttEndpoint::leave(ReasonCode code, model::Verdict verdict) {
    say(code, verdict.reason);
    connection_.refuse(model::Action::disconnect, verdict);
    connection_.close(verdict.reason, Connection::Goodbye::said);
}

bool MqttEndpoint::needs_words(ReasonCode code) const noexcept {
    return takes_words_ &&
           (code == ReasonCode::unspecified_error || code == ReasonCode::not_authorized ||
            code == ReasonCode::quota_exceeded);
}

void MqttEndpoint::say(ReasonCode code, Reason reason) {
    std::array<Byte, 512> memory;
    mqtt::PropertyWriter properties{memory};
    const auto& elsewhere = connection_.listener().mqtt_rules.server_reference;
    if (reason == Reason::server_shutdown && !elsewhere.empty() &&
        protocol_.version() == mqtt::Version::v5) {
        code = ReasonCode::use_another_server;
        properties.text(mqtt::PropertyId::server_reference, elsewhere);
    }
    if (needs_words(code)) {
        properties.text(mqtt::PropertyId::reason_string, model::info(reason).text);
    }
    auto farewell = protocol_.farewell(code, properties.properties());
    if (!fits(farewell.bytes.size())) {
        farewell = protocol_.farewell(code);
    }
    if (fits(farewell.bytes.size())) {
        connection_.out().append(farewell.view());
    }
}

void MqttEndpoint::after_commit(std::move_only_function<void(bool stored)> work) {
    const Services& services = connection_.services();
    if (session_->stored_id() == storage::SessionId{}) {
        work(true);
        return;
    }
    ++commits_;
    services.broker.journal().after(
        [this, &connections = services.connections, id = connection_.id(), work = std::move(work)](
            bool stored
        ) mutable {
            const Connection* const connection = connections.find(id);
            if (connection == nullptr || connection->closing()) {
                return;  // This endpoint may be no more.
            }
            if (commits_-- == kCommitsMax && !is_waiting()) {
                connection_.resume();
            }
            work(stored);
        }
    );
}

Next MqttEndpoint::next() const noexcept {
    return is_waiting() || connection_.closing() ? Next::stop : Next::go_on;
}

// --- Packets but PUBLISH: mqtt_publish.cpp -------------------------------------------------------------------------

Next MqttEndpoint::on_ack(const mqtt::Ack& packet) noexcept {
    if (session_ == nullptr) {
        return Next::stop;
    }
    switch (packet.type) {
        case PacketType::puback:
            session_->settled(packet.packet_id);
            connection_.meter_add(metering::add_puback_in, 0);
            break;
        case PacketType::pubrec:
            if (mqtt::is_error(packet.reason_code)) {
                session_->settled(packet.packet_id);
            } else if (!session_->received(packet.packet_id)) {
                send_ack(
                    PacketType::pubrel, packet.packet_id, ReasonCode::packet_identifier_not_found
                );
            }
            break;
        case PacketType::pubrel: {
            const bool known = release_inbound(packet.packet_id);
            after_commit([this, id = packet.packet_id, known](bool stored) {
                if (known && !stored) {
                    return connection_.close(Reason::storage_failed);  // The client sends it again.
                }
                send_ack(
                    PacketType::pubcomp,
                    id,
                    known ? ReasonCode::success : ReasonCode::packet_identifier_not_found
                );
                if (known) {
                    protocol_.settled();
                }
            });
            break;
        }
        case PacketType::pubcomp:
            session_->settled(packet.packet_id);
            break;
        default:
            break;
    }
    return next();
}

Reason MqttEndpoint::unavailable(const mqtt::SubscriptionFilter& wanted) const noexcept {
    const MqttRules& rules = connection_.listener().mqtt_rules;
    if (!rules.shared_subscriptions && !wanted.group.empty()) {
        return Reason::shared_unavailable;
    }
    const bool has_wildcard = wanted.filter.find_first_of("+#") != std::string_view::npos;
    return has_wildcard && !rules.wildcard_subscriptions ? Reason::wildcards_unavailable
                                                         : Reason::none;
}

Next MqttEndpoint::on_subscribe(const mqtt::Subscribe& packet) noexcept {
    if (session_ == nullptr) {
        return Next::stop;
    }
    const Services& services = connection_.services();
    const auto subscription_id =
        packet.properties.number(mqtt::PropertyId::subscription_identifier).value_or(0);
    Suback answer{.packet_id = packet.packet_id};
    std::vector<broker::SubscribeRequest> requests;
    std::size_t bytes = 0;
    for (const mqtt::Subscription& wanted : packet.subscriptions) {
        bytes += wanted.filter.size();
        const auto parsed = mqtt::parse_subscription_filter(wanted.filter);
        const auto limits = connection_.topic_limits();
        if (!parsed || !mqtt::is_within(parsed->filter, limits) ||
            parsed->group.size() > limits.bytes) {
            connection_.refuse(model::Action::subscribe, {Reason::topic_invalid}, wanted.filter);
            answer.codes.push_back(ReasonCode::topic_filter_invalid);
            answer.why = Reason::topic_invalid;
            continue;
        }
        if (const Reason missing = unavailable(*parsed); missing != Reason::none) {
            if (protocol_.version() == mqtt::Version::v5) {  // CONNACK has told it.
                leave(reason_code_of(missing), {missing});
                return Next::stop;
            }
            connection_.refuse(model::Action::subscribe, {missing}, wanted.filter);
            answer.codes.push_back(reason_code_of(missing));
            continue;
        }
        answer.codes.push_back(static_cast<ReasonCode>(wanted.qos));
        requests.push_back({
            .filter = wanted.filter,
            .options = options_of(wanted, subscription_id),
            .group = parsed->group,
        });
    }
    connection_.meter_count(metering::subscribe(bytes));
    ++subscribes_;
    pipeline::subscribe(
        services.broker,
        *session_,
        connection_.limits(),
        requests,
        [this,
         &connections = services.connections,
         id = connection_.id(),
         answer = std::move(answer)](std::span<const model::Verdict> verdicts) mutable {
            if (connections.find(id) != nullptr && session_ != nullptr) {
                subscribed(std::move(answer), verdicts);
            }
        }
    );
    return next();
}

void MqttEndpoint::subscribed(Suback answer, std::span<const model::Verdict> verdicts) {
    if (subscribes_-- == kSubscribesMax && !is_waiting()) {
        connection_.resume();
    }
    auto verdict = verdicts.begin();
    for (ReasonCode& code : answer.codes) {
        if (mqtt::is_error(code)) {
            continue;
        }
        if (!verdict->accepted()) {
            code = reason_code_of(verdict->reason);
            answer.why = answer.why == Reason::none ? verdict->reason : answer.why;
        }
        ++verdict;
    }
    send_why(
        mqtt::Suback{.packet_id = answer.packet_id, .reason_codes = list_of(answer.codes)},
        answer.why
    );
}

Next MqttEndpoint::on_unsubscribe(const mqtt::Unsubscribe& packet) noexcept {
    if (session_ == nullptr) {
        return Next::stop;
    }
    std::vector<ReasonCode> codes;
    for (const std::string_view filter : packet.filters) {
        const bool existed = connection_.services().broker.unsubscribe(*session_, filter);
        codes.push_back(existed ? ReasonCode::success : ReasonCode::no_subscription_existed);
    }
    after_commit([this, packet_id = packet.packet_id, codes = std::move(codes)](bool stored) {
        if (!stored) {
            return connection_.close(Reason::storage_failed);  // After a restart they would be there again.
        }
        send(mqtt::Unsuback{.packet_id = packet_id, .reason_codes = list_of(codes)});
    });
    return next();
}

Next MqttEndpoint::on_pingreq() noexcept {
    send(mqtt::Pingresp{});
    return next();
}

Next MqttEndpoint::on_disconnect(const mqtt::Disconnect& packet) noexcept {
    publish_will_ = packet.reason_code != ReasonCode::success;  // [MQTT5-3.14.4-3]
    if (session_ != nullptr) {
        if (const auto expiry =
                packet.properties.number(mqtt::PropertyId::session_expiry_interval)) {
            session_->set_expiry(session_expiry(*expiry, connection_.limits()));
        }
    }
    connection_.close(Reason::peer_disconnected, Connection::Goodbye::said);
    return Next::stop;
}

// --- The end -------------------------------------------------------------------------------------------------------

void MqttEndpoint::on_writable() noexcept {
    if (extra_) {
        extra_->unread_answers = 0;
    }
    if (session_ != nullptr) {
        session_->pump();
    }
}

void MqttEndpoint::say_goodbye(Reason reason) noexcept {
    const bool accepted = protocol_.state() == mqtt::ConnectionState::connected;
    if (reason == Reason::peer_closed || (!accepted && reason == Reason::handshake_timeout)) {
        return;
    }
    say(reason_code_of(reason), reason);
}

void MqttEndpoint::on_ended(Reason /*reason*/) noexcept {
    drop_parked();
    if (session_ != nullptr) {
        connection_.services().broker.disconnect(
            *std::exchange(session_, nullptr), *this, publish_will_
        );
    }
}

}  // namespace weir::endpoints
