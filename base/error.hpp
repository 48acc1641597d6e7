/// Results without exceptions, for everything that untrusted input can reach.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

using boost::system::error_code;

/// A value or an error_code. Each module has one `errc` enum with its own category.
template <class T = void>
using Result = boost::system::result<T>;

/// The category of a module's `errc`: a name, and what each code says. One static object per module.
template <class Errc>
class ErrorCategory final : public boost::system::error_category {
public:
    using TextOf = std::string_view (*)(Errc code) noexcept;

    /// @param text_of  Has a text for every number.
    ErrorCategory(const char* name, TextOf text_of) noexcept : name_{name}, text_of_{text_of} {}

    [[nodiscard]] const char* name() const noexcept override { return name_; }
    [[nodiscard]] std::string message(int code) const override {
        return std::string{text_of_(static_cast<Errc>(code))};
    }

private:
    const char* name_;
    TextOf text_of_;
};

/// Drops a result on purpose; `why` makes the places searchable.
template <class T>
void ignore_error(const Result<T>& /*result*/, std::string_view /*why*/) noexcept {}

}  // namespace weir

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)

/// `WEIR_TRY(auto x, f());` declares x from the result's value, or returns its error.
#define WEIR_TRY(declaration, ...) WEIR_TRY_INNER(WEIR_CONCAT(weir_try_, __LINE__), declaration, __VA_ARGS__)
#define WEIR_TRY_INNER(name, declaration, ...) \
    auto name = (__VA_ARGS__);                 \
    if (!name) {                               \
        return name.error();                   \
    }                                          \
    declaration = std::move(*name)

/// `WEIR_CHECK(f());` returns the error of a Result<void>.
#define WEIR_CHECK(...)                              \
    if (auto weir_check = (__VA_ARGS__); !weir_check) { \
        return weir_check.error();                   \
    }
