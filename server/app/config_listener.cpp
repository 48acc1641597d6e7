#include <fmt/format.h>

#include <algorithm>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/config_parts.hpp>

namespace weir::app::detail {
namespace {

using document::Diagnostics;
using Path = std::filesystem::path;
using Texts = std::vector<std::string>;

Protocols make_protocols(const Texts& words) {
    const auto has = [&](std::string_view word) {
        return std::ranges::any_of(words, [&](const auto& w) { return w == word || w == "any"; });
    };
    return {
        .mqtt = has("mqtt"),
        .mqtt_ws = has("mqtt-ws"),
        .amqp = has("amqp"),
        .amqp_ws = has("amqp-ws"),
        .http = has("http"),
    };
}

TlsConfig make_tls(const Section& section, Diagnostics& diagnostics) {
    TlsConfig tls{
        .cert = section.get<Path>("tls.cert"),
        .key = section.get<Secret>("tls.key"),
        .client_ca = {},
        .client_auth = ClientAuth::none,
        .only_tls13 = section.get<std::string>("tls.min_version") == "1.3",
        .cert_place = section.place("tls.cert"),
        .client_ca_place = section.place("tls.client_ca"),
    };
    if (const auto* ca = section.find<Path>("tls.client_ca")) {
        tls.client_ca = *ca;
        tls.client_auth = ClientAuth::optional;
    }
    if (const auto* word = section.find<std::string>("tls.client_auth")) {
        tls.client_auth = enumerator<ClientAuth>(kClientAuthNames, *word);
    }
    if (tls.client_auth != ClientAuth::none && !section.has("tls.client_ca")) {
        report(
            diagnostics,
            section.place("tls.client_auth"),
            code::kTls,
            "client certificates cannot be checked without client_ca",
            "add 'client_ca: certs/ca.crt', or write 'client_auth: none'"
        );
    }
    if (tls.client_auth == ClientAuth::none) {
        tls.client_ca.reset();
    }
    return tls;
}

AuthConfig make_auth(
    const Section& section, const std::optional<TlsConfig>& tls, Diagnostics& diagnostics
) {
    AuthConfig auth{.anonymous = section.get<bool>("auth.anonymous"), .methods = {}};
    const bool asks_for_certificate = tls && tls->client_auth != ClientAuth::none;
    for (const auto& word : section.get<Texts>("auth.methods")) {
        if (word == "x509") {
            auth.methods.push_back(model::AuthMethod::x509);
            if (!asks_for_certificate && section.has("auth.methods")) {
                report(
                    diagnostics,
                    section.place("auth.methods"),
                    code::kTls,
                    "devices cannot show a certificate on this listener",
                    "add 'tls: {client_ca: ..., client_auth: optional}', or remove x509"
                );
            }
        } else {
            auth.methods.push_back(
                word == "password" ? model::AuthMethod::password : model::AuthMethod::token
            );
        }
    }
    return auth;
}

void check_plaintext(
    const ListenerConfig& listener, const Section& section, Diagnostics& diagnostics
) {
    if (section.has("tls") || section.get<bool>("allow_plaintext") || listener.bind.empty() ||
        is_loopback(listener.bind)) {
        return;
    }
    report(
        diagnostics,
        section.place("bind"),
        code::kPlaintext,
        fmt::format(
            "listener '{}' would be reachable by other machines without TLS", listener.name
        ),
        "add 'tls: {cert: ..., key: {file: ...}}'\n"
        "or bind it to 127.0.0.1\n"
        "or add 'allow_plaintext: true' to the listener if this is intended"
    );
}

}  // namespace

ListenerConfig make_listener(
    const Section& section, const model::Limits& gateway, Diagnostics& diagnostics
) {
    ListenerConfig listener{
        .name = section.get<std::string>("name"),
        .bind = section.get<std::string>("bind"),
        .port = static_cast<std::uint16_t>(section.get<std::uint64_t>("port")),
        .protocols = make_protocols(section.get<Texts>("protocols")),
        .tls = {},
        .ws =
            {.paths = section.get<Texts>("ws.paths"), .origins = section.get<Texts>("ws.origins")},
        .mqtt =
            {.wildcard_subscriptions = section.get<bool>("mqtt.wildcard_subscriptions"),
             .shared_subscriptions = section.get<bool>("mqtt.shared_subscriptions"),
             .server_reference = section.get<std::string>("mqtt.server_reference")},
        .proxy_from = section.get<std::vector<Network>>("proxy_protocol.from"),
        .auth = {},
        .limits = gateway,
        .place = section.place(),
    };
    if (section.has("tls")) {
        listener.tls = make_tls(section, diagnostics);
    }
    listener.auth = make_auth(section, listener.tls, diagnostics);
    if (section.has("limits")) {
        apply_limits(listener.limits, section, "limits.", diagnostics);
    }
    check_plaintext(listener, section, diagnostics);
    return listener;
}

}  // namespace weir::app::detail
