/// One sink: its outbox, in the order of each key, to its HTTP server.
#pragma once

#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>
#include <weir/sinks/given_up.hpp>
#include <weir/sinks/detail/breaker.hpp>
#include <weir/sinks/detail/delivery.hpp>
#include <weir/sinks/detail/event_queue.hpp>
#include <weir/sinks/detail/flight.hpp>
#include <weir/sinks/detail/read_ahead.hpp>
#include <weir/sinks/detail/sink_state.hpp>
#include <weir/sinks/status.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// What all sinks share; outlives them.
struct Surroundings {
    storage::Store* store;
    http_client::Client* client;
    const Clock* clock;
    std::shared_ptr<EventQueue> events;
    const ErrorActions* error_actions;
};

inline constexpr SteadyTime kNever{std::numeric_limits<std::int64_t>::max()};

/// A state machine without a thread: handle() takes the answers, step() does what is due. All calls
/// come from the sinks' thread.
///
/// After the state is loaded, three things go on side by side: batches are gathered while fewer
/// than `in_flight` are on their way; those that are due are sent, as far as the breaker admits
/// them; and one commit at a time stores whatever has to be stored: claims, outcomes, trims.
class HttpSink {
public:
    HttpSink(std::uint32_t id, HttpSinkConfig config, const Surroundings& surroundings);
    HttpSink(const HttpSink&) = delete;
    HttpSink& operator=(const HttpSink&) = delete;
    ~HttpSink();

    [[nodiscard]] const HttpSinkConfig& config() const noexcept { return config_; }
    /// The batches under way keep their borders; everything else follows the new config from the
    /// next attempts on, which come at once.
    void reconfigure(HttpSinkConfig config);
    /// Begins nothing new from now on; what is under way is brought to its end.
    void wind_down() noexcept { winding_down_ = true; }

    void handle(Event&& event);
    void step();
    /// When step() has something to do again, if no event comes before.
    [[nodiscard]] SteadyTime due() const noexcept;
    /// True while an answer is awaited, or has to be stored.
    [[nodiscard]] bool busy() const noexcept;
    [[nodiscard]] SinkStatus status() const;

private:
    using Flights = std::list<Flight>;  ///< In the order in which they began; addresses stay.

    void load();
    [[nodiscard]] Result<void> resume(const Claim& claim);

    void gather();
    void begin(Entries batch, Flight::Phase phase);

    void send_due();
    void send(Flight& flight);
    void on_answer(Flight& flight, http_client::Outcome&& outcome);
    void on_failure(Flight& flight, const http_client::Outcome& outcome);
    [[nodiscard]] bool follow_redirect(Flight& flight, const http_client::Response& response);
    void give_up(Flight& flight, std::string why) const;
    void give_up_expired(Flight& flight) const;

    void commit();
    void add_outcome(storage::Batch& changes, const Flight& flight, SinkState& next);
    void tell_rule(
        storage::Batch& changes,
        const storage::OutboxEntry& entry,
        const storage::DeadLetterNote& note
    );
    void add_trims(storage::Batch& changes, SinkState& next);
    void on_committed(error_code error);

    void store_failed(error_code error);
    void note_error(std::string_view event, std::string text);
    [[nodiscard]] SteadyTime now() const noexcept { return surroundings_.clock->steady(); }
    [[nodiscard]] bool expired(const storage::OutboxEntry& entry) const noexcept;
    [[nodiscard]] SteadyTime expiry_of(const Flight& flight) const noexcept;
    [[nodiscard]] SteadyTime due_of(const Flight& flight) const noexcept;
    [[nodiscard]] const SinkCounters& counters_beside(std::uint64_t settled) const noexcept;

    const std::uint32_t id_;
    HttpSinkConfig config_;
    const Surroundings surroundings_;
    storage::OutboxRoom& room_;
    const storage::WatchId watch_;
    Backoff backoff_;
    Breaker breaker_;

    bool is_loaded_ = false;
    bool winding_down_ = false;
    SteadyTime gather_due_{0};  ///< Nothing new is to be gathered before.
    SteadyTime store_due_{0};   ///< After a failure the store is left alone until then.
    std::optional<SteadyTime> gathering_since_;  ///< When the incomplete batch began.

    SinkState state_;           ///< As stored.
    SinkState next_state_;      ///< As it will be with the commit under way.
    Ticket commit_ = 0;         ///< Under way; 0: none.
    bool is_dropping_ = false;  ///< The commit under way removes the oldest records.
    std::uint64_t losing_reports_ = 0;  ///< By the commit under way: error sinks have no room for them.
    std::vector<GivenUp> telling_;      ///< Once the commit under way is done.
    bool is_trim_due_ = true;   ///< Dead letters may be over their limit.
    ReadAhead ahead_;
    Flights flights_;

    std::uint64_t attempts_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t reports_lost_ = 0;
    LatencyHistogram latency_;
    std::string last_error_;
    WallTime last_error_time_{0};
    bool recovery_untold_ = false;  ///< A failure was logged, and no delivery since.
    SteadyTime log_again_{0};       ///< Failures are logged again from then on.
};

}  // namespace weir::sinks::detail
