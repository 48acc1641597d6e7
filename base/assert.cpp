#include <weir/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace weir::detail {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "weir: assertion failed: %s at %s:%d\n", expression, file, line);
    std::abort();
}

}  // namespace weir::detail
