/// What other threads have to tell the sinks' thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <variant>
#include <vector>

#include <weir/base/error.hpp>
#include <weir/http_client/client.hpp>

namespace weir::sinks::detail {

/// Which operation of which sink an event answers. Tickets are never used twice.
using Ticket = std::uint64_t;

/// The outbox has news.
struct Filled {};
/// A storage batch was committed, or not.
struct Committed {
    error_code error;
};
using Happening = std::variant<Filled, Committed, http_client::Outcome>;

struct Event {
    std::uint32_t sink = 0;
    Ticket ticket = 0;  ///< 0 for Filled.
    Happening what;
};

/// Any thread pushes, one takes. Bounded by itself: a sink has some requests and one commit under way,
/// and news of one outbox count once. Shared with the completions that push, which may outlive the sinks.
class EventQueue {
public:
    void push(Event event);
    void push_filled(std::uint32_t sink);
    /// Ends a wait without an event.
    void interrupt();

    [[nodiscard]] std::vector<Event> take();
    /// Returns when there is something to take, after interrupt(), or after `timeout`.
    void wait(std::chrono::milliseconds timeout);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;
    bool interrupted_ = false;
};

}  // namespace weir::sinks::detail
