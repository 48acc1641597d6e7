#include <weir/sinks/detail/http_sink.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/model/reason.hpp>
#include <weir/sinks/detail/error_report.hpp>
#include <weir/sinks/detail/http_request.hpp>
#include <weir/sinks/detail/trim.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks::detail {
namespace {

/// After the store refused a batch or a read, and after the client had no room for a request.
constexpr std::chrono::seconds kPause{1};

/// Between two lines in the log about one sink's failures.
constexpr std::chrono::minutes kLogPause{1};

Ticket next_ticket() noexcept {
    static std::atomic<Ticket> last{0};
    return ++last;
}

[[nodiscard]] GivenUp given_up_of(const storage::OutboxRecord& record, std::string report) {
    const auto published = published_of(record).value_or(Published{.kept = Published::Kept::dropped});
    const auto payload =
        published.kept == Published::Kept::dropped ? record.payload : published.payload;
    return {
        .tenant = std::string{record.tenant},
        .rule = std::string{record.rule},
        .topic = std::string{record.topic},
        .client_id = std::string{published.client_id},
        .device = std::string{record.key},
        .payload = {payload.begin(), payload.end()},
        .hops = published.hops,
        .report = std::move(report),
    };
}

}  // namespace

HttpSink::HttpSink(std::uint32_t id, HttpSinkConfig config, const Surroundings& surroundings)
    : id_{id},
      config_{std::move(config)},
      surroundings_{surroundings},
      room_{surroundings.store->outbox_room(config_.name)},
      watch_{surroundings.store->watch_outbox(
          config_.name,
          [events = surroundings.events, id](std::uint64_t) { events->push_filled(id); }
      )},
      backoff_{id + 1} {}

HttpSink::~HttpSink() {
    surroundings_.store->unwatch(watch_);
}

void HttpSink::reconfigure(HttpSinkConfig config) {
    config_ = std::move(config);
    gather_due_ = store_due_ = SteadyTime{0};
    is_trim_due_ = true;
    breaker_.reset();
    for (auto& flight : flights_) {
        flight.due = SteadyTime{0};
        flight.redirect.clear();
    }
}

void HttpSink::handle(Event&& event) {
    if (std::holds_alternative<Filled>(event.what)) {
        gather_due_ = SteadyTime{0};
        return;
    }
    if (const auto* const committed = std::get_if<Committed>(&event.what)) {
        if (event.ticket == commit_) {
            on_committed(committed->error);
        }
        return;
    }
    const auto flight = std::ranges::find(flights_, event.ticket, &Flight::answer);
    if (flight != flights_.end()) {
        flight->answer = 0;
        on_answer(*flight, std::get<http_client::Outcome>(std::move(event.what)));
    }
}

void HttpSink::step() {
    if (!is_loaded_) {
        load();
    }
    if (!is_loaded_) {
        return;
    }
    if (!winding_down_) {
        gather();
        send_due();
    }
    commit();
}

SteadyTime HttpSink::due() const noexcept {
    if (!is_loaded_) {
        return winding_down_ ? kNever : store_due_;
    }
    auto next = kNever;
    if (!winding_down_ && !is_dropping_ && flights_.size() < config_.in_flight) {
        next = std::max(gather_due_, store_due_);
    }
    for (const auto& flight : flights_) {
        const bool is_new = flight.phase != Flight::Phase::settle;
        if (winding_down_ && is_new) {
            continue;
        }
        if (flight.waits_to_send()) {
            next = std::min(next, due_of(flight));
        } else if (flight.phase != Flight::Phase::send && commit_ == 0) {
            next = std::min(next, store_due_);
        }
    }
    return is_trim_due_ && commit_ == 0 ? std::min(next, store_due_) : next;
}

bool HttpSink::busy() const noexcept {
    return commit_ != 0 || std::ranges::any_of(flights_, [](const Flight& flight) {
               return flight.answer != 0 || flight.phase == Flight::Phase::settle;
           });
}

// Start.

