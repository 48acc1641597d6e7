#include <weir/broker/interest.hpp>

namespace weir::broker {

bool Interest::add(Subscription& subscription) {
    local_.insert(subscription.filter, &subscription);
    return ++filters_[subscription.filter] == 1;
}

bool Interest::remove(Subscription& subscription) {
    local_.erase(subscription.filter, &subscription);
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
