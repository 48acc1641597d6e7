/// Counts every operator new of the process. Replaces the global operators: include it in one
/// source of an executable.
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>

namespace weir::test {

inline std::atomic<std::size_t> allocations{0
};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
inline std::atomic<std::size_t> allocated_bytes{0
};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace weir::test

// Not inlined: the compiler would pair one half with the library's other half and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    weir::test::allocations.fetch_add(1, std::memory_order_relaxed);
    weir::test::allocated_bytes.fetch_add(size, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc{};
}
// The sanitizers' own nothrow form would not pair with the delete below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    weir::test::allocations.fetch_add(1, std::memory_order_relaxed);
    weir::test::allocated_bytes.fetch_add(size, std::memory_order_relaxed);
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}
