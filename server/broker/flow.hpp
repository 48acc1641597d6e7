/// The outbound half of a session: what the peer has not acknowledged yet, and what waits behind it.
#pragma once

#include <boost/circular_buffer.hpp>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>

#include <weir/broker/shared_group.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/message.hpp>
#include <weir/model/reason.hpp>

namespace weir::broker {

using SubscriptionIds = boost::container::small_vector<std::uint32_t, 2>;

/// A message as one session is to get it.
struct Copy {
    model::MessagePtr message;
    SubscriptionIds subscription_ids = {};
    model::Qos qos = model::Qos::at_most_once;
    bool retain = false;
    GroupId group = GroupId::none;  ///< Of a shared subscription: who gets it if this session ends.
    std::uint64_t sequence = 0;     ///< Of its entry in the store; 0: it is not stored.
    bool is_marked = false;         ///< The store knows under which packet id it was sent.
    std::uint8_t attempts = 0;      ///< To deliver it, that failed; at most kAttemptsMax + 1. Not stored.

    /// As many failed attempts a message may have and still be sent again. [AMQP-3.2.1, delivery-count]
    static constexpr std::uint8_t kAttemptsMax = 10;

    void count_attempt() noexcept {
        if (attempts <= kAttemptsMax) {
            ++attempts;
        }
    }
};

/// Packet ids, in-flight states and the queue of one session. No time, no I/O: the session drives it.
class Flow {
public:
    enum class State : std::uint8_t {
        storing,   ///< Goes when its packet id is on disk.
        sent,      ///< Awaits PUBACK or PUBREC.
        released,  ///< PUBREC came, PUBREL was sent: awaits PUBCOMP. The message itself is gone.
        settled,   ///< Done, but an older one is not.
    };
    struct InFlight {
        Copy copy;
        State state = State::sent;
    };

    /// @return True if `window` leaves room for one more on this connection.
    [[nodiscard]] bool open(std::uint64_t window) const noexcept;

    /// Another connection: all that is unsettled must go again, in order, before anything new.
    void begin_again() noexcept;
    struct Again {
        std::uint16_t packet_id = 0;  ///< 0: nothing is left to go again.
        InFlight* entry = nullptr;
    };
    [[nodiscard]] Again next_again() noexcept;
    /// What next_again() told is on its way.
    void went_again() noexcept;
    [[nodiscard]] bool goes_again() const noexcept { return held_ != 0; }

    /// Takes the next packet id (1, 2, ... 65535, 1) for a copy of QoS 1 or 2. Only while open().
    std::uint16_t start(Copy copy, State state = State::sent);
    [[nodiscard]] const Copy& copy_of(std::uint16_t packet_id) const noexcept {
        return find(packet_id)->copy;
    }
    /// The next packet id, while nothing is in flight.
    void begin_at(std::uint16_t packet_id) noexcept { first_id_ = packet_id; }
    [[nodiscard]] std::uint16_t next_packet_id() const noexcept;
    /// Puts back what was in flight, in the order of sending, before anything new. It must go again.
    /// @return False if the packet id is not behind the ones before.
    [[nodiscard]] bool restore(std::uint16_t packet_id, Copy copy, State state);
    /// Its packet id is on disk. @return The copy, to be sent now; null if it goes again with others, or is gone.
    [[nodiscard]] const Copy* stored(std::uint16_t packet_id, std::uint64_t sequence) noexcept;
    /// Something waits for the disk: what is started after it must not overtake it.
    [[nodiscard]] bool is_storing() const noexcept { return storing_ > 0; }
    /// The store did not take it: what was not sent is gone, what was sent is not on disk. @return True: it was not sent.
    bool refused(std::uint16_t packet_id) noexcept;
    /// Null: no such packet id in flight.
    [[nodiscard]] const InFlight* in_flight_at(std::uint16_t packet_id) const noexcept {
        return find(packet_id);
    }
    /// Of what is in flight with this sequence; 0: nothing is. @cost Linear in what is in flight.
    [[nodiscard]] std::uint16_t packet_id_of(std::uint64_t sequence) const noexcept;

    /// PUBACK, PUBCOMP, or a PUBREC with an error. False: no such packet id in flight.
    bool settle(std::uint16_t packet_id) noexcept;
    /// PUBREC. False: no such packet id of QoS 2 in flight.
    bool receive(std::uint16_t packet_id) noexcept;
    /// Takes back a copy that was sent and that the peer does not want, or one that waits for the disk in vain.
    [[nodiscard]] std::optional<Copy> give_back(
        std::uint16_t packet_id, State state = State::sent
    ) noexcept;
    [[nodiscard]] std::size_t in_flight() const noexcept { return unsettled_; }

    /// Calls `visit(packet_id, in_flight)` for all that is unsettled, in the order of sending.
    template <class Visit>
    void for_each_unsettled(Visit&& visit) {
        std::uint16_t id = first_id_;
        for (InFlight& entry : window_) {
            if (entry.state != State::settled) {
                visit(id, entry);
            }
            id = after(id);
        }
    }

    /// Calls `visit(copy)` for all that waits, in order.
    template <class Visit>
    void for_each_queued(Visit&& visit) const {
        for (const Copy& copy : queue_) {
            visit(copy);
        }
    }

    /// Puts a copy at the end of the queue, within the limits.
    /// @return How many messages were lost for it: the oldest ones, or the copy itself where it alone is above the limit.
    std::uint64_t enqueue(Copy copy, const model::Limits& limits);
    /// Puts back what was in flight: before all that is newer.
    void enqueue_first(Copy copy);
    /// True if enqueue() would lose nothing for a message of this footprint.
    [[nodiscard]] bool has_room(std::uint64_t size, const model::Limits& limits) const noexcept;
    [[nodiscard]] bool half_empty(const model::Limits& limits) const noexcept;
    [[nodiscard]] bool queue_empty() const noexcept { return queue_.empty(); }
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_; }
    [[nodiscard]] const Copy& front() const noexcept { return queue_.front(); }
    Copy pop();
    void append(Copy copy);
    /// Takes out what waits with this sequence. @return False if there is none.
    bool withdraw(std::uint64_t sequence);

private:
    [[nodiscard]] static std::uint16_t after(std::uint16_t id) noexcept {
        return id == 0xFFFF ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
    }
    /// Where it is, or would be, in window_.
    [[nodiscard]] std::size_t position_of(std::uint16_t packet_id) const noexcept;
    [[nodiscard]] InFlight* find(std::uint16_t packet_id) noexcept;
    [[nodiscard]] const InFlight* find(std::uint16_t packet_id) const noexcept {
        return const_cast<Flow*>(this)->find(packet_id);
    }
    void drop_settled() noexcept;
    [[nodiscard]] bool is_going_again(std::uint16_t packet_id) const noexcept {
        return position_of(packet_id) >= window_.size() - again_;
    }

    boost::circular_buffer<InFlight> window_;  // Consecutive packet ids from first_id_ on.
    boost::circular_buffer<Copy> queue_;
    std::uint64_t queued_bytes_ = 0;
    std::size_t unsettled_ = 0;
    std::size_t storing_ = 0;
    std::size_t again_ = 0;  // Entries at the end of window_ that did not go again yet,
    std::size_t held_ = 0;   // and how many of those are unsettled.
    std::uint16_t first_id_ = 1;
};

}  // namespace weir::broker
