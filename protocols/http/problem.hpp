/// Error bodies that programs can read. [RFC9457]
#pragma once

#include <cstdint>
#include <string>

#include <weir/http/response.hpp>

namespace weir::http {

struct Problem {
    std::uint16_t status = 500;
    std::string code = {
    };  ///< Stable name of the reason, snake_case ("publish_denied"); member "code".
    std::string detail = {};  ///< For people: what is wrong with this request, and what to do.
};

/// {"type":"about:blank","title":<phrase of the status>,"status":..,"code":..,"detail":..}; empty
/// members are left out.
[[nodiscard]] std::string to_json(const Problem& problem);

/// An application/problem+json answer.
[[nodiscard]] Response to_response(const Problem& problem);

}  // namespace weir::http
