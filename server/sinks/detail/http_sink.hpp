/// One sink: its outbox, in order, to its HTTP server.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>
#include <weir/sinks/detail/delivery.hpp>
#include <weir/sinks/detail/event_queue.hpp>
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
};

inline constexpr SteadyTime kNever{std::numeric_limits<std::int64_t>::max()};

/// A state machine without a thread: handle() takes the answers, step() does what is due. At most
/// one operation (a commit or a request) is under way. All calls come from the sinks' thread.
///
/// load -> gather -> claim -> send -> settle -> gather ...   Where a batch never has more than one
/// record, its borders are certain and need no claim. A trim (drop_oldest, dead letters over their
/// limit) may come between any two.
class HttpSink {
public:
    HttpSink(std::uint32_t id, HttpSinkConfig config, const Surroundings& surroundings);
    HttpSink(const HttpSink&) = delete;
    HttpSink& operator=(const HttpSink&) = delete;
    ~HttpSink();

    /// The batch under way keeps its borders; everything else follows the new config from the next
    /// attempt on, which comes at once.
    void reconfigure(HttpSinkConfig config);
    /// Begins nothing new from now on; what is under way is brought to its end.
    void wind_down() noexcept { winding_down_ = true; }

    void handle(Event&& event);
    void step();
    /// When step() has something to do again, if no event comes before.
    [[nodiscard]] SteadyTime due() const noexcept;
    /// True while an answer is awaited, or has to be stored.
    [[nodiscard]] bool busy() const noexcept { return under_way_ != 0 || phase_ == Phase::settle; }
    [[nodiscard]] SinkStatus status() const;

private:
    enum class Phase : std::uint8_t { load, gather, claim, send, settle };

    void load();
    void gather();
    [[nodiscard]] Result<void> read_ahead();
    void begin_batch(std::size_t records);
    void claim();
    void send();
    void settle();
    void give_up(std::string why);
    void give_up_expired();

    [[nodiscard]] bool trim();

    void on_committed(error_code error);
    void on_answer(http_client::Outcome&& outcome);

    void forget_read_ahead() noexcept;
    void submit(storage::Batch&& batch);
    void enter(Phase phase) noexcept;
    void store_failed(error_code error);
    void note_error(std::string_view event, std::string text);
    [[nodiscard]] bool expired(const storage::OutboxEntry& entry) const noexcept;

    const std::uint32_t id_;
    HttpSinkConfig config_;
    const Surroundings surroundings_;
    storage::OutboxRoom& room_;
    const storage::WatchId watch_;
    Backoff backoff_;

    Phase phase_ = Phase::load;
    Ticket under_way_ = 0;               ///< Of the operation whose answer is awaited; 0: none.
    SteadyTime due_{0};                  ///< When the phase goes on.
    SteadyTime trim_due_{0};             ///< A failed trim is tried again then; 0: none failed.
    bool trimming_ = false;              ///< The commit under way is a trim; the phase stays.
    bool dead_letters_checked_ = false;  ///< Since the last one came.
    bool winding_down_ = false;
    bool recovery_untold_ = false;  ///< A failure was logged, and no delivery since.
    SteadyTime log_again_{0};       ///< Failures are logged again from then on.

    SinkState state_;                          ///< As stored.
    SinkState next_state_;                     ///< As it will be with the commit under way.
    std::vector<storage::OutboxEntry> ahead_;  ///< Read, and in no batch yet.
    std::uint64_t read_from_ = 0;              ///< Where the outbox is read next.
    std::optional<SteadyTime> gathering_since_;
    std::vector<storage::OutboxEntry> batch_;
    std::uint32_t batch_attempts_ = 0;
    std::string given_up_;  ///< Why the batch becomes dead letters; empty: it was delivered.

    std::uint64_t attempts_ = 0;
    std::uint64_t failures_ = 0;
    std::string last_error_;
    WallTime last_error_time_{0};
};

}  // namespace weir::sinks::detail