/// Claimed batches are sent again as they were, whatever the limits say now.
void HttpSink::load() {
    if (winding_down_ || now() < store_due_) {
        return;
    }
    surroundings_.store->drain();  // The last commit of a sink of this name may be under way.
    const auto state = load_state(*surroundings_.store, config_.name);
    if (!state) {
        store_failed(state.error());
        return;
    }
    state_ = {.claims = {}, .counters = state->counters};
    flights_.clear();
    ahead_ = {};
    for (const auto& claim : state->claims) {
        if (const auto resumed = resume(claim); !resumed) {
            store_failed(resumed.error());
            return;
        }
    }
    is_loaded_ = true;
}

Result<void> HttpSink::resume(const Claim& claim) {
    Entries batch;
    std::uint64_t expected = 0;
    for (const auto& [first, last] : claim) {
        const storage::ReadLimit whole{
            .records = static_cast<std::size_t>(last - first + 1),
            .bytes = std::numeric_limits<std::size_t>::max()
        };
        WEIR_TRY(auto entries, surroundings_.store->read_outbox(config_.name, first, whole));
        std::erase_if(entries, [&](const auto& entry) { return entry.offset > last; });
        std::ranges::move(entries, std::back_inserter(batch));
        expected += whole.records;
    }
    if (batch.size() != expected) {
        log::warn(
            "sink_claim_void",
            {{"sink", config_.name}, {"first", claim.front().first}, {"last", claim.back().last}}
        );
        return {};
    }
    state_.claims.push_back(claim);
    ahead_.adopt(batch);
    begin(std::move(batch), Flight::Phase::send);
    flights_.back().is_claimed = true;
    return {};
}

// Batches.

void HttpSink::gather() {
    if (is_dropping_ || now() < std::max(gather_due_, store_due_)) {
        return;
    }
    gather_due_ = kNever;
    while (flights_.size() < config_.in_flight) {
        const auto choice = ahead_.choose(*surroundings_.store, config_);
        if (!choice) {
            gather_due_ = SteadyTime{0};
            store_failed(choice.error());
            return;
        }
        if (const auto old =
                ahead_.count_expired([&](const auto& entry) { return expired(entry); })) {
            begin(ahead_.take_first(old), Flight::Phase::settle);
            give_up_expired(flights_.back());
            continue;
        }
        if (choice->records.empty()) {
            gathering_since_.reset();
            return;
        }
        gathering_since_ = gathering_since_.value_or(now());
        const auto closes = *gathering_since_ + choice->delivery->batch.wait;
        if (!choice->complete && now() < closes) {
            gather_due_ = closes;
            return;
        }
        gathering_since_.reset();
        begin(
            ahead_.take(choice->records),
            batch_messages(*choice->delivery) == 1 ? Flight::Phase::send : Flight::Phase::claim
        );
    }
}

void HttpSink::begin(Entries batch, Flight::Phase phase) {
    flights_.push_back({.batch = std::move(batch), .phase = phase});
}

// Requests.

/// An open breaker decides when its probe is sent, and nothing else goes before its outcome.
SteadyTime HttpSink::due_of(const Flight& flight) const noexcept {
    auto due = flight.due;
    if (breaker_.state() == BreakerState::open) {
        due = breaker_.opens_at();
    } else if (breaker_.state() == BreakerState::half_open) {
        due = kNever;
    }
    return std::min(due, expiry_of(flight));
}

void HttpSink::send_due() {
    for (auto& flight : flights_) {
        if (flight.waits_to_send() && due_of(flight) <= now()) {
            send(flight);
        }
    }
}

