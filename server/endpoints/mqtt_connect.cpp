// From CONNECT to CONNACK.
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/base/digest.hpp>
#include <weir/endpoints/amqp_sessions.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/endpoints/mqtt_connecting.hpp>
#include <weir/endpoints/mqtt_extra.hpp>
#include <weir/endpoints/mqtt_send.hpp>
#include <weir/identity/authenticator.hpp>
#include <weir/metering/formula.hpp>
#include <weir/mqtt/reason_code.hpp>

namespace weir::endpoints {

using model::Action;
using model::Reason;
using mqtt::Next;
using mqtt::PropertyId;
using mqtt::ReasonCode;

namespace {

/// Room for CONNACK's properties but for the texts that the client brought.
constexpr std::size_t kConnackBytes = 512;
constexpr std::int64_t kKeepAliveMax = 0xFFFF;
/// Topics are compared with each alias in turn.
constexpr std::uint64_t kAliasesGivenMax = 32;

/// What a client may take that asked for `seconds`; 0 is "never".
[[nodiscard]] std::uint16_t granted_keep_alive(
    std::uint16_t seconds, const model::Limits& limits
) noexcept {
    const auto longest = std::min<std::int64_t>(
        kKeepAliveMax,
        std::chrono::duration_cast<std::chrono::seconds>(limits.keep_alive_max).count()
    );
    // A maximum of all that the protocol can say is none: 0 stays "never".
    const bool is_too_long = (seconds == 0 && longest < kKeepAliveMax) || seconds > longest;
    return is_too_long ? static_cast<std::uint16_t>(longest) : seconds;
}

}  // namespace

std::chrono::milliseconds session_expiry(
    std::uint32_t seconds, const model::Limits& limits
) noexcept {
    const auto asked = std::chrono::seconds{seconds};
    return std::min<std::chrono::milliseconds>(asked, limits.session_expiry_max);
}

MqttEndpoint::MqttEndpoint(Connection& connection)
    : connection_{connection}, protocol_{server_limits(connection.limits())} {}

MqttEndpoint::~MqttEndpoint() = default;

bool MqttEndpoint::is_waiting() const noexcept {
    return (connecting_ != nullptr && !connecting_->awaits_auth) || subscribes_ >= kSubscribesMax ||
           commits_ >= kCommitsMax || acks_.size() >= kOwedMax;
}

mqtt::ServerLimits MqttEndpoint::server_limits(const model::Limits& limits) noexcept {
    const auto narrow = [](std::uint64_t value, std::uint64_t max) { return std::min(value, max); };
    const auto packet_bytes = narrow(limits.packet_bytes, mqtt::kPacketBytesMax);
    return {
        .connect_bytes = static_cast<std::uint32_t>(narrow(limits.connect_bytes, packet_bytes)),
        .packet_bytes = static_cast<std::uint32_t>(packet_bytes),
        .topics =
            {
                .bytes = static_cast<std::uint16_t>(narrow(limits.topic_bytes, 0xFFFF)),
                .levels = static_cast<std::uint16_t>(narrow(limits.topic_levels, kTopicLevelsMax)),
            },
        .properties =
            {.user_properties = static_cast<std::uint16_t>(narrow(limits.user_properties, 0xFFFF)),
             .user_property_bytes = limits.user_properties < 0xFFFF
                                        ? mqtt::PropertyLimits{}.user_property_bytes
                                        : static_cast<std::uint32_t>(mqtt::kPacketBytesMax)},
        .receive_maximum = static_cast<std::uint16_t>(narrow(limits.receive_maximum, 0xFFFF)),
        .topic_alias_maximum =
            static_cast<std::uint16_t>(narrow(limits.topic_alias_maximum, 0xFFFF)),
    };
}

Next MqttEndpoint::on_connect(const mqtt::Connect& packet) noexcept {
    auto made = std::make_unique<Connecting>();
    const auto& limits = connection_.limits();
    const auto& properties = packet.properties;
    made->client_id = packet.client_id;
    made->username = packet.user_name.value_or(std::string_view{});
    made->method = properties.text(PropertyId::authentication_method).value_or(std::string_view{});
    if (packet.password && made->method.empty()) {
        made->password.assign(packet.password->begin(), packet.password->end());
    }
    made->clean_start = packet.clean_start;
    made->keep_alive_s = packet.keep_alive_s;
    made->asked_expiry_s = properties.number(PropertyId::session_expiry_interval).value_or(0);
    made->receive_maximum =
        static_cast<std::uint16_t>(properties.number(PropertyId::receive_maximum).value_or(0xFFFF));
    if (const auto data = properties.binary(PropertyId::authentication_data)) {
        made->data.assign(data->begin(), data->end());
    }
    packet_bytes_max_ = properties.number(PropertyId::maximum_packet_size).value_or(0);
    takes_words_ = packet.version == mqtt::Version::v5 &&
                   properties.number(PropertyId::request_problem_information).value_or(1) == 1;
    aliases_max_ = static_cast<std::uint16_t>(std::min<std::uint64_t>(
        {properties.number(PropertyId::topic_alias_maximum).value_or(0),
         limits.topic_alias_maximum,
         kAliasesGivenMax}
    ));
    made->wants_response_information =
        properties.number(PropertyId::request_response_information).value_or(0) == 1;
    if (packet.version == mqtt::Version::v5) {
        made->expiry = session_expiry(made->asked_expiry_s, limits);
    } else {
        made->expiry = packet.clean_start ? std::chrono::milliseconds{0} : limits.session_expiry;
    }
    if (packet.will) {
        const auto& will = *packet.will;
        Bytes scattered(will.properties.raw().size());
        made->metered_bytes = will.topic.size() + will.payload.size();
        made->will = std::make_unique<broker::Will>(broker::Will{
            .message = model::Message::make({
                .topic = will.topic,
                .payload = will.payload,
                .properties = mqtt::forwardable_properties(will.properties, scattered),
                .qos = static_cast<model::Qos>(will.qos),
                .retain = will.retain,
                .protocol = model::Protocol::mqtt,
            }),
            .delay =
                std::chrono::seconds{
                    will.properties.number(PropertyId::will_delay_interval).value_or(0)},
        });
        if (const auto expiry = will.properties.number(PropertyId::message_expiry_interval)) {
            made->will->expiry = std::chrono::seconds{*expiry};
        }
    }
    connecting_ = std::move(made);
    return Next::stop;
}

void MqttEndpoint::authenticate() {
    Connecting& connecting = *connecting_;
    const Services& services = connection_.services();
    connecting.begun = true;
    if (connecting.rounds) {
        return exchange();
    }
    if (connecting.client_id.empty()) {
        connecting.is_assigned = true;
        do {  // One that belongs to this shard: the connection need not move.
            connecting.client_id = "auto-" + random_hex(12);
        } while (broker::Broker::owner_of("default", connecting.client_id, services.shards) !=
                 services.self);
    }
    if (!connecting
             .is_assigned) {  // Else what is refused is kept under the peer's address: nobody could ask for the id.
        connection_.set_claimed(connecting.client_id);
    }
    if (connecting.client_id.size() > connection_.limits().client_id_bytes ||
        is_amqp_session(connecting.client_id) ||
        !policy::is_plain_client_id(connecting.client_id)) {
        return refuse(ReasonCode::client_identifier_not_valid, {Reason::client_id_invalid});
    }
    if (!connecting.method.empty()) {
        connecting.rounds = begin_rounds(connecting.method);
        if (!connecting.rounds) {
            return refuse(ReasonCode::bad_authentication_method, {Reason::bad_credentials});
        }
        return exchange();
    }
    auto outcome = identity::authenticate(
        services.registry,
        connection_.methods(),
        {
            .certificate = connection_.certificate(),
            .username = connecting.username,
            .password = connecting.password,
            .bearer = {},
        }
    );
    OPENSSL_cleanse(connecting.password.data(), connecting.password.size());
    if (auto* const known = std::get_if<Result<model::PrincipalPtr>>(&outcome)) {
        return authenticated(std::move(*known));
    }
    connection_.run_blocking(
        [check = std::move(std::get<identity::PasswordCheck>(outcome))] { return check.run(); },
        [this](Result<model::PrincipalPtr> checked) {
            authenticated(std::move(checked));
            go_on();
        }
    );
}

void MqttEndpoint::authenticated(Result<model::PrincipalPtr> outcome) {
    if (!outcome) {
        const Reason reason = identity::reason_of(outcome.error());
        const auto code =
            connecting_->rounds ? ReasonCode::not_authorized : reason_code_of(reason);
        return refuse(code, {reason});
    }
    const Services& services = connection_.services();
    connecting_->principal = std::move(*outcome);
    const auto& principal = *connecting_->principal;
    if (!principal.thing.empty()) {
        connection_.set_device(principal.thing);
    }
    const unsigned owner =
        broker::Broker::owner_of(principal.tenant, connecting_->client_id, services.shards);
    if (owner == services.self) {
        attach();
    } else {
        connection_.move_to(owner);
    }
}

void MqttEndpoint::on_arrival() noexcept {
    attach();
    go_on();
}

void MqttEndpoint::go_on() {
    if (is_waiting() && !connection_.closing()) {
        connection_.wait();
    } else {
        connection_.resume();
    }
}

void MqttEndpoint::attach() {
    const Services& services = connection_.services();
    Connecting& connecting = *connecting_;
    auto policies = services.broker.policies()->bundle_for(*connecting.principal);
    const policy::Subject subject{*connecting.principal, connecting.client_id};
    if (const auto verdict = policies->connect(subject); !verdict.accepted()) {
        return refuse(reason_code_of(verdict.reason), verdict);
    }
    if (connecting.will) {
        const auto& will = *connecting.will->message;
        if (will.retain() && connection_.limits().retained_messages == 0) {  // [MQTT5-3.2.2-13]
            return refuse(ReasonCode::retain_not_supported, {Reason::retain_denied});
        }
        const auto verdict = pipeline::is_reserved(will.topic())
                                 ? model::Verdict{Reason::will_denied}
                                 : policies->will(subject, will.topic(), will.retain());
        if (!verdict.accepted()) {
            return refuse(ReasonCode::not_authorized, verdict);
        }
    }
    const auto result = services.broker.connect({
        .client_id = connecting.client_id,
        .principal = connecting.principal,
        .policies = std::move(policies),
        .limits = connection_.shared_limits(),
        .subscriber = this,
        .clean_start = connecting.clean_start,
        .expiry = connecting.expiry,
        .window = connecting.receive_maximum,
        .will = std::move(connecting.will),
        .peer = connection_.peer_address(),
        .done =
            [this, &connections = services.connections, id = connection_.id()](bool stored) {
                Connection* const connection = connections.find(id);
                if (connection == nullptr || connection->closing() || session_ == nullptr) {
                    return;
                }
                attached(stored);
                if (!connection->closing()) {
                    connection->resume();
                }
            },
    });
    if (!result.verdict.accepted()) {
        return refuse(reason_code_of(result.verdict.reason), result.verdict);
    }
    session_ = result.session;
    connection_.open_meter(connecting.principal->tenant, session_->device());
    connection_.meter_count(metering::connect(connecting.metered_bytes));
    connecting.session_present = result.session_present;
    if (!result.is_pending) {
        attached(true);
    }
}

void MqttEndpoint::attached(bool stored) {
    if (!stored) {
        publish_will_ = false;
        return refuse(ReasonCode::server_unavailable, {Reason::storage_failed});
    }
    session_->for_each_inbound_id([this](std::uint16_t packet_id) {
        extra().unreleased.emplace(packet_id, seconds_now());
    });
    accept(connecting_->session_present);
    connecting_.reset();
    if (!connection_.closing()) {
        connection_.services().broker.resume(*session_);
    }
}

void MqttEndpoint::accept(bool session_present) {
    const auto& limits = connection_.limits();
    const Connecting& connecting = *connecting_;
    const std::uint16_t keep_alive_s = granted_keep_alive(connecting.keep_alive_s, limits);
    Bytes memory(
        kConnackBytes + connecting.client_id.size() + connecting.method.size() +
        connecting.data.size()
    );
    mqtt::PropertyWriter properties{memory};
    if (protocol_.version() == mqtt::Version::v5) {
        write_connack(properties, keep_alive_s);
        WEIR_ASSERT(properties.ok());
    }
    send(mqtt::Connack{.session_present = session_present, .properties = properties.properties()});
    if (connection_.closing()) {
        return;
    }
    protocol_.accept(keep_alive_s, server_limits(limits));
    connection_.established(protocol_.keep_alive_timeout(), Connection::Heard::packets);
}

void MqttEndpoint::write_connack(
    mqtt::PropertyWriter& properties, std::uint16_t keep_alive_s
) const {
    const auto& limits = connection_.limits();
    const Connecting& connecting = *connecting_;
    const auto allowed = server_limits(limits);
    properties.number(PropertyId::receive_maximum, allowed.receive_maximum)
        .number(PropertyId::maximum_packet_size, allowed.packet_bytes);
    if (allowed.topic_alias_maximum > 0) {
        properties.number(PropertyId::topic_alias_maximum, allowed.topic_alias_maximum);
    }
    if (limits.retained_messages == 0) {
        properties.number(PropertyId::retain_available, 0);
    }
    if (!connection_.listener().mqtt_rules.wildcard_subscriptions) {
        properties.number(PropertyId::wildcard_subscription_available, 0);
    }
    if (!connection_.listener().mqtt_rules.shared_subscriptions) {
        properties.number(PropertyId::shared_subscription_available, 0);
    }
    if (connecting.is_assigned) {
        properties.text(PropertyId::assigned_client_identifier, connecting.client_id);
    }
    if (keep_alive_s != connecting.keep_alive_s) {
        properties.number(PropertyId::server_keep_alive, keep_alive_s);
    }
    if (const auto information = response_information()) {
        properties.text(PropertyId::response_information, *information);
    }
    if (!connecting.method.empty()) {  // [MQTT5-4.12.0-6]
        properties.text(PropertyId::authentication_method, connecting.method);
    }
    if (!connecting.data.empty()) {
        properties.binary(PropertyId::authentication_data, connecting.data);
    }
    const auto expiry_s =
        std::chrono::duration_cast<std::chrono::seconds>(connecting.expiry).count();
    if (expiry_s != connecting.asked_expiry_s) {
        properties.number(
            PropertyId::session_expiry_interval, static_cast<std::uint32_t>(expiry_s)
        );
    }
}

void MqttEndpoint::refuse(ReasonCode code, model::Verdict verdict) {
    connection_.refuse(Action::connect, verdict, connecting_->client_id);
    say(code, verdict.reason);
    connection_.close(verdict.reason, Connection::Goodbye::said);
}

std::optional<std::string> MqttEndpoint::response_information() const {
    if (!connecting_->wants_response_information) {
        return std::nullopt;
    }
    // Told only where it holds: the client may receive there. [MQTT5-3.1.2-28]
    std::string prefix = "reply/" + session_->client_id();
    if (prefix.size() >= connection_.topic_limits().bytes) {
        return std::nullopt;
    }
    const auto verdict = session_->policies().subscribe(session_->subject(), prefix + "/#");
    return verdict.accepted() ? std::optional{std::move(prefix)} : std::nullopt;
}

}  // namespace weir::endpoints
