/// Assertions about our own code. Never on anything that came from outside.
#pragma once

namespace weir::detail {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace weir::detail

/// Always on: prints the expression and where it stands, then aborts.
#define WEIR_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::weir::detail::assertion_failed(#expression, __FILE__, __LINE__))

/// For hot paths: nothing in release builds.
#ifdef NDEBUG
#define WEIR_DEBUG_ASSERT(expression) static_cast<void>(0)
#else
#define WEIR_DEBUG_ASSERT(expression) WEIR_ASSERT(expression)
#endif
