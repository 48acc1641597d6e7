#include <weir/broker/retained_reads.hpp>

#include <algorithm>

namespace weir::broker {

RetainedReads::Read* RetainedReads::find(Id id) noexcept {
    const auto found = reads_.find(static_cast<std::uint32_t>(id));
    return found == reads_.end() ? nullptr : found->second.get();
}

RetainedReads::Ticket RetainedReads::ask(Subscription& subscription) {
    if (subscription.read == 0) {
        do {
            ++last_id_;
        } while (last_id_ == 0 || reads_.contains(last_id_));
        subscription.read = last_id_;
        reads_.emplace(last_id_, std::make_unique<Read>(subscription));
    }
    const Id id{subscription.read};
    ++find(id)->asked_;
    return {id, ++now_};
}

bool RetainedReads::start(const Ticket& ticket) {
    Read* const read = find(ticket.read);
    if (read == nullptr) {
        return false;
    }
    --read->asked_;
    read->since_next_ = std::max(read->since_next_, ticket.since);
    if (read->is_running_) {
        read->goes_again_ = true;
        return false;
    }
    begin(*read);
    return true;
}

void RetainedReads::begin(Read& read) {
    read.is_running_ = true;
    read.goes_again_ = false;
    read.since_ = read.since_next_;
    boost::unordered::erase_if(read.live_, [&read](const auto& came) {
        return came.second <= read.since_;
    });
    read.handed_out_.clear();
}

void RetainedReads::drop(const Ticket& ticket) {
    if (Read* const read = find(ticket.read)) {
        --read->asked_;
        forget_if_idle(ticket.read);
    }
}

bool RetainedReads::end(Id id) {
    Read* const read = find(id);
    if (read == nullptr) {
        return false;
    }
    read->is_running_ = false;
    if (read->goes_again_) {
        begin(*read);
        return true;
    }
    forget_if_idle(id);
    return false;
}

void RetainedReads::forget_if_idle(Id id) {
    const Read& read = *find(id);
    if (!read.is_running_ && read.asked_ == 0) {
        forget(read.subscription);
    }
}

void RetainedReads::forget(Subscription& subscription) noexcept {
    reads_.erase(subscription.read);
    subscription.read = 0;
}

bool RetainedReads::meet(const Subscription& subscription, const model::MessagePtr& message) {
    Read& read = *find(Id{subscription.read});
    read.live_.insert_or_assign(std::string{message->topic()}, ++now_);
    const auto handed_out = read.handed_out_.find(message->topic());
    if (handed_out == read.handed_out_.end()) {
        return true;
    }
    const bool is_new = handed_out->second.get() != message.get();
    // Whatever comes now, it is no longer the last one of its topic that the client saw.
    read.handed_out_.erase(handed_out);
    return is_new;
}

bool RetainedReads::hand_out(Read& read, const model::MessagePtr& message) {
    const auto live = read.live_.find(message->topic());
    if (live != read.live_.end() && live->second > read.since_) {
        return false;
    }
    read.handed_out_.insert_or_assign(std::string{message->topic()}, message);
    return true;
}

}  // namespace weir::broker
