#include <weir/rules/error.hpp>


namespace weir::rules {
namespace {

[[nodiscard]] std::string_view text_of(errc code) noexcept {
    switch (code) {
        case errc::budget_exceeded:
            return "the evaluation takes too many steps";
        case errc::template_undefined:
            return "an expression of the template has no value for this message";
        case errc::template_empty:
            return "the template is empty for this message";
        case errc::template_refused:
            return "the template gives a text that is too long, or a path with . or .. in it";
        case errc::too_many_outputs:
            return "FOREACH makes more than 1000 outputs of this message";
        case errc::state_key_too_long:
            return "the key of what the rule remembers has more than 256 bytes";
    }
    return "unknown error";
}

}  // namespace

const boost::system::error_category& category() noexcept {
    static const ErrorCategory<errc> instance{"weir.rules", text_of};
    return instance;
}

error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), category()};
}

}  // namespace weir::rules
