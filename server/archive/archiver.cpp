#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include <weir/archive/detail/archiver.hpp>
#include <weir/archive/detail/compressor.hpp>
#include <weir/archive/detail/lines.hpp>
#include <weir/archive/object_name.hpp>
#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>

namespace weir::archive::detail {
namespace {

using std::chrono::milliseconds;

/// After the store refused a batch or a read.
constexpr milliseconds kStorePause{1'000};
/// Between two lines in the log about one archive's failures.
constexpr std::chrono::minutes kLogPause{1};
/// If nothing is to be done; news of the stream come anyway.
constexpr std::chrono::hours kLong{1};
/// How much of the stream is read at a time.
constexpr storage::ReadLimit kPage{.records = 1'000, .bytes = 1024 * 1024};

std::uint64_t weight_of(const storage::StreamEntry& entry) noexcept {
    return entry.record.topic.size() + entry.record.payload.size();
}

}  // namespace

Archiver::Archiver(ArchiveConfig config, storage::Store& store, const Clock& clock)
    : store_{store},
      clock_{clock},
      config_{std::move(config)},
      random_{static_cast<std::uint32_t>(std::hash<std::string>{}(config_.name)) + 1} {
    publish(Activity::starting);
}

void Archiver::reconfigure(ArchiveConfig config) {
    next_config_.with([&](auto& next) { next = std::move(config); });
}

void Archiver::adopt_config() {
    auto next = next_config_.with([](auto& waiting) { return std::exchange(waiting, {}); });
    if (!next) {
        return;
    }
    loaded_ = loaded_ && next->stream == config_.stream;
    config_ = std::move(*next);
    survey_ = {};
    retry_at_.reset();  // What was mended is tried at once.
}

Archiver::Wait Archiver::turn() {
    adopt_config();
    const auto now = clock_.steady();
    if (retry_at_ && now < *retry_at_) {
        return *retry_at_ - now;
    }
    retry_at_.reset();
    if (!loaded_ && !load()) {
        return *retry_at_ - now;
    }
    return progress_.claim ? write() : gather();
}

bool Archiver::load() {
    auto progress = load_progress(store_, config_.name);
    if (!progress) {
        static_cast<void>(storage_failed(progress.error()));
        return false;
    }
    progress_ = std::move(*progress);
    if (progress_.stream != config_.stream) {
        // Offsets of another stream mean nothing here.
        Progress begin{.stream = config_.stream, .counters = progress_.counters};
        const auto stream = store_.stream(config_.stream);
        begin.next = stream ? stream->first : 1;
        // From now on retention loses records of ours: that counts after a restart too.
        if (const auto stored = store_progress(begin); !stored) {
            static_cast<void>(storage_failed(stored.error()));
            return false;
        }
    }
    survey_ = {};
    object_.reset();
    loaded_ = true;
    return true;
}

// --- Gathering -----------------------------------------------------------------------------------------------------

/// What retention removed is skipped, and counted.
void Archiver::skip_trimmed() {
    const auto stream = store_.stream(config_.stream);
    if (!stream || stream->first <= progress_.next) {
        return;
    }
    const auto lost = stream->first - progress_.next;
    note("archive_lost", fmt::format("{} records were removed before they were written", lost));
    progress_.counters.lost += lost;
    progress_.next = stream->first;
    survey_ = {};
}

/// Whether retention removed the record at `next`, which a read did not find: compaction does that too,
/// and it is no loss.
bool Archiver::is_gap_trimmed(std::uint64_t next) const {
    const auto stream = store_.stream(config_.stream);
    return !stream || stream->compacted == 0 || stream->first > next;
}

bool Archiver::takes(const storage::StreamEntry& entry) const noexcept {
    return survey_.records == 0 || (survey_.records < config_.batch.records &&
                                    survey_.bytes + weight_of(entry) <= config_.batch.bytes);
}

Result<Archiver::Fill> Archiver::survey_more() {
    for (;;) {
        WEIR_TRY(const auto page, store_.read_stream(config_.stream, survey_.next, kPage));
        if (page.empty()) {
            return survey_.records >= config_.batch.records ? Fill::full : Fill::open;
        }
        for (const auto& entry : page) {
            if (entry.offset != survey_.next && is_gap_trimmed(survey_.next)) {
                return Fill::open;  // The next turn begins anew.
            }
            if (!takes(entry)) {
                return Fill::full;
            }
            if (survey_.records == 0) {
                survey_.oldest_ms = entry.record.time_ms;
            }
            ++survey_.records;
            survey_.bytes += weight_of(entry);
            survey_.next = entry.offset + 1;
        }
    }
}

Archiver::Wait Archiver::gather() {
    skip_trimmed();
    if (survey_.first != progress_.next) {
        survey_ = {.first = progress_.next, .next = progress_.next};
    }
    const auto fill = survey_more();
    if (!fill) {
        return storage_failed(fill.error());
    }
    if (survey_.records == 0) {
        publish(Activity::idle);
        return kLong;
    }
    // Of a clock that was set back nobody waits longer than the age.
    const auto age = std::max(clock_.wall() - WallTime{survey_.oldest_ms}, WallTime{0});
    if (*fill == Fill::open && age < config_.batch.age) {
        publish(Activity::gathering);
        return config_.batch.age - age;
    }
    return claim();
}

Archiver::Wait Archiver::claim() {
    Progress next = progress_;
    const auto last = survey_.next - 1;
    next.claim = Claim{
        .first = survey_.first,
        .last = last,
        .object = object_name(
                      config_.object,
                      {.sink = config_.name,
                       .stream = config_.stream,
                       .time_ms = survey_.oldest_ms,
                       .first = survey_.first,
                       .last = last}
                  ) +
                  ending_of(config_.layout),
        .layout = config_.layout};
    if (const auto stored = store_progress(next); !stored) {
        return storage_failed(stored.error());
    }
    attempt_ = 0;
    object_.reset();
    return Wait{0};
}

// --- Writing -------------------------------------------------------------------------------------------------------

Result<Archiver::Built> Archiver::build() {
    const Claim& claim = *progress_.claim;
    LineWriter lines{claim.layout};
    Compressor compressor{claim.layout.compression};
    std::string text;
    lines.begin(text);
    object_records_ = 0;
    for (auto next = claim.first; next <= claim.last;) {
        WEIR_TRY(const auto page, store_.read_stream(config_.stream, next, kPage));
        if ((page.empty() || page.front().offset != next) && is_gap_trimmed(next)) {
            return Built::trimmed;
        }
        for (const auto& entry : page) {
            if (entry.offset > claim.last) {
                break;
            }
            if (survey_.records == 0) {  // After a restart.
                survey_ = {
                    .first = claim.first,
                    .next = claim.last + 1,
                    .records = claim.last - claim.first + 1,
                    .oldest_ms = entry.record.time_ms};
            }
            lines.add(text, entry);
            ++object_records_;
        }
        next = page.empty() ? claim.last + 1 : page.back().offset + 1;
        compressor.add(text);
        text.clear();
    }
    if (object_records_ == 0) {
        return Built::nothing_left;
    }
    object_ = Object{claim.object, media_type_of(claim.layout), compressor.take()};
    return Built::whole;
}

Archiver::Wait Archiver::write() {
    publish(Activity::writing);
    if (!object_) {
        const auto built = build();
        if (!built) {
            return storage_failed(built.error());
        }
        if (*built != Built::whole) {
            return void_claim(*built);
        }
        publish(Activity::writing);
    }
    ++attempt_;
    shown_.with([](auto& shown) { ++shown.status.attempts; });
    if (auto why = config_.target->write(*object_)) {
        return failed(std::move(*why));
    }
    return settle();
}

Archiver::Wait Archiver::settle() {
    const Claim& claim = *progress_.claim;
    Progress next = progress_;
    next.claim.reset();
    next.next = claim.last + 1;
    next.counters.records += object_records_;
    next.counters.replaced += claim.last - claim.first + 1 - object_records_;
    ++next.counters.objects;
    next.counters.bytes += object_->bytes.size();
    if (const auto stored = store_progress(next); !stored) {
        return storage_failed(stored.error());
    }
    if (attempt_ > 1) {
        log::info("archive_recovered", {{"sink", config_.name}, {"attempts", attempt_}});
        log_again_ = SteadyTime{0};
    }
    object_.reset();
    shown_.with([](auto& shown) { shown.status.last_error.clear(); });
    return Wait{0};
}

/// Retention was faster: what is left of the batch becomes one of its own. Or compaction left none of it.
Archiver::Wait Archiver::void_claim(Built why) {
    if (why == Built::nothing_left) {
        progress_.counters.replaced += progress_.claim->last - progress_.claim->first + 1;
        progress_.next = progress_.claim->last + 1;
    }
    progress_.claim.reset();
    skip_trimmed();
    if (const auto stored = store_progress(Progress{progress_}); !stored) {
        loaded_ = false;  // What is stored still has the claim.
        return storage_failed(stored.error());
    }
    return Wait{0};
}

// --- What goes wrong -----------------------------------------------------------------------------------------------

Result<void> Archiver::store_progress(const Progress& next) {
    storage::Batch changes;
    put_progress(changes, config_.name, next);
    WEIR_CHECK(store_.commit(std::move(changes)));
    progress_ = next;
    return {};
}

Archiver::Wait Archiver::storage_failed(error_code error) {
    note("archive_failing", "storage: " + error.message());
    retry_at_ = clock_.steady() + kStorePause;
    publish(Activity::backing_off);
    return kStorePause;
}

Archiver::Wait Archiver::failed(std::string why) {
    note("archive_failing", why);
    const auto doublings = std::min<std::uint32_t>(attempt_ - 1, 20);
    const auto full = std::min(config_.retry.min * (1U << doublings), config_.retry.max);
    const auto pause = full - milliseconds{static_cast<std::int64_t>(
                                  random_() % static_cast<std::uint64_t>(full.count() / 2 + 1)
                              )};
    retry_at_ = clock_.steady() + pause;
    shown_.with([](auto& shown) { ++shown.status.failures; });
    publish(Activity::backing_off);
    return pause;
}

void Archiver::note(std::string_view event, const std::string& why) {
    const auto now = clock_.steady();
    shown_.with([&](auto& shown) {
        shown.status.last_error = why;
        shown.status.last_error_time = clock_.wall();
    });
    if (now >= log_again_) {
        log::warn(event, {{"sink", config_.name}, {"error", why}});
        log_again_ = now + kLogPause;
    }
}

Probe Archiver::probe() {
    adopt_config();
    const auto since = clock_.steady();
    // Offsets begin with 1.
    const Object object{
        object_name(
            config_.object,
            {.sink = config_.name, .stream = config_.stream, .time_ms = clock_.wall().count()}
        ) + ".weir-test-" +
            random_hex(4),
        "text/plain",
        "weir\n"};
    Probe probe{.where = config_.target->where(), .object = object.name};
    if (auto why = config_.target->write(object)) {
        probe.failure = std::move(*why);
    } else if (auto still_there = config_.target->remove(object.name)) {
        probe.left = std::move(*still_there);
    }
    probe.took = clock_.steady() - since;
    return probe;
}

// --- Status --------------------------------------------------------------------------------------------------------

void Archiver::publish(Activity activity) {
    shown_.with([&](auto& shown) {
        ArchiveStatus& status = shown.status;
        status.name = config_.name;
        status.stream = config_.stream;
        status.where = config_.target->where();
        status.activity = activity;
        status.next = progress_.next;
        status.counters = progress_.counters;
        shown.is_loaded = loaded_;
        shown.held = object_ ? object_records_ : 0;
        shown.held_to = object_ ? progress_.claim->last + 1 : progress_.next;
        shown.retry_at = retry_at_.value_or(SteadyTime{0});
        shown.oldest_ms = survey_.records == 0 ? 0 : survey_.oldest_ms;
    });
}

ArchiveStatus Archiver::status() const {
    Shown shown = shown_.with([](const auto& now) { return now; });
    ArchiveStatus& status = shown.status;
    Counters& books = status.counters;
    status.in = books.records + books.lost + books.replaced;
    if (const auto stream = store_.stream(status.stream);
        shown.is_loaded && stream && stream->next >= shown.held_to) {
        const auto first = std::max(shown.held_to, stream->first);
        const auto waiting = std::min(stream->next - first, stream->records());
        status.in += stream->next - status.next;
        status.pending = shown.held + waiting;
        books.lost += first - shown.held_to;
        books.replaced += shown.held_to - status.next - shown.held + (stream->next - first) - waiting;
    }
    if (status.pending > 0 && shown.oldest_ms != 0) {
        status.oldest_age = std::max(clock_.wall() - WallTime{shown.oldest_ms}, WallTime{0});
    }
    if (status.activity == Activity::backing_off) {
        status.next_attempt = std::max(shown.retry_at - clock_.steady(), SteadyTime{0});
    }
    return status;
}

}  // namespace weir::archive::detail
