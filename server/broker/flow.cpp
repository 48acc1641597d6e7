#include <weir/broker/flow.hpp>

#include <algorithm>

#include <weir/base/assert.hpp>

namespace weir::broker {
namespace {

constexpr std::size_t kFirstCapacity = 8;
/// Packet ids are 1..65535, and those between the oldest unsettled and the newest are all taken.
constexpr std::size_t kPacketIds = 0xFFFF;

template <class T>
void make_room(boost::circular_buffer<T>& ring) {
    if (ring.full()) {
        ring.set_capacity(std::max(kFirstCapacity, ring.capacity() * 2));
    }
}

}  // namespace

bool Flow::open(std::uint64_t window) const noexcept {
    return unsettled_ - held_ < window && window_.size() < kPacketIds;
}

void Flow::begin_again() noexcept {
    again_ = window_.size();
    held_ = unsettled_;
}

Flow::Again Flow::next_again() noexcept {
    for (; held_ > 0; --again_) {
        const std::size_t position = window_.size() - again_;
        if (window_[position].state != State::settled) {
            return {
                .packet_id =
                    static_cast<std::uint16_t>((first_id_ - 1U + position) % kPacketIds + 1U),
                .entry = &window_[position]
            };
        }
    }
    again_ = 0;
    return {};
}

void Flow::went_again() noexcept {
    --again_;
    --held_;
}

std::uint16_t Flow::next_packet_id() const noexcept {
    return static_cast<std::uint16_t>((first_id_ - 1U + window_.size()) % kPacketIds + 1U);
}

std::uint16_t Flow::start(Copy copy, State state) {
    WEIR_DEBUG_ASSERT(window_.size() < kPacketIds && copy.qos != model::Qos::at_most_once);
    const std::uint16_t id = next_packet_id();
    make_room(window_);
    window_.push_back(InFlight{std::move(copy), state});
    ++unsettled_;
    storing_ += state == State::storing ? 1 : 0;
    return id;
}

bool Flow::restore(std::uint16_t packet_id, Copy copy, State state) {
    if (window_.empty()) {
        first_id_ = packet_id;
    }
    const std::size_t position = position_of(packet_id);
    if (packet_id == 0 || position < window_.size() || position > kPacketIds / 2) {
        return false;  // Not behind the others.
    }
    // Those between were settled, or wait in the queue again.
    for (std::size_t missing = position_of(packet_id) - window_.size(); missing > 0; --missing) {
        make_room(window_);
        window_.push_back(InFlight{{}, State::settled});
        ++again_;
    }
    make_room(window_);
    window_.push_back(InFlight{std::move(copy), state});
    ++again_;
    ++unsettled_;
    ++held_;
    return true;
}

const Copy* Flow::stored(std::uint16_t packet_id, std::uint64_t sequence) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr || entry->state != State::storing || entry->copy.sequence != sequence) {
        return nullptr;
    }
    entry->state = State::sent;
    --storing_;
    return is_going_again(packet_id) ? nullptr : &entry->copy;
}

std::size_t Flow::position_of(std::uint16_t packet_id) const noexcept {
    return (packet_id + kPacketIds - first_id_) % kPacketIds;
}

Flow::InFlight* Flow::find(std::uint16_t packet_id) noexcept {
    if (packet_id == 0) {
        return nullptr;
    }
    const std::size_t position = position_of(packet_id);
    if (position >= window_.size() || window_[position].state == State::settled) {
        return nullptr;
    }
    return &window_[position];
}

bool Flow::refused(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry->state == State::storing) {
        return settle(packet_id);
    }
    entry->copy.sequence = 0;
    return false;
}

bool Flow::settle(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr) {
        return false;
    }
    storing_ -= entry->state == State::storing ? 1 : 0;
    entry->state = State::settled;
    entry->copy = {};
    --unsettled_;
    if (is_going_again(packet_id)) {
        --held_;
    }
    drop_settled();
    return true;
}

bool Flow::receive(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr || entry->copy.qos != model::Qos::exactly_once ||
        entry->state == State::storing) {
        return false;
    }
    entry->state = State::released;
    entry->copy.message = {};
    return true;
}

std::optional<Copy> Flow::give_back(std::uint16_t packet_id, State state) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr || entry->state != state) {
        return std::nullopt;
    }
    Copy copy = std::move(entry->copy);
    settle(packet_id);
    return copy;
}

std::uint16_t Flow::packet_id_of(std::uint64_t sequence) const noexcept {
    const auto found = std::ranges::find_if(window_, [sequence](const InFlight& each) {
        return each.state != State::settled && each.copy.sequence == sequence;
    });
    const auto position = static_cast<std::size_t>(found - window_.begin());
    return found == window_.end()
               ? std::uint16_t{0}
               : static_cast<std::uint16_t>((first_id_ - 1U + position) % kPacketIds + 1U);
}

void Flow::drop_settled() noexcept {
    while (!window_.empty() && window_.front().state == State::settled) {
        window_.pop_front();
        first_id_ = after(first_id_);
        again_ = std::min(again_, window_.size());
    }
}

std::uint64_t Flow::enqueue(Copy copy, const model::Limits& limits) {
    const std::uint64_t size = copy.message->footprint();
    if (size > limits.queue_bytes || limits.queue_messages == 0) {
        return 1;
    }
    std::uint64_t lost = 0;
    while (queue_.size() >= limits.queue_messages || queued_bytes_ > limits.queue_bytes - size) {
        pop();
        ++lost;
    }
    append(std::move(copy));
    return lost;
}

void Flow::append(Copy copy) {
    queued_bytes_ += copy.message->footprint();
    make_room(queue_);
    queue_.push_back(std::move(copy));
}

bool Flow::withdraw(std::uint64_t sequence) {
    const auto found = std::ranges::find(queue_, sequence, &Copy::sequence);
    if (found == queue_.end()) {
        return false;
    }
    queued_bytes_ -= found->message->footprint();
    queue_.erase(found);
    return true;
}

bool Flow::has_room(std::uint64_t size, const model::Limits& limits) const noexcept {
    return queue_.size() < limits.queue_messages && size <= limits.queue_bytes &&
           queued_bytes_ <= limits.queue_bytes - size;
}

bool Flow::half_empty(const model::Limits& limits) const noexcept {
    return queue_.size() <= limits.queue_messages / 2 && queued_bytes_ <= limits.queue_bytes / 2;
}

void Flow::enqueue_first(Copy copy) {
    queued_bytes_ += copy.message->footprint();
    make_room(queue_);
    const auto newer = std::ranges::find_if(queue_, [&copy](const Copy& each) {
        return each.sequence >= copy.sequence;
    });
    queue_.insert(newer, std::move(copy));
}

Copy Flow::pop() {
    Copy copy = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= copy.message->footprint();
    return copy;
}

}  // namespace weir::broker
