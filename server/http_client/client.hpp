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
    std::string ca_file = {};    ///< PEM; empty: the system's certificates.
    std::string cert_file = {};  ///< PEM, ours for mutual TLS; empty: none.
    std::string key_file = {};
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
    TlsOptions tls = {};
};

struct Response {
    std::uint16_t status = 0;
    std::string body = {};  ///< At most the client's body_bytes_max.
    bool body_cut = false;  ///< There was more.
    std::string content_type = {};
    std::optional<std::chrono::seconds> retry_after = {
    };  ///< Seconds or date, as seconds from now.
};

/// An answer, whatever its status, or the reason for having none.
struct Outcome {
    error_code error = {};
    std::string detail = {
    };  ///< For people, if there is an error: "could not resolve host ops.example".
    Response response = {};
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

}  // namespace weir::http_client

template <>
struct boost::system::is_error_code_enum<weir::http_client::errc> : std::true_type {};
