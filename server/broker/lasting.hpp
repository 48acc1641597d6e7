/// What a session that outlives its connection has on disk.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/broker/journal.hpp>
#include <weir/model/metrics.hpp>
#include <weir/model/reason.hpp>
#include <weir/storage/session_records.hpp>

namespace weir::broker {

class Broker;

/// The part of a session's queue that is on disk only: the entries of these sequences, as far as they are still there.
struct Unread {
    std::uint64_t from = 0;
    std::uint64_t to = 0;           ///< Not included.
    std::uint64_t entries = 0;      ///< In flight or not. After a refused batch too high, or wrong about in_flight, until the range is read.
    std::uint64_t in_flight = 0;    ///< Of these: sent or released. They come first.
    std::uint64_t bytes = 0;        ///< Footprint of all.
    std::uint64_t in_flight_to = 0; ///< From this one on none is in flight.

    [[nodiscard]] std::uint64_t waiting() const noexcept { return entries - in_flight; }
    [[nodiscard]] bool empty() const noexcept { return from >= to; }
    void add(std::uint64_t sequence, std::uint64_t footprint) noexcept;
    /// One that was added is gone or in memory now.
    void remove(std::uint64_t footprint, bool was_in_flight) noexcept;
    /// All before `sequence` are gone or in memory now.
    void advance(std::uint64_t sequence) noexcept;
};

/// What became of a session's messages since the gateway started: `in = out + lost + queued`.
struct Books {
    std::uint64_t in = 0;   ///< Copies that it was to get; what was queued at the start among them.
    std::uint64_t out = 0;  ///< Handed to its connection, or to others of a shared group.
    std::uint64_t lost = 0;
    model::Reason last_loss = model::Reason::none;
    std::array<model::LimitHits, model::kQueueLimits> limits = {};
};

/// What became of the last CONNECT that the session has.
enum class ConnectState : std::uint8_t {
    stored,
    storing,
    refused,  ///< By the disk: its connection ends, and the session is as it was before.
};

/// Of one session whose expiry is above zero. Its entries in the queue are numbered here.
struct Lasting {
    /// As much of a queue as is in memory while its connection takes it.
    static constexpr std::size_t kHeadMessages = 64;
    static constexpr std::size_t kHeadBytes = 256 * 1024;

    /// Entries from this one on may not be on disk yet, though newer ones are.
    [[nodiscard]] std::uint64_t held_from() const noexcept {
        return held.empty() ? std::numeric_limits<std::uint64_t>::max() : held.front();
    }

    Broker& broker;
    Journal& journal;
    storage::SessionId id;
    std::uint64_t next_sequence = 1;
    Unread unread;
    /// Footprint of newer messages that its oldest ones still have to give way for: the budget of all queues has no room.
    std::uint64_t owed = 0;
    std::uint64_t trimmed_to = 0;  ///< While offline: what waits in the unread range is not older.
    std::uint32_t life = 0;        ///< Grows when a connection comes or goes: pages asked for before do not count.
    std::uint16_t next_packet_id = 1;  ///< Where the queue is not in memory.
    Books books;
    bool is_reading = false;
    bool is_unreadable = false;  ///< A page could not be read; not asked for again on this connection.
    /// Entries that are on their way to another shard, which stores them; rising. Of what is not older nothing else goes to the disk.
    std::vector<std::uint64_t> held = {};
    std::vector<std::uint64_t> settled_while_held = {};
    /// In flight: PUBREC came, and the store refused to note it. Noted again on this connection, or when all goes again on the next.
    std::vector<std::uint16_t> unnoted = {};
    std::chrono::milliseconds expiry{0};
    std::uint32_t connects = 0;  ///< How many CONNECTs it had.
    ConnectState connect = ConnectState::stored;
    bool is_begun = false;  ///< The store has the session.
    bool is_will_wanted = true;  ///< The connection is gone while its CONNECT was being stored: is the will of that to be published?
    SteadyTime ends{0};          ///< While offline: when the session ends.
    SteadyTime will_fires{0};    ///< While offline with a will: when it is published.
    SteadyTime due{0};           ///< While offline: the first of these, as the broker has it noted; 0: not.
    SteadyTime ages{0};          ///< While offline: when to look whether its oldest message is too old; 0: not.
    WallTime oldest{0};          ///< When that was published; 0: only the disk knows.
};

}  // namespace weir::broker
