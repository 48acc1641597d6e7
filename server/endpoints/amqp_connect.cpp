// From the first byte to the answer to Open.
#include <algorithm>
#include <utility>
#include <variant>

#include <weir/base/digest.hpp>
#include <weir/endpoints/amqp.hpp>
#include <weir/endpoints/amqp_sessions.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/identity/authenticator.hpp>
#include <weir/metering/formula.hpp>

namespace weir::endpoints {

using amqp::SaslMechanism;
using amqp::SaslVerdict;
using model::Action;
using model::Reason;

AmqpEndpoint::AmqpEndpoint(Connection& connection)
    : connection_{connection},
      settings_{settings_for(connection.limits())},
      protocol_{settings_, offer_for(connection)} {}

AmqpEndpoint::~AmqpEndpoint() = default;

amqp::Settings AmqpEndpoint::settings_for(const model::Limits& limits) {
    return {
        .capabilities = {"ANONYMOUS-RELAY"},
        .message_bytes_max = limits.packet_bytes,
        .assembling_bytes_max = std::max<std::uint64_t>(512 * 1024, 2 * limits.packet_bytes),
        .credit_window =
            static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limits.receive_maximum, 1, 256)),
        .unsettled_max =
            static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limits.in_flight, 1, 0xFFFF)),
    };
}

/// PLAIN also in clear text: a listener without TLS exists only where the configuration asks for one.
amqp::SaslOffer AmqpEndpoint::offer_for(const Connection& connection) {
    const auto& methods = connection.methods();
    const bool external = methods.x509 && connection.certificate().has_value();
    return {
        .anonymous = methods.anonymous,
        .plain = methods.password,
        .external = external,
        .optional = external || methods.anonymous,
    };
}

// --- Who is it? ----------------------------------------------------------------------------------------------------

void AmqpEndpoint::on_sasl(const amqp::SaslInit& init) noexcept {
    const bool is_plain = init.mechanism == SaslMechanism::plain;
    if (is_plain) {
        connection_.set_claimed(init.username);
    }
    if (!init.authzid.empty() && init.authzid != init.username) {
        return authenticated(make_error_code(identity::errc::bad_credentials));
    }
    identity::Credentials credentials;  // Those of the chosen mechanism alone.
    if (is_plain) {
        credentials.username = init.username;
        credentials.password = init.password;
    } else if (init.mechanism == SaslMechanism::external) {
        credentials.certificate = connection_.certificate();
    }
    auto outcome =
        identity::authenticate(connection_.services().registry, connection_.methods(), credentials);
    if (auto* const known = std::get_if<Result<model::PrincipalPtr>>(&outcome)) {
        return authenticated(std::move(*known));
    }
    waiting_ = true;
    connection_.run_blocking(
        [check = std::move(std::get<identity::PasswordCheck>(outcome))] { return check.run(); },
        [this](Result<model::PrincipalPtr> checked) {
            waiting_ = false;
            authenticated(std::move(checked));
            turn();
            connection_.resume();
        }
    );
}

void AmqpEndpoint::authenticated(Result<model::PrincipalPtr> outcome) {
    if (outcome) {
        identify(std::move(*outcome));
        protocol_.sasl_outcome(SaslVerdict::accepted);
        return;
    }
    ending_ = identity::reason_of(outcome.error());
    connection_.refuse(Action::connect, {*ending_});
    protocol_.sasl_outcome(SaslVerdict::refused);
}

void AmqpEndpoint::identify(model::PrincipalPtr principal) {
    principal_ = std::move(principal);
    if (!principal_->thing.empty()) {
        connection_.set_device(principal_->thing);
    }
}

// --- Open ----------------------------------------------------------------------------------------------------------

void AmqpEndpoint::on_open(const amqp::Open& open) noexcept {
    const Services& services = connection_.services();
    container_ = open.container_id;
    if (!principal_) {  // Without SASL the certificate counts, or that anybody may come.
        auto outcome = identity::authenticate(
            services.registry,
            connection_.methods(),
            {.certificate = connection_.certificate(), .username = {}, .password = {}, .bearer = {}}
        );
        auto& known = std::get<Result<model::PrincipalPtr>>(outcome);  // No password was presented.
        if (!known) {
            return refuse_open({identity::reason_of(known.error())});
        }
        identify(std::move(*known));
    }
    if (container_.size() > connection_.limits().client_id_bytes ||
        !policy::is_plain_client_id(container_)) {
        return refuse_open({Reason::client_id_invalid});
    }
    const auto owner = [&] {
        return broker::Broker::owner_of(
            principal_->tenant, amqp_session(container_), services.shards
        );
    };
    if (container_.empty()) {
        do {  // One that belongs to this shard: the connection need not move.
            container_ = "auto-" + random_hex(12);
        } while (owner() != services.self);
    }
    if (principal_->thing.empty()) {
        connection_.set_claimed(container_);
    }
    if (owner() == services.self) {
        return join();
    }
    is_moving_ = true;
    disarm();  // The timers are the shard's.
    connection_.move_to(owner());
}

void AmqpEndpoint::on_arrival() noexcept {
    is_moving_ = false;
    is_turn_due_ = false;
    join();
    turn();
    connection_.resume();
}

void AmqpEndpoint::join() {
    const Services& services = connection_.services();
    auto policies = services.broker.policies()->bundle_for(*principal_);
    if (const auto verdict = policies->connect({*principal_, container_}); !verdict.accepted()) {
        return refuse_open(verdict);
    }
    const auto result = services.broker.connect({
        .client_id = amqp_session(container_),
        .policy_name = container_,
        .principal = principal_,
        .policies = std::move(policies),
        .limits = connection_.shared_limits(),
        .subscriber = this,
        .peer = connection_.peer_address(),
    });
    if (!result.verdict.accepted()) {
        return refuse_open(result.verdict);
    }
    session_ = result.session;
    connection_.open_meter(principal_->tenant, session_->device());
    connection_.meter_count(metering::connect(0));
    connection_.established(std::chrono::milliseconds{0});  // The engine watches for silence.
    protocol_.accept_open();
}

void AmqpEndpoint::refuse_open(model::Verdict verdict) {
    connection_.refuse(Action::connect, verdict, container_);
    connection_.close(verdict.reason);
}

}  // namespace weir::endpoints
