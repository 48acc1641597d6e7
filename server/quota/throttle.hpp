/// How fast devices may publish.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weir/base/clock.hpp>
#include <weir/base/hash.hpp>
#include <weir/document/readers.hpp>

namespace weir::quota {

/// Nothing: not limited.
struct Rates {
    std::optional<document::Rate> messages = {};
    std::optional<document::Rate> bytes = {};  ///< Topic and payload.

    [[nodiscard]] bool limit_anything() const noexcept { return messages || bytes; }
};

/// What one device has left: two times up to which its allowance is spent.
class Bucket {
public:
    /// What a quiet device may send at once.
    static constexpr std::chrono::milliseconds kMessagesBurst{3'000};
    static constexpr std::chrono::milliseconds kBytesBurst{2'000};

    /// True if a message of any size may go now.
    [[nodiscard]] bool admits(SteadyTime now) const noexcept;
    /// One message of `bytes` has gone.
    void take(const Rates& rates, std::uint64_t bytes, SteadyTime now) noexcept;
    /// True if nothing is spent: the bucket may be forgotten.
    [[nodiscard]] bool is_whole(SteadyTime now) const noexcept;

    /// True once for each time that the device is held back: what is repeated many times a second is told once.
    [[nodiscard]] bool is_news() noexcept { return !std::exchange(told_, true); }

private:
    using Fine = std::chrono::nanoseconds;

    Fine messages_spent_{0};
    Fine bytes_spent_{0};
    bool told_ = false;
};

/// Belongs to one shard and is called there only.
class Throttle {
public:
    /// The device's bucket; valid until the next call. @cost One look-up; an allocation for a device that was quiet.
    [[nodiscard]] Bucket& bucket(std::string_view device);
    /// Once a second: forgets devices that have been quiet for so long that their allowance is whole.
    void advance(SteadyTime now);

    [[nodiscard]] std::size_t size() const noexcept { return buckets_.size(); }

private:
    boost::unordered_flat_map<std::string, Bucket, TextHash, std::equal_to<>> buckets_;
};

}  // namespace weir::quota
