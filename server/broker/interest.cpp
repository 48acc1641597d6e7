#include <weir/broker/interest.hpp>

namespace weir::broker {
namespace {

[[nodiscard]] bool is_status(std::string_view filter) noexcept {
    return filter.starts_with("$SYS/");
}

}  // namespace

bool Interest::add(Subscription& subscription) {
    local_.insert(subscription.filter, &subscription);
    if (is_status(subscription.filter)) {
        ++status_listeners_.now;
        ++status_listeners_.ever;
    }
    return ++filters_[subscription.filter] == 1;
}

bool Interest::remove(Subscription& subscription) {
    local_.erase(subscription.filter, &subscription);
    status_listeners_.now -= is_status(subscription.filter) ? 1U : 0U;
    const auto found = filters_.find(subscription.filter);
    if (--found->second > 0) {
        return false;
    }
    filters_.erase(found);
    return true;
}

void Interest::add_remote(std::string_view filter, unsigned shard) {
    remote_.insert(filter, shard);
}

void Interest::remove_remote(std::string_view filter, unsigned shard) {
    remote_.erase(filter, shard);
}

}  // namespace weir::broker
