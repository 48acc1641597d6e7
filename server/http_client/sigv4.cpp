#include <weir/http_client/sigv4.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <weir/base/digest.hpp>
#include <weir/base/percent.hpp>

namespace weir::http_client {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kObjectStore = "s3";

/// The parts of an absolute URL, as they are written in it.
struct UrlParts {
    std::string_view host;  ///< With the port, if it is not the scheme's own: as in Host.
    std::string_view path;  ///< "" or from the slash on.
    std::string_view query;
};

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

UrlParts split(std::string_view url) {
    const std::string_view default_port = lower(url.substr(0, 5)) == "https" ? ":443" : ":80";
    url = url.substr(0, url.find('#'));
    url.remove_prefix(url.find("://") + 3);
    const auto query = url.find('?');
    const auto front = url.substr(0, query);
    const auto slash = front.find('/');
    auto host = front.substr(0, slash);
    if (host.ends_with(default_port)) {
        host.remove_suffix(default_port.size());
    }
    return {
        .host = host,
        .path = slash == std::string_view::npos ? std::string_view{} : front.substr(slash),
        .query = query == std::string_view::npos ? std::string_view{} : url.substr(query + 1),
    };
}

/// Without white space at both ends, and with one space instead of several.
std::string squeeze(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool is_space = c == ' ' || c == '\t';
        if (!is_space) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    if (out.ends_with(' ')) {
        out.pop_back();
    }
    return out;
}

/// "//a/./b/../c/" -> "/a/c/"
std::string normalise(std::string_view path) {
    std::vector<std::string_view> segments;
    bool is_folder = true;
    while (!path.empty()) {
        path.remove_prefix(path.starts_with('/') ? 1 : 0);
        const auto segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        is_folder = segment.empty() || segment == "." || segment == "..";
        if (!is_folder) {
            segments.push_back(segment);
        } else if (segment == ".." && !segments.empty()) {
            segments.pop_back();
        }
    }
    std::string out;
    for (const auto segment : segments) {
        out += '/';
        out += segment;
    }
    return is_folder || out.empty() ? out + '/' : out;
}

/// Encoded one way, whichever way it was written.
std::string recode(std::string_view text, std::string_view kept = {}) {
    return percent_encode(percent_decode(text).value_or(std::string{text}), kept);
}

std::string canonical_path(std::string_view path, std::string_view service) {
    if (service == kObjectStore) {
        return path.empty() ? "/" : recode(path, "/");
    }
    return percent_encode(normalise(path), "/");
}

std::string canonical_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> parameters;
    while (!query.empty()) {
        const auto parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        if (parameter.empty()) {
            continue;
        }
        const auto equals = std::min(parameter.find('='), parameter.size());
        const auto value = parameter.substr(std::min(equals + 1, parameter.size()));
        parameters.emplace_back(recode(parameter.substr(0, equals)), recode(value));
    }
    std::ranges::sort(parameters);
    std::string out;
    for (const auto& [name, value] : parameters) {
        out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
    }
    return out;
}

std::string body_hash(const Request& request) {
    return to_hex(sha256(as_bytes(request.body)));
}

/// Name, in lower case, to its values with a comma between them.
std::map<std::string, std::string> headers_to_sign(const Request& request, std::string_view host) {
    std::map<std::string, std::string> out;
    for (const auto& header : request.headers) {
        auto name = lower(header.name);
        if (name == "user-agent") {
            continue;
        }
        const auto [entry, is_new] = out.try_emplace(std::move(name), squeeze(header.value));
        if (!is_new) {
            entry->second += ',' + squeeze(header.value);
        }
    }
    out.try_emplace("host", host);
    return out;
}

void replace_headers(Request& request, const SigV4& signer, const std::string& time) {
    std::vector<Header> own = {{"X-Amz-Date", time}};
    if (signer.service == kObjectStore) {
        own.push_back({"X-Amz-Content-Sha256", body_hash(request)});
    }
    if (!signer.session_token.empty()) {
        own.push_back({"X-Amz-Security-Token", signer.session_token});
    }
    std::erase_if(request.headers, [](const Header& header) {
        const auto name = lower(header.name);
        return name == "authorization" || name == "x-amz-date" || name == "x-amz-content-sha256" ||
               name == "x-amz-security-token";
    });
    std::ranges::move(own, std::back_inserter(request.headers));
}

Sha256 signing_key(const SigV4& signer, std::string_view date) {
    auto key = hmac_sha256(as_bytes("AWS4" + signer.secret_access_key), as_bytes(date));
    for (const std::string_view part :
         {std::string_view{signer.region},
          std::string_view{signer.service},
          std::string_view{"aws4_request"}}) {
        key = hmac_sha256(key, as_bytes(part));
    }
    return key;
}

}  // namespace

Result<void> sign(Request& request, const SigV4& signer, WallTime now) {
    if (!origin_of(request.url)) {
        return errc::bad_request;
    }
    const auto time = fmt::format(
        "{:%Y%m%dT%H%M%SZ}",
        fmt::gmtime(std::chrono::duration_cast<std::chrono::seconds>(now).count())
    );
    const auto date = time.substr(0, 8);
    replace_headers(request, signer, time);

    const auto [host, path, query] = split(request.url);
    std::string headers;
    std::string names;
    for (const auto& [name, value] : headers_to_sign(request, host)) {
        headers += fmt::format("{}:{}\n", name, value);
        names += (names.empty() ? "" : ";") + name;
    }
    const auto canonical = fmt::format(
        "{}\n{}\n{}\n{}\n{}\n{}",
        request.method,
        canonical_path(path, signer.service),
        canonical_query(query),
        headers,
        names,
        body_hash(request)
    );
    const auto scope = fmt::format("{}/{}/{}/aws4_request", date, signer.region, signer.service);
    const auto to_sign =
        fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope, to_hex(sha256(as_bytes(canonical))));
    const auto signature = hmac_sha256(signing_key(signer, date), as_bytes(to_sign));
    request.headers.push_back(
        {"Authorization",
         fmt::format(
             "{} Credential={}/{}, SignedHeaders={}, Signature={}",
             kAlgorithm,
             signer.access_key_id,
             scope,
             names,
             to_hex(signature)
         )}
    );
    return {};
}

}  // namespace weir::http_client
