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

std::uint16_t Flow::start(Copy copy) {
    WEIR_DEBUG_ASSERT(window_.size() < kPacketIds && copy.qos != model::Qos::at_most_once);
    const auto id = static_cast<std::uint16_t>((first_id_ - 1U + window_.size()) % kPacketIds + 1U);
    make_room(window_);
    window_.push_back(InFlight{std::move(copy), State::sent});
    ++unsettled_;
    return id;
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

bool Flow::settle(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr) {
        return false;
    }
    entry->state = State::settled;
    entry->copy = {};
    --unsettled_;
    if (position_of(packet_id) >= window_.size() - again_) {
        --held_;
    }
    drop_settled();
    return true;
}

bool Flow::receive(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr || entry->copy.qos != model::Qos::exactly_once) {
        return false;
    }
    entry->state = State::released;
    entry->copy.message = {};
    return true;
}

std::optional<Copy> Flow::give_back(std::uint16_t packet_id) noexcept {
    InFlight* const entry = find(packet_id);
    if (entry == nullptr || entry->state != State::sent) {
        return std::nullopt;
    }
    Copy copy = std::move(entry->copy);
    settle(packet_id);
    return copy;
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
    queued_bytes_ += size;
    make_room(queue_);
    queue_.push_back(std::move(copy));
    return lost;
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
    queue_.push_front(std::move(copy));
}

Copy Flow::pop() {
    Copy copy = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= copy.message->footprint();
    return copy;
}

}  // namespace weir::broker
