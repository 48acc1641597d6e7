#include <weir/http/problem.hpp>

#include <fmt/format.h>

#include <weir/base/log.hpp>

namespace weir::http {

std::string to_json(const Problem& problem) {
    std::string out = fmt::format(
        R"({{"type":"about:blank","title":"{}","status":{})", phrase(problem.status), problem.status
    );
    if (!problem.code.empty()) {
        out += fmt::format(R"(,"code":"{}")", log::json_escape(problem.code));
    }
    if (!problem.detail.empty()) {
        out += fmt::format(R"(,"detail":"{}")", log::json_escape(problem.detail));
    }
    out += '}';
    return out;
}

Response to_response(const Problem& problem) {
    return {
        .status = problem.status,
        .content_type = "application/problem+json",
        .body = to_json(problem)
    };
}

}  // namespace weir::http
