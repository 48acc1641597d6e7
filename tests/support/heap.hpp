/// How much of the heap is in use.
#pragma once

#include <malloc.h>

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // g++ installs no header for it.
#endif

namespace weir::test {

/// Bytes that the process holds from malloc, all threads together.
[[nodiscard]] inline std::size_t heap_bytes() noexcept {
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

}  // namespace weir::test
