#include "sasl.hpp"

#include <strings.h>

#include <algorithm>
#include <array>

#include "proton.hpp"

namespace weir::amqp::detail {
namespace {

struct Mechanism {
    SaslMechanism mechanism;
    std::string_view name;
    bool SaslOffer::* offered;
};

/// Best first: clients tend to take the first that they know.
constexpr std::array<Mechanism, 3> kMechanisms = {{
    {SaslMechanism::external, "EXTERNAL", &SaslOffer::external},
    {SaslMechanism::plain, "PLAIN", &SaslOffer::plain},
    {SaslMechanism::anonymous, "ANONYMOUS", &SaslOffer::anonymous},
}};

void wipe(const void* memory, std::size_t size) noexcept {
    if (size != 0) {
        ::explicit_bzero(const_cast<void*>(memory), size);
    }
}

}  // namespace

SaslServer::SaslServer(SaslOffer offer) : offer_{offer} {
    for (const auto& row : kMechanisms) {
        if (offer.*row.offered) {
            mechanisms_ += mechanisms_.empty() ? "" : " ";
            mechanisms_ += row.name;
        }
    }
}

SaslServer& SaslServer::of(pn_transport_t* transport) noexcept {
    return *static_cast<SaslServer*>(pnx_sasl_get_context(transport));
}

const pnx_sasl_implementation& SaslServer::implementation() noexcept {
    static const pnx_sasl_implementation table = {
        .free = [](pn_transport_t*) {},
        .list_mechanisms = [](pn_transport_t* transport
                           ) { return of(transport).mechanisms_.c_str(); },
        .init_server =
            [](pn_transport_t* transport) {
                pnx_sasl_set_desired_state(transport, SASL_POSTED_MECHANISMS);
                return true;
            },
        .init_client = [](pn_transport_t*) { return false; },
        .prepare_write = [](pn_transport_t*) {},
        .process_init =
            [](pn_transport_t* transport, const char* mechanism, const pn_bytes_t* response) {
                of(transport).on_init(transport, text_of(mechanism), *response);
            },
        .process_response = [](pn_transport_t* transport,
                               const pn_bytes_t*) { of(transport).on_response(transport); },
        .process_mechanisms = [](pn_transport_t*, const char*) { return false; },
        .process_challenge = [](pn_transport_t*, const pn_bytes_t*) {},
        .process_outcome = [](pn_transport_t*, const pn_bytes_t*) {},
        .can_encrypt = [](pn_transport_t*) { return false; },
        .max_encrypt_size = [](pn_transport_t*) { return ssize_t{0}; },
        .encode = [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) { return ssize_t{0}; },
        .decode = [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) { return ssize_t{0}; },
    };
    return table;
}

void SaslServer::install(pn_transport_t* transport) noexcept {
    pn_sasl(transport);
    pnx_sasl_set_implementation(transport, &implementation(), this);
}

std::optional<SaslMechanism> SaslServer::offered(std::string_view name) const noexcept {
    for (const auto& row : kMechanisms) {
        if (row.name == name && offer_.*row.offered) {
            return row.mechanism;
        }
    }
    return std::nullopt;
}

void SaslServer::on_init(
    pn_transport_t* transport, std::string_view mechanism, const pn_bytes_t& response
) noexcept {
    if (ended_) {
        return;
    }
    const auto chosen = offered(mechanism);
    if (state_ != State::idle || !chosen || response.size > kResponseBytesMax) {
        return fail(transport, PN_SASL_AUTH);
    }
    mechanism_ = *chosen;
    const auto bytes = as_bytes(text_of(response));
    response_.assign(bytes.begin(), bytes.end());
    wipe(response.start, response.size);  // The engine's input buffer has the password too.
    state_ = State::asking;
    if (!parse_response()) {
        wipe(response_.data(), response_.size());
        fail(transport, PN_SASL_AUTH);
    }
}

void SaslServer::on_response(pn_transport_t* transport) noexcept {
    if (!ended_) {
        fail(transport, PN_SASL_AUTH);  // Nobody was challenged.
    }
}

std::optional<SaslInit> SaslServer::parse_response() const noexcept {
    SaslInit init{.mechanism = mechanism_};
    if (mechanism_ == SaslMechanism::external) {
        init.authzid = as_text(response_);
    }
    if (mechanism_ != SaslMechanism::plain) {
        return init;
    }
    // authzid NUL username NUL password; none of them contains a NUL. [RFC4616-2]
    if (std::ranges::count(response_, Byte{0}) != 2) {
        return std::nullopt;
    }
    const auto text = as_text(response_);
    const auto first = text.find('\0');
    const auto second = text.find('\0', first + 1);
    init.authzid = text.substr(0, first);
    init.username = text.substr(first + 1, second - first - 1);
    init.password = as_bytes(text.substr(second + 1));
    return init;
}

void SaslServer::report(Events& events) noexcept {
    if (state_ != State::asking) {
        return;
    }
    state_ = State::asked;
    const auto init = parse_response();
    user_ = std::string{init->username};
    events.on_sasl(*init);
    wipe(response_.data(), response_.size());
    response_ = {};
}

bool SaslServer::decide(pn_transport_t* transport, SaslVerdict verdict) noexcept {
    if (state_ != State::asked) {
        return false;
    }
    switch (verdict) {
        case SaslVerdict::accepted:
            state_ = State::accepted;
            pnx_sasl_set_succeeded(transport, user_.c_str(), user_.c_str());
            pnx_sasl_set_desired_state(transport, SASL_POSTED_OUTCOME);
            break;
        case SaslVerdict::refused:
            fail(transport, PN_SASL_AUTH);
            break;
        case SaslVerdict::unavailable:
            fail(transport, PN_SASL_TEMP);
            break;
    }
    return true;
}

void SaslServer::fail(pn_transport_t* transport, pn_sasl_outcome_t outcome) noexcept {
    state_ = State::failed;
    pnx_sasl_set_failed(transport);
    pn_sasl_done(pn_sasl(transport), outcome);
    pnx_sasl_set_desired_state(transport, SASL_POSTED_OUTCOME);
}

}  // namespace weir::amqp::detail
