#include <weir/admin/dispatch.hpp>

#include <exception>

#include <fmt/format.h>

#include <weir/http/problem.hpp>

namespace weir::admin {
namespace {

using Outcome = http::PathMatch::Outcome;

http::Response run(const Handler& handler, const Call& call) {
    try {
        return handler(call);
    } catch (const ApiError& error) {
        return http::to_response(
            {.status = error.status(), .code = error.code(), .detail = error.what()}
        );
    } catch (const std::exception& error) {
        return http::to_response({.status = 500, .code = "internal", .detail = error.what()});
    }
}

}  // namespace

http::Response dispatch(const Routes& routes, Call call) {
    auto found = routes.match(call.method, call.target);
    switch (found.path.outcome) {
        case Outcome::found:
            call.path = std::move(found.path.values);
            return run(*found.value, call);
        case Outcome::no_method: {
            auto response = http::to_response(
                {.status = 405,
                 .code = "method_not_allowed",
                 .detail = fmt::format("allowed here: {}", found.path.allowed)}
            );
            response.headers.emplace_back("Allow", std::move(found.path.allowed));
            return response;
        }
        case Outcome::bad_encoding:
            return http::to_response(
                {.status = 400, .code = "bad_encoding", .detail = "a % escape is not complete"}
            );
        case Outcome::no_path:
            break;
    }
    return http::to_response({.status = 404, .code = "not_found", .detail = "nothing is here"});
}

}  // namespace weir::admin
