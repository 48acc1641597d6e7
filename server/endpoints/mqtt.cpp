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
using pipeline::Progress;

namespace {

/// Answers beyond backlog_bytes that a client may leave unread; it can ask for them without end.
constexpr std::uint64_t kUnreadAnswersMax = 1024 * 1024;

[[nodiscard]] ReasonCode reason_code_of(Reason reason) noexcept {
    return static_cast<ReasonCode>(model::info(reason).mqtt5);
}

[[nodiscard]] mqtt::ReasonCodeList list_of(const std::vector<ReasonCode>& codes) noexcept {
    return mqtt::ReasonCodeList{ByteView{reinterpret_cast<const Byte*>(codes.data()), codes.size()}
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

// --- PUBLISH -------------------------------------------------------------------------------------------------------

pipeline::Origin MqttEndpoint::origin() const noexcept {
    return {
        .subject = session_->subject(),
        .policies = &session_->policies(),
        .principal = session_->principal_ptr(),
        .device = session_->device(),
        .meter = connection_.meter(),
        .source_ip = connection_.peer_address(),
        .limits = &connection_.limits(),
        .session = session_,
    };
}

Next MqttEndpoint::on_publish(const mqtt::Publish& packet) noexcept {
    if (session_ == nullptr) {
        return Next::stop;
    }
    if (packet.qos == mqtt::Qos::exactly_once && !may_await_release(packet.packet_id)) {
        return refuse_unreleased(packet);
    }
    if (packet.qos == mqtt::Qos::exactly_once && !session_->take_inbound_id(packet.packet_id)) {
        protocol_.settled();  // Sent again: the id counts once against the receive maximum.
        owe_known(packet.packet_id);
        return next();
    }
    if (packet.retain && connection_.limits().retained_messages == 0) {  // [MQTT5-3.2.2-14]
        leave(ReasonCode::retain_not_supported, {Reason::retain_denied});
        return Next::stop;
    }
    const Services& services = connection_.services();
    const auto verdict = services.publisher.admit(origin(), packet.topic, packet.retain);
    if (!verdict.accepted()) {
        return violation(packet, verdict);
    }
    services.metrics().received[static_cast<std::size_t>(packet.qos)].add();

    Bytes scattered;
    if (!packet.properties.empty()) {
        scattered.resize(packet.properties.raw().size());
    }
    const WallTime now = services.shard.wall_now();
    publish(
        packet,
        model::Message::make({
            .topic = packet.topic,
            .payload = packet.payload,
            .properties = mqtt::forwardable_properties(packet.properties, scattered),
            .qos = static_cast<model::Qos>(packet.qos),
            .retain = packet.retain,
            .protocol = model::Protocol::mqtt,
            .created = now,
            .expires = packet.message_expiry_s
                           ? now + std::chrono::seconds{*packet.message_expiry_s}
                           : WallTime{0},
            .publisher_session = session_->id(),
        })
    );
    return next();
}

bool MqttEndpoint::forget_inbound(std::uint16_t packet_id) {
    if (extra_) {
        extra_->unreleased.erase(packet_id);
    }
    return session_->drop_inbound_id(packet_id);
}

bool MqttEndpoint::release_inbound(std::uint16_t packet_id) {
    if (extra_) {
        extra_->unreleased.erase(packet_id);
        extra_->repeated.erase(packet_id);
    }
    return session_->release_inbound_id(packet_id);
}

std::uint32_t MqttEndpoint::seconds_now() const noexcept {
    const auto now = connection_.services().shard.now();
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now).count());
}

bool MqttEndpoint::may_await_release(std::uint16_t packet_id) {
    const model::Limits& limits = connection_.limits();
    const bool is_v5 = protocol_.version() == mqtt::Version::v5;
    // Who keeps to the Receive Maximum is not stopped before it.
    const std::uint64_t most =
        is_v5 ? std::max(limits.unreleased, limits.receive_maximum) : limits.unreleased;
    if (is_v5 && (session_->unreleased() < most || session_->has_inbound_id(packet_id))) {
        return true;
    }
    auto& unreleased = extra().unreleased;
    const std::uint32_t now = seconds_now();
    const auto is_over = [&](std::uint32_t since) {
        return std::chrono::seconds{now - since} >= limits.release_timeout;
    };
    if (const auto found = unreleased.find(packet_id); found != unreleased.end()) {
        if (!is_over(found->second)) {
            return true;
        }
        release_inbound(packet_id);
    }
    if (session_->unreleased() >= most) {
        std::vector<std::uint16_t> over;
        for (const auto& [id, since] : unreleased) {
            if (is_over(since)) {
                over.push_back(id);
            }
        }
        for (const std::uint16_t id : over) {
            release_inbound(id);
        }
        if (over.empty()) {
            return false;
        }
    }
    if (!is_v5) {
        unreleased.emplace(packet_id, now);
    }
    return true;
}

Next MqttEndpoint::refuse_unreleased(const mqtt::Publish& packet) {
    constexpr auto kReason = Reason::receive_maximum_exceeded;
    if (protocol_.version() != mqtt::Version::v5) {
        leave(ReasonCode::receive_maximum_exceeded, {kReason});
        return Next::stop;
    }
    // Its Receive Maximum began anew with this connection and is not exceeded: the limit is ours. [MQTT5-4.9.0-1]
    connection_.refuse(model::Action::publish, {kReason}, packet.topic);
    owe(PacketType::pubrec, packet.packet_id, ReasonCode::quota_exceeded, kReason);
    return Next::go_on;
}

Next MqttEndpoint::violation(const mqtt::Publish& packet, model::Verdict verdict) {
    const auto on_violation = session_->policies().on_violation();
    if (on_violation == policy::OnViolation::disconnect) {
        connection_.close(verdict.reason);
        return Next::stop;
    }
    // A 3.1.1 client cannot be told: it gets the acknowledgement, and `why` says that the message was refused.
    const bool told =
        on_violation == policy::OnViolation::nack && protocol_.version() == mqtt::Version::v5;
    const auto code = told ? reason_code_of(verdict.reason) : ReasonCode::success;
    if (packet.qos == mqtt::Qos::at_least_once) {
        owe(PacketType::puback, packet.packet_id, code, verdict.reason);
    } else if (packet.qos == mqtt::Qos::exactly_once) {
        if (told) {
            forget_inbound(packet.packet_id);
        }
        owe(PacketType::pubrec, packet.packet_id, code, verdict.reason);
    }
    return Next::go_on;
}

void MqttEndpoint::publish(const mqtt::Publish& packet, const model::MessagePtr& message) {
    const Services& services = connection_.services();
    std::uint64_t number = 0;
    const bool is_first = acks_.empty();
    const auto type =
        packet.qos == mqtt::Qos::at_least_once ? PacketType::puback : PacketType::pubrec;
    const std::uint16_t inbound_id = packet.qos == mqtt::Qos::exactly_once ? packet.packet_id : 0;
    Progress progress = Progress::blocked;
    if (!extra_ || !extra_->parking) {
        number = acks_.next_number();
        progress = services.publisher.route(
            origin(),
            message,
            {packet.qos == mqtt::Qos::at_most_once ? 0 : connection_.id(), number, inbound_id}
        );
    }
    if (is_held_back(progress)) {
        if (!extra().parking) {
            extra().parking = std::make_unique<Parking>();
        }
        number = packet.qos == mqtt::Qos::at_most_once ? 0 : acks_.next_number();
        extra().parking->hold(connection_, message, number, inbound_id);
    }
    if (packet.qos == mqtt::Qos::at_most_once) {
        return;
    }
    const auto code =
        progress == Progress::unclaimed ? ReasonCode::no_matching_subscribers : ReasonCode::success;
    if (is_done(progress) && is_first) {
        send_ack(type, packet.packet_id, code);
        if (type == PacketType::puback) {
            protocol_.settled();
        }
        return;
    }
    acks_.push(
        {.type = type,
         .packet_id = packet.packet_id,
         .reason_code = code,
         .ready = is_done(progress)}
    );
    send_ready_acks();
}

void MqttEndpoint::on_retry() noexcept {
    if (session_ == nullptr || !extra_ || !extra_->parking) {
        return;
    }
    extra_->parking->retry(connection_, origin(), [this](std::uint64_t number) {
        settle(number, true);
    });
    if (extra_->parking->empty()) {
        extra_->parking.reset();
    }
}

void MqttEndpoint::owe(PacketType type, std::uint16_t packet_id, ReasonCode code, Reason reason) {
    acks_.push({
        .type = type,
        .packet_id = packet_id,
        .reason_code = code,
        .ready = true,
        .reason = mqtt::is_error(code) ? reason : Reason::none,
    });
    send_ready_acks();
}

void MqttEndpoint::owe_known(std::uint16_t packet_id) {
    acks_.push({.type = PacketType::pubrec, .packet_id = packet_id});
    const std::uint64_t number = acks_.next_number() - 1;
    extra().repeated.insert(packet_id);
    // Its first publish may have come on an earlier connection, and still be on its way to the disk.
    after_commit([this, number, packet_id](bool /*stored*/) {
        const bool is_released = extra().repeated.erase(packet_id) == 0;
        settle(
            number, session_ != nullptr && (is_released || session_->has_inbound_id(packet_id))
        );
    });
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

void MqttEndpoint::on_durable(std::uint64_t number, bool stored) noexcept {
    settle(number, stored);
}

void MqttEndpoint::settle(std::uint64_t number, bool stored) {
    if (!acks_.holds(number)) {
        return;
    }
    auto& owed = acks_.at(number);
    if (!stored) {
        if (session_ != nullptr && owed.type == PacketType::pubrec) {
            forget_inbound(owed.packet_id);
        }
        // What a failed disk has of it is not known: an error would end an exchange at QoS 2 that may have begun there.
        const bool may_be_begun = owed.type == PacketType::pubrec && session_ != nullptr &&
                                  session_->stored_id() != storage::SessionId{};
        if (protocol_.version() != mqtt::Version::v5 || may_be_begun) {
            connection_.close(Reason::storage_failed
            );  // The only way to say no: the client will send it again.
            return;
        }
        owed.reason_code = ReasonCode::unspecified_error;
        owed.reason = Reason::storage_failed;
    }
    owed.ready = true;
    send_ready_acks();
}

void MqttEndpoint::send_ready_acks() {
    acks_.release([this](const AckQueue::Owed& owed) {
        send_ack(owed.type, owed.packet_id, owed.reason_code, owed.reason);
        if (owed.type == PacketType::puback || mqtt::is_error(owed.reason_code)) {
            protocol_.settled();
        }
    });
}

// --- The other packets ---------------------------------------------------------------------------------------------

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
    std::vector<ReasonCode> codes;
    Reason refused = Reason::none;
    std::vector<broker::SubscribeRequest> requests;
    std::size_t bytes = 0;
    for (const mqtt::Subscription& wanted : packet.subscriptions) {
        bytes += wanted.filter.size();
        const auto parsed = mqtt::parse_subscription_filter(wanted.filter);
        const auto limits = connection_.topic_limits();
        if (!parsed || !mqtt::is_within(parsed->filter, limits) ||
            parsed->group.size() > limits.bytes) {
            connection_.refuse(model::Action::subscribe, {Reason::topic_invalid}, wanted.filter);
            codes.push_back(ReasonCode::topic_filter_invalid);
            refused = Reason::topic_invalid;
            continue;
        }
        if (const Reason missing = unavailable(*parsed); missing != Reason::none) {
            if (protocol_.version() == mqtt::Version::v5) {  // CONNACK has told it.
                leave(reason_code_of(missing), {missing});
                return Next::stop;
            }
            connection_.refuse(model::Action::subscribe, {missing}, wanted.filter);
            codes.push_back(reason_code_of(missing));
            continue;
        }
        codes.push_back(static_cast<ReasonCode>(wanted.qos));
        requests.push_back({
            .filter = wanted.filter,
            .options =
                {
                    .qos = static_cast<model::Qos>(wanted.qos),
                    .no_local = wanted.no_local,
                    .retain_as_published = wanted.retain_as_published,
                    .retain_handling = static_cast<broker::RetainHandling>(wanted.retain_handling),
                    .id = subscription_id,
                },
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
         packet_id = packet.packet_id,
         refused,
         codes = std::move(codes)](std::span<const model::Verdict> verdicts) mutable {
            if (connections.find(id) == nullptr || session_ == nullptr) {
                return;
            }
            if (subscribes_-- == kSubscribesMax && !is_waiting()) {
                connection_.resume();
            }
            auto verdict = verdicts.begin();
            Reason why = refused;
            for (ReasonCode& code : codes) {
                if (mqtt::is_error(code)) {
                    continue;
                }
                if (!verdict->accepted()) {
                    code = reason_code_of(verdict->reason);
                    why = why == Reason::none ? verdict->reason : why;
                }
                ++verdict;
            }
            send_why(mqtt::Suback{.packet_id = packet_id, .reason_codes = list_of(codes)}, why);
        }
    );
    return next();
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
    if (session_ != nullptr) {
        connection_.services().broker.disconnect(
            *std::exchange(session_, nullptr), *this, publish_will_
        );
    }
}

}  // namespace weir::endpoints
