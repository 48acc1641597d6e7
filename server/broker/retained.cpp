#include <weir/broker/retained.hpp>

#include <utility>

#include <weir/base/topic.hpp>

namespace weir::broker {

bool RetainedStore::put(Retained retained) {
    const auto topic = retained.message->topic();
    const auto found = by_topic_.find(topic);
    if (retained.message->payload().empty()) {
        if (found != by_topic_.end()) {
            by_topic_.erase(found);
        }
        return true;
    }
    if (found != by_topic_.end()) {
        found->second = std::move(retained);
        return true;
    }
    if (by_topic_.size() >= messages_max_) {
        return false;
    }
    by_topic_.emplace(std::string{topic}, std::move(retained));
    return true;
}

void RetainedStore::collect(std::string_view filter, WallTime now, std::vector<Retained>& out)
    const {
    const auto take = [&](const Retained& retained) {
        if (!retained.message->expired(now)) {
            out.push_back(retained);
        }
    };
    if (filter.find_first_of("+#") == std::string_view::npos) {
        if (const auto found = by_topic_.find(filter); found != by_topic_.end()) {
            take(found->second);
        }
        return;
    }
    for (const auto& [topic, retained] : by_topic_) {
        if (filter_matches(filter, topic)) {
            take(retained);
        }
    }
}

}  // namespace weir::broker
