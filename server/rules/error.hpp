/// What can go wrong while a rule is evaluated.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <type_traits>

#include <weir/base/error.hpp>

namespace weir::rules {

enum class errc : std::uint8_t {
    budget_exceeded = 1,  ///< More steps than one evaluation may take.
    template_undefined,   ///< An expression of a template has no value, or none with a text form.
    template_empty,       ///< The whole template came out empty.
    template_refused,     ///< It came out as something that a request must not have.
    too_many_outputs,     ///< FOREACH over more elements than Evaluator::kOutputsMax.
    state_key_too_long,   ///< The key of what a rule remembers has more than kStateKeyBytesMax.
};

[[nodiscard]] const boost::system::error_category& category() noexcept;
[[nodiscard]] error_code make_error_code(errc code) noexcept;

}  // namespace weir::rules

template <>
struct boost::system::is_error_code_enum<weir::rules::errc> : std::true_type {};
