#include <weir/http_client/detail/transfer.hpp>

#include <algorithm>
#include <utility>

#include <weir/base/assert.hpp>

namespace weir::http_client::detail {
namespace {

constexpr std::string_view kNameExtras = "!#$%&'*+-.^_`|~";

bool is_header_name(std::string_view name) noexcept {
    const auto is_token = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kNameExtras.find(c) != std::string_view::npos;
    };
    return !name.empty() && std::ranges::all_of(name, is_token);
}

errc translate(CURLcode code) noexcept {
    switch (code) {
        case CURLE_URL_MALFORMAT:
            return errc::bad_request;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return errc::resolve_failed;
        case CURLE_COULDNT_CONNECT:
        case CURLE_PROXY:
            return errc::connect_failed;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
            return errc::tls_failed;
        case CURLE_OPERATION_TIMEDOUT:
            return errc::timed_out;
        default:
            return errc::transfer_failed;
    }
}

/// Where libcurl's own text misleads. Out of memory we never are told: that ends the process.
std::string_view text_of(CURLcode code) noexcept {
    switch (code) {
        case CURLE_UNSUPPORTED_PROTOCOL:  // prepare() has looked at that of the URL.
        case CURLE_WEIRD_SERVER_REPLY:
            return "the answer is not HTTP";
        case CURLE_OUT_OF_MEMORY:
            return "a header of the answer is too long";
        default:
            return {};
    }
}

std::string_view name_of_version(long version) noexcept {
    switch (version) {
        case CURL_HTTP_VERSION_1_0:
            return "1.0";
        case CURL_HTTP_VERSION_1_1:
            return "1.1";
        case CURL_HTTP_VERSION_2_0:
            return "2";
        default:
            return {};
    }
}

}  // namespace

Transfer::Transfer(Request&& request, Completion&& done, std::size_t body_bytes_max)
    : easy_{curl_easy_init()},
      request_{std::move(request)},
      done_{std::move(done)},
      body_bytes_max_{body_bytes_max} {
    WEIR_ASSERT(easy_ != nullptr);
}

template <class T>
void Transfer::set(CURLoption option, T value) {
    const auto code = curl_easy_setopt(easy_.get(), option, value);
    if (options_ == CURLE_OK) {
        options_ = code;
    }
}

/// libcurl refers to `text` until the transfer ends.
void Transfer::set_blob(CURLoption option, const std::string& text) {
    curl_blob blob{};
    blob.data = const_cast<char*>(text.data());
    blob.len = text.size();
    blob.flags = CURL_BLOB_NOCOPY;
    set(option, &blob);
}

std::optional<std::string> Transfer::prepare() {
    if (!origin_of(request_.url)) {
        return "the URL is not a valid http or https URL";
    }
    if (!set_headers()) {
        return "a header has a character that is not allowed";
    }
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    set(CURLOPT_NOSIGNAL, 1L);
    // The end of a transfer does not wait for a resolver that hangs: all transfers share a thread.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_ERRORBUFFER, error_text_.data());
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_head);
    set(CURLOPT_HEADERDATA, this);
    set_body();
    set_tls();
    set_proxy();
    if (options_ != CURLE_OK) {
        return std::string{"libcurl refuses an option: "} + curl_easy_strerror(options_);
    }
    return std::nullopt;
}

bool Transfer::set_headers() {
    // Without this, libcurl waits a second for "100 Continue" before it sends a large body.
    auto* list = curl_slist_append(nullptr, "Expect:");
    bool valid = true;
    for (const auto& header : request_.headers) {
        valid = valid && is_header_name(header.name) && is_header_value(header.value);
        // A header without a value is written with a semicolon; with a colon libcurl would remove
        // it.
        const auto line = header.name + (header.value.empty() ? ";" : ": " + header.value);
        list = curl_slist_append(list, line.c_str());
    }
    headers_.reset(list);
    set(CURLOPT_HTTPHEADER, list);
    return valid;
}

