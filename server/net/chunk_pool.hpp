/// Memory for output that waits for the end of a wake, or for a slow peer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::net {

/// Blocks of three sizes, kept in free lists. One per shard: in steady state no allocation. One
/// thread.
class ChunkPool {
public:
    static constexpr std::array<std::size_t, 3> kSizes = {64, 512, 4096};
    /// What free lists hold back from the allocator, per size.
    static constexpr std::size_t kKeptBytesMax = 2 * 1024 * 1024;

    ChunkPool() noexcept = default;
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;
    /// Everything has been given back.
    ~ChunkPool();

    /// @param size At most kSizes.back() comes from a list; more is the allocator's. @return `size`
    /// rounded up in `size`.
    [[nodiscard]] void* take(std::size_t& size);
    /// @param size As take() left it.
    void give_back(void* chunk, std::size_t size) noexcept;

    /// Bytes that are out, for gauges and tests.
    [[nodiscard]] std::size_t bytes_out() const noexcept { return bytes_out_; }

private:
    struct Free {
        Free* next;
    };
    struct List {
        Free* head = nullptr;
        std::size_t kept = 0;
    };

    std::array<List, kSizes.size()> lists_;
    std::size_t bytes_out_ = 0;
};

}  // namespace weir::net
