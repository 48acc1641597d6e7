#include <weir/broker/retained_reads.hpp>

#include <algorithm>

namespace weir::broker {

RetainedReads::Id RetainedReads::begin(Subscription& subscription) {
    const Id id{++last_};
    reads_.push_back({id, &subscription, {}, {}});
    ++subscription.reads;
    return id;
}

bool RetainedReads::meet(const Subscription& subscription, const model::MessagePtr& message) {
    bool is_new = true;
    for (Read& read : reads_) {
        if (read.subscription != &subscription) {
            continue;
        }
        read.live.emplace(message->topic());
        const auto handed_out = read.handed_out.find(message->topic());
        if (handed_out != read.handed_out.end()) {
            is_new = is_new && handed_out->second.get() != message.get();
            // Whatever comes now, it is no longer the last one of its topic that the client saw.
            read.handed_out.erase(handed_out);
        }
    }
    return is_new;
}

bool RetainedReads::hand_out(Id id, const model::MessagePtr& message) {
    const auto read = std::ranges::find(reads_, id, &Read::id);
    if (read == reads_.end() || read->live.contains(message->topic())) {
        return false;
    }
    read->handed_out.insert_or_assign(std::string{message->topic()}, message);
    return true;
}

bool RetainedReads::has_handed_out(Id id) const noexcept {
    const auto read = std::ranges::find(reads_, id, &Read::id);
    return read != reads_.end() && !read->handed_out.empty();
}

void RetainedReads::end(Id id) noexcept {
    std::erase_if(reads_, [id](const Read& read) {
        if (read.id != id) {
            return false;
        }
        --read.subscription->reads;
        return true;
    });
}

void RetainedReads::forget(const Subscription& subscription) noexcept {
    std::erase_if(reads_, [&](const Read& read) { return read.subscription == &subscription; });
}

}  // namespace weir::broker
