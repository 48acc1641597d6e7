#include <weir/sinks/detail/http_sink.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include <weir/base/log.hpp>
#include <weir/model/reason.hpp>
#include <weir/sinks/detail/http_request.hpp>
#include <weir/sinks/detail/trim.hpp>

namespace weir::sinks::detail {
namespace {

/// After the store refused a batch or a read.
constexpr std::chrono::seconds kStorePause{1};

/// Between two lines in the log about one sink's failures.
constexpr std::chrono::minutes kLogPause{1};

/// How much of the outbox is read at a time.
constexpr storage::ReadLimit kReadAhead{.records = 256, .bytes = 256 * 1024};

Ticket next_ticket() noexcept {
    static std::atomic<Ticket> last{0};
    return ++last;
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
    due_ = SteadyTime{0};
    dead_letters_checked_ = false;
}

SteadyTime HttpSink::due() const noexcept {
    if (under_way_ != 0) {
        return kNever;
    }
    return trim_due_.count() == 0 ? due_ : std::min(due_, trim_due_);
}

void HttpSink::handle(Event&& event) {
    if (std::holds_alternative<Filled>(event.what)) {
        due_ = phase_ == Phase::gather ? SteadyTime{0} : due_;
        return;
    }
    if (event.ticket != under_way_) {
        return;
    }
    under_way_ = 0;
    if (auto* const outcome = std::get_if<http_client::Outcome>(&event.what)) {
        on_answer(std::move(*outcome));
    } else {
        on_committed(std::get<Committed>(event.what).error);
    }
}

void HttpSink::step() {
    while (under_way_ == 0) {
        if (winding_down_ && phase_ != Phase::settle) {
            due_ = kNever;
            return;
        }
        if (trim() || surroundings_.clock->steady() < due_) {
            return;
        }
        switch (phase_) {
            case Phase::load:
                load();
                break;
            case Phase::gather:
                gather();
                break;
            case Phase::claim:
                claim();
                break;
            case Phase::send:
                send();
                break;
            case Phase::settle:
                settle();
                break;
        }
    }
}

/// A claimed batch is sent again as it was, whatever the limits say now.
void HttpSink::load() {
    const auto state = load_state(*surroundings_.store, config_.name);
    if (!state) {
        store_failed(state.error());
        return;
    }
    state_ = *state;
    if (!state_.claim.held()) {
        enter(Phase::gather);
        return;
    }
    const auto [first, last] = state_.claim;
    const storage::ReadLimit whole{
        .records = static_cast<std::size_t>(last - first + 1),
        .bytes = std::numeric_limits<std::size_t>::max()
    };
    auto entries = surroundings_.store->read_outbox(config_.name, first, whole);
    if (!entries) {
        store_failed(entries.error());
        return;
    }
    const bool intact = entries->size() == whole.records && entries->back().offset == last;
    if (!intact) {
        log::warn("sink_claim_void", {{"sink", config_.name}, {"first", first}, {"last", last}});
        enter(Phase::gather);
        return;
    }
    batch_ = std::move(*entries);
    read_from_ = last + 1;
    enter(Phase::send);
}

/// Reads until a batch is complete or the outbox has no more.
Result<void> HttpSink::read_ahead() {
    while (!batch_size(ahead_, config_).complete) {
        WEIR_TRY(auto more, surroundings_.store->read_outbox(config_.name, read_from_, kReadAhead));
        if (more.empty()) {
            break;
        }
        read_from_ = more.back().offset + 1;
        std::ranges::move(more, std::back_inserter(ahead_));
    }
    return {};
}

void HttpSink::gather() {
    if (const auto read = read_ahead(); !read) {
        store_failed(read.error());
        return;
    }
    if (ahead_.empty()) {
        gathering_since_.reset();
        due_ = kNever;
        return;
    }
    const auto fresh =
        std::ranges::find_if_not(ahead_, [this](const auto& entry) { return expired(entry); });
    if (fresh != ahead_.begin()) {
        begin_batch(static_cast<std::size_t>(fresh - ahead_.begin()));
        give_up_expired();
        return;
    }
    const auto& delivery = config_.delivery_of(ahead_.front().record.rule);
    const auto size = batch_size(ahead_, config_);
    const auto now = surroundings_.clock->steady();
    gathering_since_ = gathering_since_.value_or(now);
    if (!size.complete && now < *gathering_since_ + delivery.batch.wait) {
        due_ = *gathering_since_ + delivery.batch.wait;
        return;
    }
    begin_batch(size.records);
    const bool always_one = delivery.body == BodyFormat::raw || delivery.batch.messages == 1;
    enter(always_one ? Phase::send : Phase::claim);
}

void HttpSink::begin_batch(std::size_t records) {
    const auto end = ahead_.begin() + static_cast<std::ptrdiff_t>(records);
    batch_.assign(std::make_move_iterator(ahead_.begin()), std::make_move_iterator(end));
    ahead_.erase(ahead_.begin(), end);
    gathering_since_.reset();
    batch_attempts_ = 0;
}

void HttpSink::claim() {
    next_state_ = state_;
    next_state_.claim = {batch_.front().offset, batch_.back().offset};
    storage::Batch changes;
    put_state(changes, config_.name, next_state_);
    submit(std::move(changes));
}

void HttpSink::send() {
    if (expired(batch_.back())) {
        give_up_expired();
        return;
    }
    auto request = make_request(batch_, config_);
    if (!request) {
        note_error("sink_rejected", "the record's URL or headers are not valid for this sink");
        give_up(fmt::format("{}: {}", model::name(model::Reason::sink_rejected), last_error_));
        return;
    }
    ++batch_attempts_;
    ++attempts_;
    under_way_ = next_ticket();
    surroundings_.client->submit(
        std::move(*request),
        [events = surroundings_.events, id = id_, ticket = under_way_](
            http_client::Outcome&& outcome
        ) { events->push({id, ticket, std::move(outcome)}); }
    );
}

void HttpSink::on_answer(http_client::Outcome&& outcome) {
    const auto now = surroundings_.clock->steady();
    switch (fate_of(outcome)) {
        case Fate::delivered:
            if (std::exchange(recovery_untold_, false)) {
                log::info(
                    "sink_recovered", {{"sink", config_.name}, {"attempts", batch_attempts_}}
                );
            }
            last_error_.clear();
            given_up_.clear();
            enter(Phase::settle);
            return;
        case Fate::again: {
            ++failures_;
            note_error("sink_failing", describe(outcome));
            const WallTime expiry = WallTime{batch_.back().record.time_ms} + config_.outbox.age;
            const auto left = std::max(expiry - surroundings_.clock->wall(), WallTime{0});
            due_ = now +
                   std::min(backoff_.pause(config_.retry, batch_attempts_, outcome.response), left);
            return;
        }
        case Fate::never:
            ++failures_;
            note_error("sink_rejected", describe(outcome));
            give_up(fmt::format("{}: {}", model::name(model::Reason::sink_rejected), last_error_));
            return;
        case Fate::undecided:
            due_ = now + kStorePause;
            return;
    }
}

void HttpSink::give_up(std::string why) {
    given_up_ = std::move(why);
    enter(Phase::settle);
}

void HttpSink::give_up_expired() {
    const auto cause =
        batch_attempts_ == 0 ? std::string{"no attempt was made in time"} : last_error_;
    give_up(fmt::format("{}: {}", model::name(model::Reason::sink_expired), cause));
}

/// The outcome, the removal and the counters become durable together.
void HttpSink::settle() {
    next_state_ = state_;
    next_state_.claim = {};
    storage::Batch changes;
    if (given_up_.empty()) {
        changes.settle_outbox(config_.name, batch_.front().offset, batch_.back().offset);
        next_state_.counters.delivered += batch_.size();
    } else {
        const storage::DeadLetterNote note{
            .time_ms = surroundings_.clock->wall().count(),
            .attempts = batch_attempts_,
            .reason = given_up_
        };
        for (const auto& entry : batch_) {
            changes.dead_letter(config_.name, entry.offset, note);
        }
        next_state_.counters.dead += batch_.size();
    }
    put_state(changes, config_.name, next_state_);
    submit(std::move(changes));
}

void HttpSink::on_committed(error_code error) {
    const bool trimmed = std::exchange(trimming_, false);
    if (error) {
        if (trimmed) {
            trim_due_ = surroundings_.clock->steady() + kStorePause;
        } else {
            store_failed(error);
        }
        return;
    }
    state_ = next_state_;
    if (trimmed) {
        return;
    }
    if (phase_ == Phase::claim) {
        enter(Phase::send);
        return;
    }
    dead_letters_checked_ = dead_letters_checked_ && given_up_.empty();
    batch_.clear();
    batch_attempts_ = 0;
    enter(Phase::gather);
}

/// @return Whether a commit was begun.
bool HttpSink::trim() {
    const auto& limits = config_.outbox;
    const auto stored = room_.stored();
    const bool over = limits.on_full == OnFull::drop_oldest && stored > limits.size_bytes;
    const bool wanted = over || !dead_letters_checked_;
    if (!wanted || phase_ == Phase::load || surroundings_.clock->steady() < trim_due_) {
        return false;
    }
    trim_due_ = SteadyTime{0};
    storage::Batch changes;
    next_state_ = state_;
    if (over) {
        const auto from = batch_.empty() ? 0 : batch_.back().offset + 1;
        const auto excess = stored - limits.size_bytes;
        const auto dropped = drop_oldest(changes, *surroundings_.store, config_.name, from, excess);
        next_state_.counters.lost += dropped ? *dropped : 0;
        forget_read_ahead();
    }
    dead_letters_checked_ =
        purge_dead_letters(changes, *surroundings_.store, config_.name, limits.dead_letter_bytes)
            .has_value();
    if (changes.empty()) {
        return false;
    }
    put_state(changes, config_.name, next_state_);
    trimming_ = true;
    submit(std::move(changes));
    return true;
}

void HttpSink::forget_read_ahead() noexcept {
    ahead_.clear();
    read_from_ = batch_.empty() ? 0 : batch_.back().offset + 1;
}

void HttpSink::submit(storage::Batch&& batch) {
    under_way_ = next_ticket();
    surroundings_.store->submit(
        std::move(batch),
        [events = surroundings_.events, id = id_, ticket = under_way_](
            const Result<storage::CommitInfo>& result
        ) { events->push({id, ticket, Committed{result ? error_code{} : result.error()}}); }
    );
}

void HttpSink::enter(Phase phase) noexcept {
    phase_ = phase;
    due_ = SteadyTime{0};
}

void HttpSink::store_failed(error_code error) {
    note_error("sink_storage_failed", "storage: " + error.message());
    due_ = surroundings_.clock->steady() + kStorePause;
}

/// Devices can cause failures as often as they like, so the log tells of one a minute; counters tell of all.
void HttpSink::note_error(std::string_view event, std::string text) {
    last_error_ = std::move(text);
    last_error_time_ = surroundings_.clock->wall();
    const auto now = surroundings_.clock->steady();
    if (now >= log_again_) {
        log::warn(event, {{"sink", config_.name}, {"error", last_error_}});
        log_again_ = now + kLogPause;
        recovery_untold_ = true;
    }
}

bool HttpSink::expired(const storage::OutboxEntry& entry) const noexcept {
    return WallTime{entry.record.time_ms} + config_.outbox.age <= surroundings_.clock->wall();
}

SinkStatus HttpSink::status() const {
    const auto now = surroundings_.clock->steady();
    const bool backing_off = phase_ == Phase::send && under_way_ == 0 && now < due_;
    SinkStatus out{
        .name = config_.name,
        .url = config_.url,
        .counters = state_.counters,
        .attempts = attempts_,
        .failures = failures_,
        .batch_attempts = batch_attempts_,
        .next_attempt = backing_off ? due_ - now : SteadyTime{0},
        .last_error = last_error_,
        .last_error_time = last_error_time_,
    };
    if (phase_ == Phase::load) {
        out.activity = Activity::starting;
    } else if (backing_off) {
        out.activity = Activity::backing_off;
    } else if (phase_ == Phase::gather) {
        out.activity = ahead_.empty() ? Activity::idle : Activity::gathering;
    } else {
        out.activity = Activity::delivering;
    }
    if (const auto info = surroundings_.store->outbox(config_.name)) {
        out.in = info->next - 1;
        out.pending = info->records;
        out.pending_bytes = info->bytes;
        out.dead_letters = info->dead_records;
        if (info->oldest_ms != 0) {
            out.oldest_age =
                std::max(surroundings_.clock->wall() - WallTime{info->oldest_ms}, WallTime{0});
        }
    }
    return out;
}

}  // namespace weir::sinks::detail