void Transfer::set_body() {
    if (request_.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
        return;
    }
    if (!request_.body.empty() || request_.method != "GET") {
        set(CURLOPT_POSTFIELDS, request_.body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    }
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void Transfer::set_tls() {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!request_.tls.ca_file.empty()) {
        set(CURLOPT_CAINFO, request_.tls.ca_file.c_str());
        set<const char*>(CURLOPT_CAPATH, nullptr);
    }
    if (!request_.tls.cert_pem.empty()) {
        set_blob(CURLOPT_SSLCERT_BLOB, request_.tls.cert_pem);
        set_blob(CURLOPT_SSLKEY_BLOB, request_.tls.key_pem);
    }
}

/// Proxies of the environment are ignored.
void Transfer::set_proxy() {
    const auto& proxy = request_.proxy;
    set(CURLOPT_PROXY, proxy.url.c_str());
    set(CURLOPT_NOPROXY, "");
    if (proxy.url.empty()) {
        return;
    }
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!request_.tls.ca_file.empty()) {
        set(CURLOPT_PROXY_CAINFO, request_.tls.ca_file.c_str());
    }
    if (!proxy.user.empty()) {
        set(CURLOPT_PROXYUSERNAME, proxy.user.c_str());
        set(CURLOPT_PROXYPASSWORD, proxy.password.c_str());
    }
}

void Transfer::read_timing(Outcome& outcome) const {
    const auto reached = [this](CURLINFO info) {
        curl_off_t microseconds = 0;
        curl_easy_getinfo(easy_.get(), info, &microseconds);
        return std::chrono::microseconds{microseconds};
    };
    auto last = std::chrono::microseconds{0};
    const auto step = [&](CURLINFO info) {
        const auto at = reached(info);
        const auto took = at > last ? at - last : std::chrono::microseconds{0};
        last = std::max(last, at);
        return took;
    };
    outcome.timing.resolve = step(CURLINFO_NAMELOOKUP_TIME_T);
    outcome.timing.connect = step(CURLINFO_CONNECT_TIME_T);
    outcome.timing.tls = step(CURLINFO_APPCONNECT_TIME_T);
    outcome.timing.answer = step(CURLINFO_STARTTRANSFER_TIME_T);
    outcome.timing.total = reached(CURLINFO_TOTAL_TIME_T);
    const char* address = nullptr;
    long port = 0;
    if (curl_easy_getinfo(easy_.get(), CURLINFO_PRIMARY_IP, &address) == CURLE_OK &&
        address != nullptr && *address != '\0') {
        curl_easy_getinfo(easy_.get(), CURLINFO_PRIMARY_PORT, &port);
        const std::string_view ip{address};
        outcome.peer =
            ip.find(':') == std::string_view::npos ? address : "[" + std::string{ip} + "]";
        outcome.peer += ":" + std::to_string(port);
    }
    long version = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
    outcome.http_version = name_of_version(version);
}

void Transfer::finish(CURLcode result) {
    if (result == CURLE_WRITE_ERROR && response_.body_cut) {
        result = CURLE_OK;
    }
    if (result != CURLE_OK) {
        fail(translate(result), text_of_failure(result));
        return;
    }
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<std::uint16_t>(status);
    const char* type = nullptr;
    if (curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type) == CURLE_OK &&
        type != nullptr) {
        response_.content_type = type;
    }
    curl_off_t retry_after = 0;
    if (curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
        retry_after > 0) {
        response_.retry_after = std::chrono::seconds{retry_after};
    }
    const char* location = nullptr;
    if (curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &location) == CURLE_OK &&
        location != nullptr) {
        response_.location = location;
    }
    Outcome outcome{.response = std::move(response_)};
    read_timing(outcome);
    done_(std::move(outcome));
}

std::string Transfer::text_of_failure(CURLcode result) const {
    if (head_bytes_ > kResponseHeadMax) {
        return "the head of the answer is longer than 64 KiB";
    }
    if (const auto own = text_of(result); !own.empty()) {
        return std::string{own};
    }
    return error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(result);
}

void Transfer::fail(errc code, std::string detail) {
    Outcome outcome{.error = code, .detail = std::move(detail)};
    read_timing(outcome);
    done_(std::move(outcome));
}

std::size_t Transfer::on_body(
    char* data, std::size_t size, std::size_t count, void* self
) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    auto& body = transfer.response_.body;
    const std::size_t bytes = size * count;
    const std::size_t taken = std::min(bytes, transfer.body_bytes_max_ - body.size());
    body.append(data, taken);
    transfer.response_.body_cut = taken < bytes;
    return taken;
}

std::size_t Transfer::on_head(
    char* /*data*/, std::size_t size, std::size_t count, void* self
) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.head_bytes_ += size * count;
    return transfer.head_bytes_ <= kResponseHeadMax ? size * count : 0;
}

}  // namespace weir::http_client::detail
