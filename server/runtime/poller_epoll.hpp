/// Readiness of descriptors, edge by edge, for one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

#include <weir/base/error.hpp>
#include <weir/runtime/unique_fd.hpp>

struct epoll_event;

namespace weir::runtime {

/// Why a handler is called. Flags combine.
struct Readiness {
    bool readable = false;
    bool writable = false;
    bool peer_closed =
        false;  ///< End of stream or an error is among what can be read: read on until it shows.
    bool again = false;  ///< Asked for by Poller::again(); no edge came.
};

/// What the poller calls, on the poller's thread.
class PollHandler {
public:
    /// The state changed since the last call. Read until empty, or ask for another turn with
    /// Poller::again().
    virtual void on_ready(Readiness readiness) noexcept = 0;
    /// The wake ends; asked for by Poller::finish_later(). The place to write what the wake has
    /// gathered.
    virtual void on_wake_end() noexcept {}

protected:
    ~PollHandler() = default;
};

/// Names one registration. A key of a handler that was removed since never reaches its successor.
struct PollKey {
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t slot = kNone;
    std::uint32_t generation = 0;

    [[nodiscard]] explicit operator bool() const noexcept { return slot != kNone; }
};

/// How a descriptor is watched. Both directions are always on, edge-triggered: nothing is ever
/// modified afterwards.
enum class Watch : std::uint8_t {
    stream,    ///< Readable, writable, end of stream.
    incoming,  ///< Readable only: listening sockets, event counters.
};

/// An epoll instance with a table of handlers. @cost 16 B per registration; no allocation after the
/// table has grown. One thread; the handlers belong to others and are removed before they die.
class Poller {
public:
    static constexpr int kEventsPerWait = 256;

    /// Throws std::system_error without an epoll instance.
    Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;
    ~Poller();

    /// The handler is called for what is ready already. @errors what epoll_ctl says: watches
    /// exhausted, bad descriptor.
    [[nodiscard]] Result<PollKey> add(
        int fd, PollHandler& handler, Watch watch = Watch::stream
    ) noexcept;
    /// No call comes afterwards, not even for events that were fetched before. The descriptor stays
    /// open.
    void remove(PollKey key, int fd) noexcept;

    /// Calls on_ready() in the next turn without an edge: for a handler that left bytes unread.
    /// Idempotent per turn.
    void again(PollKey key) noexcept;
    /// Calls on_wake_end() once when the wake ends.
    void finish_later(PollKey key) noexcept;

    /// Fetches events; waits up to `timeout` unless a handler asked for another turn. @return how
    /// many were fetched.
    int wait(std::chrono::milliseconds timeout) noexcept;
    /// Calls the handlers of the fetched events, then those that asked again before this turn.
    void dispatch() noexcept;
    /// Calls on_wake_end() of those that asked. A handler may ask again for a later wake.
    void finish() noexcept;

    [[nodiscard]] bool has_more() const noexcept { return !again_.empty() || !finish_.empty(); }
    /// Readable while events are there: lets another event loop wait for this one.
    [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

private:
    struct Slot {
        PollHandler* handler = nullptr;
        std::uint32_t generation = 0;
        bool again = false;
        bool finish = false;
    };

    [[nodiscard]] Slot* find(PollKey key) noexcept;
    void release(std::uint32_t slot) noexcept;

    UniqueFd epoll_;
    std::vector<epoll_event> events_;
    int fetched_ = 0;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<PollKey> again_;
    std::vector<PollKey> finish_;
    std::vector<PollKey> turn_;  ///< The list that is being worked through.
};

}  // namespace weir::runtime