void HttpSink::send(Flight& flight) {
    if (expired(flight.batch.back())) {
        give_up_expired(flight);
        return;
    }
    auto request = make_request(
        flight.batch,
        config_,
        idempotency_key(config_.name, flight.batch),
        flight.redirect,
        surroundings_.clock->wall()
    );
    if (!request) {
        note_error("sink_rejected", "the record's URL or headers are not valid for this sink");
        give_up(
            flight, fmt::format("{}: {}", model::name(model::Reason::sink_rejected), last_error_)
        );
        return;
    }
    if (!breaker_.admit(now())) {
        return;
    }
    ++flight.attempts;
    ++attempts_;
    flight.sent = now();
    flight.answer = next_ticket();
    surroundings_.client->submit(
        std::move(*request),
        [events = surroundings_.events, id = id_, ticket = flight.answer](
            http_client::Outcome&& outcome
        ) { events->push({id, ticket, std::move(outcome)}); }
    );
}

void HttpSink::on_answer(Flight& flight, http_client::Outcome&& outcome) {
    const auto fate = fate_of(outcome);
    if (fate == Fate::undecided || outcome.error == http_client::errc::overloaded) {
        breaker_.forget();
        flight.due = now() + kPause;
        return;
    }
    latency_.add(now() - flight.sent);
    if (fate == Fate::again) {
        on_failure(flight, outcome);
        return;
    }
    if (breaker_.state() != BreakerState::closed) {
        for (auto& other : flights_) {
            other.due = SteadyTime{0};
        }
    }
    breaker_.succeed();
    if (fate == Fate::delivered) {
        if (std::exchange(recovery_untold_, false)) {
            log::info("sink_recovered", {{"sink", config_.name}, {"attempts", flight.attempts}});
        }
        last_error_.clear();
        flight.given_up.clear();
        flight.phase = Flight::Phase::settle;
        return;
    }
    if (follow_redirect(flight, outcome.response)) {
        return;
    }
    ++failures_;
    note_error("sink_rejected", describe(outcome));
    give_up(flight, fmt::format("{}: {}", model::name(model::Reason::sink_rejected), last_error_));
}

void HttpSink::on_failure(Flight& flight, const http_client::Outcome& outcome) {
    ++failures_;
    note_error("sink_failing", describe(outcome));
    flight.redirect.clear();
    flight.redirects = 0;
    flight.due = std::min(
        now() + backoff_.pause(config_.retry, flight.attempts, outcome.response), expiry_of(flight)
    );
    const bool was_closed = breaker_.state() == BreakerState::closed;
    breaker_.fail(config_.breaker, now(), backoff_.pause(config_.breaker.pause, outcome.response));
    if (was_closed && breaker_.state() == BreakerState::open) {
        log::warn("sink_breaker_open", {{"sink", config_.name}, {"error", last_error_}});
    }
}

bool HttpSink::follow_redirect(Flight& flight, const http_client::Response& response) {
    if (!follows_redirect(config_, response, flight.redirects)) {
        return false;
    }
    ++flight.redirects;
    flight.redirect = response.location;
    flight.due = SteadyTime{0};
    return true;
}

void HttpSink::give_up(Flight& flight, std::string why) const {
    flight.given_up = std::move(why);
    flight.phase = Flight::Phase::settle;
}

void HttpSink::give_up_expired(Flight& flight) const {
    const auto cause =
        flight.attempts == 0 ? std::string{"no attempt was made in time"} : last_error_;
    give_up(flight, fmt::format("{}: {}", model::name(model::Reason::sink_expired), cause));
}

// Storage.

/// What belongs together becomes durable together: an outcome, the removal and the counters.
void HttpSink::commit() {
    if (commit_ != 0 || now() < store_due_) {
        return;
    }
    storage::Batch changes;
    next_state_ = state_;
    losing_reports_ = 0;
    telling_.clear();
    for (auto& flight : flights_) {
        if (flight.phase == Flight::Phase::claim && !winding_down_) {
            next_state_.claims.push_back(claim_of(flight.batch));
            flight.is_committing = true;
        } else if (flight.phase == Flight::Phase::settle) {
            add_outcome(changes, flight, next_state_);
            flight.is_committing = true;
        }
    }
    add_trims(changes, next_state_);
    if (changes.empty() && next_state_ == state_) {
        return;
    }
    put_state(changes, config_.name, next_state_);
    commit_ = next_ticket();
    surroundings_.store->submit(
        std::move(changes),
        [events = surroundings_.events, id = id_, ticket = commit_](
            const Result<storage::CommitInfo>& result
        ) { events->push({id, ticket, Committed{result ? error_code{} : result.error()}}); }
    );
}

