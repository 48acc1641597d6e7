#include <weir/sinks/diagnose.hpp>

#include <fmt/format.h>

#include <array>

#include <weir/base/text.hpp>
#include <weir/sinks/detail/delivery.hpp>

namespace weir::sinks {
namespace {

using http_client::errc;

constexpr std::size_t kLocationBytes = 256;

std::string hint_of_error(const http_client::Outcome& outcome, const HttpSinkConfig& config) {
    switch (static_cast<errc>(outcome.error.value())) {
        case errc::bad_request:
            return "the URL or a header cannot be sent: look at url, headers and the values that "
                   "their ${...} take from the message";
        case errc::resolve_failed:
            return "look at the host in url, and at the resolver of this machine or container";
        case errc::connect_failed:
            return config.proxy.url.empty()
                       ? "nothing listens at the host and port of url, or a firewall is between"
                       : "the proxy of proxy.url cannot be reached, or does not let this through";
        case errc::tls_failed:
            return config.tls.ca_file.empty()
                       ? "if the server's certificate comes from a private CA, name it with ca; "
                         "if it wants ours, set auth.client_cert"
                       : "look at the certificates in ca, at the host name and the dates of the "
                         "server's certificate, and whether it wants auth.client_cert";
        case errc::timed_out:
            return outcome.timing.connect.count() == 0
                       ? "no connection within connect_timeout: a firewall may drop packets"
                       : "the server took longer than timeout";
        case errc::transfer_failed:
            return "the connection broke, or what answers does not speak HTTP: look at the port of "
                   "url, and whether it is http where the server speaks https, or the other way round";
        case errc::overloaded:
        case errc::cancelled:
            return "the gateway is busy or stopping: try again";
    }
    return {};
}

std::string hint_of_status(const http_client::Response& response, const HttpSinkConfig& config) {
    const auto status = response.status;
    if (status >= 300 && status <= 399) {
        return fmt::format(
            "the server redirects to {}: write that into url{}",
            response.location.empty() ? "nowhere" : printable(response.location, kLocationBytes),
            config.redirects == Redirects::none ? ", or set redirects: same_origin" : ""
        );
    }
    switch (status) {
        case 400:
        case 422:
            return "the server understands the request but not the body: look at body, and at what "
                   "the rule selects";
        case 401:
        case 403:
            return "the server does not accept the credentials: look at auth, and at the file or "
                   "variable that it names";
        case 404:
        case 410:
            return "look at the path of url";
        case 405:
            return "look at method";
        case 406:
        case 415:
            return "look at body, compression and the header Content-Type";
        case 413:
            return "make batch.bytes smaller";
        case 414:
        case 431:
            return "what ${...} puts into url or headers is too long for the server";
        case 429:
            return "the server wants fewer requests: make batch.messages larger or in_flight "
                   "smaller";
        default:
            return status >= 500 ? "the server itself fails: look at its log"
                                 : "look at what the server says about this status";
    }
}

}  // namespace

std::string_view name(Meaning meaning) noexcept {
    constexpr std::array<std::string_view, 3> kNames = {"delivered", "again", "never"};
    return kNames[static_cast<std::size_t>(meaning)];
}

Diagnosis diagnose(const http_client::Outcome& outcome, const HttpSinkConfig& config) {
    const auto fate = detail::fate_of(outcome);
    if (fate == detail::Fate::delivered) {
        return {};
    }
    return {
        .meaning = fate == detail::Fate::never ? Meaning::never : Meaning::again,
        .text = detail::describe(outcome),
        .hint = outcome.error ? hint_of_error(outcome, config)
                              : hint_of_status(outcome.response, config),
    };
}

}  // namespace weir::sinks
