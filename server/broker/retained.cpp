#include <weir/broker/retained.hpp>

#include <utility>

#include <weir/base/topic.hpp>

namespace weir::broker {

void RetainedStore::note_expiry(const model::Message& message) {
    if (message.expires().count() != 0) {
        by_expiry_.emplace(message.expires(), message.topic());
    }
}

void RetainedStore::drop_expiry(const model::Message& message) {
    if (message.expires().count() != 0) {
        by_expiry_.erase({message.expires(), message.topic()});
    }
}

std::vector<Retained> RetainedStore::take_expired(WallTime now) {
    std::vector<Retained> expired;
    while (expired.size() < kDropsMax && !by_expiry_.empty() && by_expiry_.begin()->first <= now) {
        const auto found = by_topic_.find(by_expiry_.begin()->second);
        by_expiry_.erase(by_expiry_.begin());
        expired.push_back(std::move(found->second));
        by_topic_.erase(found);
    }
    return expired;
}

bool RetainedStore::put(Retained retained) {
    const auto topic = retained.message->topic();
    const auto found = by_topic_.find(topic);
    if (retained.message->payload().empty()) {
        if (found != by_topic_.end()) {
            drop_expiry(*found->second.message);
            by_topic_.erase(found);
        }
        return true;
    }
    if (found != by_topic_.end()) {
        drop_expiry(*found->second.message);
        found->second = std::move(retained);
        note_expiry(*found->second.message);
        return true;
    }
    if (by_topic_.size() >= messages_max_) {
        return false;
    }
    note_expiry(*retained.message);
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
