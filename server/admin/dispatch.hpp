/// From a request of an operator to an answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weir/http/response.hpp>
#include <weir/http/router.hpp>

namespace weir::admin {

struct Call {
    std::string method = "GET";
    std::string target = "/";            ///< Path and query, as sent.
    std::vector<std::string> path = {};  ///< Values of the {name} segments; set by dispatch().
    std::string content_type = {};
    std::string body = {};

    /// The decoded value of a parameter of the query; nothing if it is missing.
    [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
        return http::query_value(target, name);
    }
};

/// May block. May throw ApiError; whatever else it throws is answered with 500.
using Handler = std::function<http::Response(const Call&)>;
using Routes = http::Router<Handler>;

/// A request that cannot be fulfilled: answered as a problem document.
class ApiError : public std::runtime_error {
public:
    /// @param code  Stable name of the reason, snake_case. @param detail  For people.
    ApiError(std::uint16_t status, std::string code, const std::string& detail)
        : std::runtime_error{detail}, status_{status}, code_{std::move(code)} {}

    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] const std::string& code() const noexcept { return code_; }

private:
    std::uint16_t status_;
    std::string code_;
};

/// Finds the route and runs its handler. 404, 405 with Allow, or 400 where there is none.
/// @cost As long as the handler takes. Never throws what a handler threw.
[[nodiscard]] http::Response dispatch(const Routes& routes, Call call);

}  // namespace weir::admin