void HttpSink::add_outcome(storage::Batch& changes, const Flight& flight, SinkState& next) {
    const auto claim = claim_of(flight.batch);
    std::erase(next.claims, claim);
    if (flight.given_up.empty()) {
        for (const auto& [first, last] : claim) {
            changes.settle_outbox(config_.name, first, last);
        }
        next.counters.delivered += flight.batch.size();
        return;
    }
    const storage::DeadLetterNote note{
        .time_ms = surroundings_.clock->wall().count(),
        .attempts = flight.attempts,
        .reason = flight.given_up
    };
    for (const auto& entry : flight.batch) {
        changes.dead_letter(config_.name, entry.offset, note);
        tell_rule(changes, entry, note);
    }
    next.counters.dead += flight.batch.size();
}

void HttpSink::tell_rule(
    storage::Batch& changes, const storage::OutboxEntry& entry, const storage::DeadLetterNote& note
) {
    const auto* const to = config_.error_target_of(entry.record.rule);
    if (to == nullptr) {
        return;
    }
    auto report = error_report(config_.name, *to, entry, note);
    if (to->stream.empty() && to->sink.empty()) {
        telling_.push_back(given_up_of(entry.record, std::move(report)));
        return;
    }
    if (!to->stream.empty()) {
        changes.append_stream(
            to->stream,
            {
                .time_ms = note.time_ms,
                .tenant = entry.record.tenant,
                .topic = entry.record.topic,
                .key = entry.record.key,
                .payload = as_bytes(report),
            }
        );
        return;
    }
    const storage::OutboxRecord record{
        .time_ms = note.time_ms,
        .tenant = entry.record.tenant,
        .rule = entry.record.rule,
        .topic = entry.record.topic,
        .key = entry.record.key,
        .payload = as_bytes(report),
    };
    using Bound = storage::Budgets::Bound;
    const Bound bound = to->sink_drops_oldest ? Bound::slack : Bound::budget;
    auto& room = surroundings_.store->outbox_room(to->sink);
    if (!room.reserve(storage::outbox_cost(record), to->sink_bytes, bound)) {
        ++losing_reports_;  // Nobody is there to be held back, and the dead letter is kept.
        return;
    }
    changes.enqueue_outbox(to->sink, record);
}

void HttpSink::add_trims(storage::Batch& changes, SinkState& next) {
    const auto& limits = config_.outbox;
    const auto stored = room_.stored();
    const auto own_excess = stored > limits.size_bytes ? stored - limits.size_bytes : 0;
    const auto excess =
        std::max(own_excess, surroundings_.store->budgets().excess(storage::Area::outbox));
    if (limits.on_full == OnFull::drop_oldest && stored > 0 && excess > 0) {
        const auto dropped =
            drop_oldest(changes, *surroundings_.store, config_.name, ahead_, excess);
        is_dropping_ = dropped && *dropped > 0;
        next.counters.lost += dropped ? *dropped : 0;
        if (dropped && excess > own_excess) {
            surroundings_.store->budgets().count_lost(storage::Area::outbox, *dropped);
        }
    }
    if (std::exchange(is_trim_due_, false)) {
        const auto purged = purge_dead_letters(
            changes, *surroundings_.store, config_.name, limits.dead_letter_bytes
        );
        ignore_error(purged, "the next dead letter brings the next purge");
    }
}

