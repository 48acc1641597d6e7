#include "device_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <weir/identity/password.hpp>
#include <weir/identity/x509.hpp>

namespace weir::app::api {
namespace {

using admin::ApiError;
using identity::Registry;
using identity::ThingId;

constexpr std::size_t kPrefixDigitsMin = 8;

}  // namespace

json::object summary(const identity::Thing& thing) {
    json::object attributes;
    for (const auto& [name, value] : thing.attributes) {
        attributes[name] = value;
    }
    return {
        {"name", thing.id.name},
        {"type", thing.type},
        {"enabled", thing.enabled},
        {"groups", texts_value(thing.groups)},
        {"policies", texts_value(thing.policies)},
        {"attributes", std::move(attributes)},
        {"created", time_value(thing.created)},
    };
}

json::object details(const Registry& registry, const std::string& name) {
    const auto found = registry.find_thing({.name = name});
    if (!found) {
        throw ApiError{404, "not_found", fmt::format("there is no device '{}'", name)};
    }
    auto out = summary(found->thing);
    auto& certificates = out["certificates"].emplace_array();
    for (const auto& each : found->certificates) {
        certificates.push_back(
            {{"sha256", to_hex(each.sha256)},
             {"subject", each.subject.empty() ? json::value(nullptr) : json::value(each.subject)},
             {"not_after", time_value(each.not_after)},
             {"added", time_value(each.added)}}
        );
    }
    out["users"] = texts_value(found->users);
    auto& tokens = out["tokens"].emplace_array();
    for (const auto& each : found->tokens) {
        tokens.push_back(
            {{"id", each.id},
             {"added", time_value(each.added)},
             {"not_after", time_value(each.not_after)}}
        );
    }
    return out;
}

identity::Thing take_thing(Members& members) {
    return {
        .id = {.name = members.need_text("name")},
        .type = members.take_text("type").value_or(""),
        .attributes = members.take_pairs("attributes"),
        .groups = members.take_texts("groups"),
        .policies = members.take_texts("policies"),
    };
}

identity::KnownCertificate certificate_of(const std::string& text) {
    if (text.find("-----BEGIN") == std::string::npos) {
        const auto bytes = from_hex(text);
        identity::KnownCertificate certificate;
        if (!bytes || bytes->size() != certificate.sha256.size()) {
            throw ApiError{
                400, "bad_request", "the certificate is no PEM, and not the SHA-256 of one in hex"
            };
        }
        std::ranges::copy(*bytes, certificate.sha256.begin());
        return certificate;
    }
    const auto facts = identity::parse_certificate_pem(text);
    if (!facts) {
        throw ApiError{422, "invalid", fmt::format("certificate: {}", facts.error().message())};
    }
    if (facts->is_ca) {
        throw ApiError{
            422, "invalid", fmt::format("'{}' is a CA's certificate, not a device's", facts->subject)
        };
    }
    return {
        .sha256 = facts->sha256, .subject = facts->subject, .not_after = facts->not_after
    };
}

Sha256 certificate_with(const Registry& registry, const ThingId& id, std::string prefix) {
    std::ranges::transform(prefix, prefix.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (prefix.size() < kPrefixDigitsMin) {
        throw ApiError{
            400,
            "bad_request",
            fmt::format("at least {} digits of the SHA-256 are needed", kPrefixDigitsMin)
        };
    }
    const auto found = registry.find_thing(id);
    if (!found) {
        throw ApiError{404, "not_found", fmt::format("there is no device '{}'", id.name)};
    }
    std::vector<Sha256> meant;
    for (const auto& each : found->certificates) {
        if (to_hex(each.sha256).starts_with(prefix)) {
            meant.push_back(each.sha256);
        }
    }
    if (meant.empty()) {
        throw ApiError{
            404,
            "not_found",
            fmt::format("no certificate of '{}' has a SHA-256 of '{}'", id.name, prefix)
        };
    }
    if (meant.size() > 1) {
        throw ApiError{
            409,
            "ambiguous",
            fmt::format("{} certificates of '{}' begin with '{}'", meant.size(), id.name, prefix)
        };
    }
    return meant.front();
}

std::string hash_of(const std::string& password) {
    auto hash = identity::hash_password(as_bytes(password));
    if (!hash && hash.error() == identity::errc::weak_password) {
        throw ApiError{
            422,
            "invalid",
            fmt::format(
                "a password has from {} to {} bytes",
                identity::kPasswordBytesMin,
                identity::kPasswordBytesMax
            )
        };
    }
    if (!hash) {
        throw ApiError{500, "internal", hash.error().message()};
    }
    return std::move(*hash);
}

}  // namespace weir::app::api
