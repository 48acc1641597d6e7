/// Acknowledgements in the order of the publishes.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <memory>

#include <weir/model/reason.hpp>
#include <weir/mqtt/packet.hpp>

namespace weir::endpoints {

/// PUBACKs and PUBRECs of one connection: each may become ready at any time and leaves when all before it have left.
/// [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]
class AckQueue {
public:
    struct Owed {
        mqtt::PacketType type = mqtt::PacketType::puback;
        std::uint16_t packet_id = 0;
        mqtt::ReasonCode reason_code = mqtt::ReasonCode::success;
        bool ready = false;
        model::Reason reason = model::Reason::none;  ///< Of an error, for its Reason String.
    };

    [[nodiscard]] bool empty() const noexcept { return !owed_ || owed_->empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return owed_ ? owed_->size() : 0; }
    /// The number that push() will give next.
    [[nodiscard]] std::uint64_t next_number() const noexcept { return first_ + size(); }
    /// @return Its number, which is never used again.
    std::uint64_t push(const Owed& owed) {
        if (!owed_) {
            owed_ = std::make_unique<boost::circular_buffer<Owed>>(8);
        } else if (owed_->full()) {
            owed_->set_capacity(owed_->capacity() * 2);
        }
        owed_->push_back(owed);
        return first_ + owed_->size() - 1;
    }
    [[nodiscard]] Owed& at(std::uint64_t number) noexcept { return (*owed_)[number - first_]; }
    [[nodiscard]] bool holds(std::uint64_t number) const noexcept {
        return number >= first_ && number < next_number();
    }

    /// Calls `send(const Owed&)` for what may leave now.
    template <class Send>
    void release(Send&& send) {
        while (!empty() && owed_->front().ready) {
            send(owed_->front());
            owed_->pop_front();
            ++first_;
        }
    }

private:
    std::unique_ptr<boost::circular_buffer<Owed>> owed_;  ///< Null until something had to wait.
    std::uint64_t first_ = 1;
};

}  // namespace weir::endpoints
