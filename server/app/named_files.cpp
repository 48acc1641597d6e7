#include "named_files.hpp"

#include <fmt/format.h>

#include <weir/app/certificate_watch.hpp>
#include <weir/app_config/config_codes.hpp>
#include <weir/base/text.hpp>

namespace weir::app {
namespace {

[[nodiscard]] const Place& place_of(net::TlsPart part, const NamedFiles::TlsPlaces& places) {
    switch (part) {
        case net::TlsPart::key:
            return places.key;
        case net::TlsPart::client_ca:
        case net::TlsPart::client_crl:
            return places.client_ca;
        case net::TlsPart::certificate:
        case net::TlsPart::other:
            break;
    }
    return places.certificate;
}

[[nodiscard]] std::string_view help_for(net::TlsPart part) {
    switch (part) {
        case net::TlsPart::key:
            return "name the key that the certificate was made for: PEM, without a passphrase";
        case net::TlsPart::client_ca:
        case net::TlsPart::client_crl:
            return "name the PEM file of the CA that signs the devices' certificates";
        case net::TlsPart::certificate:
        case net::TlsPart::other:
            break;
    }
    return "name a PEM file, own certificate first; weir cert issue --server makes one";
}

}  // namespace

std::string NamedFiles::text(
    const std::filesystem::path& file, const Place& place, std::string_view what
) {
    if (file.empty()) {
        return {};
    }
    auto text = files_.read(file);
    if (text && !text->empty()) {
        return std::move(*text);
    }
    report(
        diagnostics_,
        place,
        code::kUnreadable,
        fmt::format("{} {}: '{}'", what, text ? "is empty" : "cannot be read", file.string()),
        "check the path and its permissions"
    );
    return {};
}

std::string NamedFiles::secret(const Secret& secret, std::string_view what) {
    if (!secret.is_set()) {
        return {};
    }
    auto text = secret.load(files_);
    if (text) {
        return std::move(*text);
    }
    const bool is_file = secret.variable.empty();
    report(
        diagnostics_,
        secret.place,
        is_file ? code::kUnreadable : code::kNoSuchVariable,
        is_file ? fmt::format("{} cannot be read: '{}'", what, secret.file.string())
                : fmt::format("{} is not set: variable {}", what, secret.variable),
        is_file ? "check the path and its permissions; the file must not be empty"
                : "set the environment variable for the gateway's process"
    );
    return {};
}

void NamedFiles::expect_certificates(
    const std::filesystem::path& file, const Place& place, std::string_view what
) {
    const auto pem = text(file, place, what);
    if (!pem.empty() && pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
        report(
            diagnostics_,
            place,
            code::kBadCertificate,
            fmt::format("{} is no PEM certificate: '{}'", what, file.string()),
            "name a PEM file of one or more certificates"
        );
    }
}

std::shared_ptr<const net::TlsContext> NamedFiles::tls(
    const net::TlsOptions& options, const TlsPlaces& places
) {
    const bool asks = options.client_auth != net::ClientAuth::none;
    if (options.certificate_pem.empty() || options.key_pem.empty() ||
        (asks && options.client_ca_pem.empty())) {
        return nullptr;
    }
    try {
        auto context = net::TlsContext::make(options);
        warn_of_end(*context, places);
        return context;
    } catch (const net::TlsConfigError& error) {
        report(
            diagnostics_,
            place_of(error.part(), places),
            code::kBadCertificate,
            fmt::format("{}: {}", places.owner, error.what()),
            std::string{help_for(error.part())}
        );
        return nullptr;
    }
}

void NamedFiles::expect_pair(
    const std::string& certificate_pem, const std::string& key_pem, const TlsPlaces& places
) {
    static_cast<void>(tls({.certificate_pem = certificate_pem, .key_pem = key_pem}, places));
}

void NamedFiles::warn_of_end(const net::TlsContext& context, const TlsPlaces& places) {
    const WallTime end = context.not_after();
    const auto standing = certificate_standing(end, now_);
    if (standing == CertificateStanding::fine) {
        return;
    }
    const auto days = std::chrono::duration_cast<std::chrono::days>(end - now_).count();
    diagnostics_.add({
        .severity = document::Severity::warning,
        .code = std::string{code::kCertificateEnds},
        .message = fmt::format(
            "{}: the certificate {} on {}",
            places.owner,
            standing == CertificateStanding::ended
                ? "expired"
                : fmt::format("ends in {} day{},", days, days == 1 ? "" : "s"),
            format_time(end.count())
        ),
        .file = places.certificate.file,
        .range = places.certificate.range,
        .help = "renew it, then weir reload: new connections get the new one",
    });
}

}  // namespace weir::app
