#include <weir/quota/throttle.hpp>

#include <algorithm>

namespace weir::quota {
namespace {

using Fine = std::chrono::nanoseconds;

/// No single message can hold a device back for longer.
constexpr Fine kDebtMax = std::chrono::hours{1};

/// How long the rate needs for `amount`.
[[nodiscard]] Fine cost(const std::optional<document::Rate>& rate, std::uint64_t amount) noexcept {
    if (!rate) {
        return Fine{0};
    }
    const double ns = static_cast<double>(amount) * 1e9 / rate->per_second();
    return ns < static_cast<double>(kDebtMax.count()) ? Fine{static_cast<std::int64_t>(ns)} : kDebtMax;
}

}  // namespace

bool Bucket::admits(SteadyTime now) const noexcept {
    return messages_spent_ - now < kMessagesBurst && bytes_spent_ - now < kBytesBurst;
}

void Bucket::take(const Rates& rates, std::uint64_t bytes, SteadyTime now) noexcept {
    messages_spent_ = std::max<Fine>(messages_spent_, now) + cost(rates.messages, 1);
    bytes_spent_ = std::max<Fine>(bytes_spent_, now) + cost(rates.bytes, bytes);
    told_ = false;
}

bool Bucket::is_whole(SteadyTime now) const noexcept {
    return messages_spent_ <= now && bytes_spent_ <= now;
}

Bucket& Throttle::bucket(std::string_view device) {
    auto found = buckets_.find(device);
    if (found == buckets_.end()) {
        found = buckets_.emplace(device, Bucket{}).first;
    }
    return found->second;
}

void Throttle::advance(SteadyTime now) {
    boost::unordered::erase_if(buckets_, [now](const auto& entry) {
        return entry.second.is_whole(now);
    });
}

}  // namespace weir::quota