void HttpSink::on_committed(error_code error) {
    commit_ = 0;
    // What was dropped may have been read already.
    if (std::exchange(is_dropping_, false)) {
        ahead_.forget();
        gather_due_ = SteadyTime{0};
    }
    if (error) {
        for (auto& flight : flights_) {
            flight.is_committing = false;
        }
        store_failed(error);
        return;
    }
    state_ = next_state_;
    for (auto& given_up : std::exchange(telling_, {})) {
        const auto& run = *surroundings_.error_actions;
        losing_reports_ += run && run(std::move(given_up)) ? 0 : 1;
    }
    if (losing_reports_ > 0) {
        reports_lost_ += losing_reports_;
        log::warn("sink_reports_lost", {{"sink", config_.name}, {"reports", losing_reports_}});
    }
    for (auto flight = flights_.begin(); flight != flights_.end();) {
        if (!std::exchange(flight->is_committing, false)) {
            ++flight;
        } else if (flight->phase == Flight::Phase::claim) {
            flight->phase = Flight::Phase::send;
            ++flight;
        } else {
            is_trim_due_ = is_trim_due_ || !flight->given_up.empty();
            ahead_.release(flight->batch);
            flight = flights_.erase(flight);
            gather_due_ = SteadyTime{0};
        }
    }
}

void HttpSink::store_failed(error_code error) {
    note_error("sink_storage_failed", "storage: " + error.message());
    store_due_ = now() + kPause;
}

/// Devices can cause failures as often as they like, so the log tells of one a minute; counters
/// tell of all.
void HttpSink::note_error(std::string_view event, std::string text) {
    last_error_ = std::move(text);
    last_error_time_ = surroundings_.clock->wall();
    if (now() >= log_again_) {
        log::warn(event, {{"sink", config_.name}, {"error", last_error_}});
        log_again_ = now() + kLogPause;
        recovery_untold_ = true;
    }
}

bool HttpSink::expired(const storage::OutboxEntry& entry) const noexcept {
    return WallTime{entry.record.time_ms} + config_.outbox.age <= surroundings_.clock->wall();
}

/// When its last record is too old.
SteadyTime HttpSink::expiry_of(const Flight& flight) const noexcept {
    const auto expiry = WallTime{flight.batch.back().record.time_ms} + config_.outbox.age;
    return now() + std::max(expiry - surroundings_.clock->wall(), WallTime{0});
}

/// The outbox shows a commit as soon as it is durable, before this sink hears of it; the counters
/// are those that were stored with what the outbox shows.
const SinkCounters& HttpSink::counters_beside(std::uint64_t settled) const noexcept {
    const bool is_ahead = commit_ != 0 && settled != state_.counters.total();
    return is_ahead ? next_state_.counters : state_.counters;
}

SinkStatus HttpSink::status() const {
    SinkStatus out{
        .name = config_.name,
        .url = config_.url,
        .attempts = attempts_,
        .failures = failures_,
        .reports_lost = reports_lost_,
        .latency = latency_,
        .breaker = breaker_.state(),
        .last_error = last_error_,
        .last_error_time = last_error_time_,
    };
    auto next = kNever;
    for (const auto& flight : flights_) {
        out.in_flight += flight.answer != 0 ? 1 : 0;
        next = flight.waits_to_send() ? std::min(next, due_of(flight)) : next;
    }
    out.batch_attempts = flights_.empty() ? 0 : flights_.front().attempts;
    if (!is_loaded_) {
        out.activity = Activity::starting;
    } else if (flights_.empty()) {
        out.activity = ahead_.empty() ? Activity::idle : Activity::gathering;
    } else if (!busy() && next != kNever && next > now()) {
        out.activity = Activity::backing_off;
        out.next_attempt = next - now();
    } else {
        out.activity = Activity::delivering;
    }
    const auto wall = surroundings_.clock->wall();
    if (!is_loaded_) {
        ignore_error(add_stored(out, *surroundings_.store, wall), "load() tells of it");
        return out;
    }
    if (const auto info = surroundings_.store->outbox(config_.name)) {
        add_outbox(out, *info, wall);
    }
    out.counters = counters_beside(out.in - out.pending);
    return out;
}

}  // namespace weir::sinks::detail
