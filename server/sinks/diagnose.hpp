/// What to do about an answer, for people.
#pragma once

#include <string>
#include <string_view>

#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>

namespace weir::sinks {

/// What the sink would do with the records.
enum class Meaning : std::uint8_t {
    delivered,
    again,  ///< It would try again.
    never,  ///< They would become dead letters.
};

/// "delivered", "again", "never"
[[nodiscard]] std::string_view name(Meaning meaning) noexcept;

struct Diagnosis {
    Meaning meaning = Meaning::delivered;
    std::string text;  ///< "status 401: ..." or why there was no answer; empty if delivered.
    std::string hint;  ///< What to look at, with the key to change; empty if delivered.
};

[[nodiscard]] Diagnosis diagnose(const http_client::Outcome& outcome, const HttpSinkConfig& config);

}  // namespace weir::sinks
