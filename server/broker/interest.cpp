#include <weir/broker/interest.hpp>

namespace weir::broker {
namespace {

[[nodiscard]] bool is_status(std::string_view filter) noexcept {
    return filter.starts_with("$SYS/");
}

}  // namespace

bool Interest::count_up(const std::string& filter) {
    if (is_status(filter)) {
        ++status_listeners_.now;
        ++status_listeners_.ever;
    }
    return ++filters_[filter] == 1;
}

bool Interest::count_down(const std::string& filter) {
    status_listeners_.now -= is_status(filter) ? 1U : 0U;
    const auto found = filters_.find(filter);
    if (--found->second > 0) {
        return false;
    }
    filters_.erase(found);
    return true;
}

bool Interest::add(Subscription& subscription) {
    local_.insert(subscription.filter, &subscription);
    return count_up(subscription.filter);
}

bool Interest::add(SharedGroup& group) {
    groups_.insert(group.filter(), &group);
    return count_up(group.filter());
}

bool Interest::remove(Subscription& subscription) {
    local_.erase(subscription.filter, &subscription);
    return count_down(subscription.filter);
}

bool Interest::remove(SharedGroup& group) {
    groups_.erase(group.filter(), &group);
    return count_down(group.filter());
}

void Interest::add_remote(std::string_view filter, unsigned shard) {
    remote_.insert(filter, shard);
}

void Interest::remove_remote(std::string_view filter, unsigned shard) {
    remote_.erase(filter, shard);
}

}  // namespace weir::broker
