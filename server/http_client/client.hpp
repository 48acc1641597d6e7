/// Outgoing HTTP requests and their outcomes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <weir/base/error.hpp>

namespace weir::http_client {

/// Why there is no answer.
enum class errc : std::uint8_t {
    bad_request = 1,  ///< The URL or a header cannot be sent; trying again is of no use.
    resolve_failed,
    connect_failed,
    tls_failed,  ///< Handshake, certificate, host name, or an own key file.
    timed_out,
    transfer_failed,  ///< The connection broke, or the answer is not HTTP.
    overloaded,       ///< More requests in flight than the client's limit.
    cancelled,        ///< The client stops.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] error_code make_error_code(errc code) noexcept;

struct TlsOptions {
    std::string ca_file = {};   ///< PEM; empty: the system's certificates.
    std::string cert_pem = {};  ///< Our chain for mutual TLS, own certificate first; empty: none.
    std::string key_pem = {};   ///< Its private key. A secret.
};

/// A server that requests go through.
struct ProxyOptions {
    std::string url = {};   ///< http or https, without user name; empty: none.
    std::string user = {};  ///< Basic authentication, with password; empty: none.
    std::string password = {};
};

struct Header {
    std::string name;
    std::string value;
};

struct Request {
    std::string method = "GET";
    std::string url = {};
    std::vector<Header> headers = {};
    std::string body = {};
    std::chrono::milliseconds timeout{10'000};  ///< From submission to the last byte of the answer.
    std::chrono::milliseconds connect_timeout{10'000};  ///< Of it, until TLS is up.
    TlsOptions tls = {};
    ProxyOptions proxy = {};
};

struct Response {
    std::uint16_t status = 0;
    std::string body = {};  ///< At most the client's body_bytes_max.
    bool body_cut = false;  ///< There was more.
    std::string content_type = {};
    std::optional<std::chrono::seconds> retry_after = {
    };  ///< Seconds or date, as seconds from now.
    std::string location = {};  ///< Where a redirect leads, as a whole URL; empty: nowhere.
};

/// How long the steps of a request took, each from the end of the one before. Zero for steps that
/// were not reached, or not needed: a kept connection resolves and connects nothing.
struct Timing {
    std::chrono::microseconds resolve{0};
    std::chrono::microseconds connect{0};
    std::chrono::microseconds tls{0};
    std::chrono::microseconds answer{0};  ///< From the request until the first byte of the answer.
    std::chrono::microseconds total{0};   ///< From the start.
};

/// An answer, whatever its status, or the reason for having none.
struct Outcome {
    error_code error = {};
    std::string detail = {
    };  ///< For people, if there is an error: "could not resolve host ops.example".
    Response response = {};
    Timing timing = {};
    std::string peer = {};          ///< Address and port that was connected to.
    std::string http_version = {};  ///< "1.1", "2"
};

/// Called once, on the client's thread; short, must not throw; may submit.
using Completion = std::move_only_function<void(Outcome&&)>;

/// Owned by the Gateway; outlives those who submit.
class Client {
public:
    virtual ~Client() = default;
    /// Any thread. Never blocks; every failure comes to `done`.
    virtual void submit(Request request, Completion done) = 0;
};

/// "https://ops.example:8443" of an http or https URL, lower-case, with the port if it is not the
/// default one. Nothing if the URL is malformed, of another scheme, or carries a user name.
[[nodiscard]] std::optional<std::string> origin_of(const std::string& url);

/// Header names do not tell apart upper and lower case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;
/// False: it has a line break or another control character than the tab. (RFC 9110 section 5.5)
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;
/// Replaces the first header of that name, or adds one.
void set_header(std::vector<Header>& headers, Header header);

}  // namespace weir::http_client

template <>
struct boost::system::is_error_code_enum<weir::http_client::errc> : std::true_type {};
