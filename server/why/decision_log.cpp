#include <weir/why/decision_log.hpp>

#include <algorithm>
#include <limits>

namespace weir::why {
namespace {

constexpr std::size_t kSourcesMax = std::numeric_limits<std::uint16_t>::max();

}  // namespace

DecisionLog::DecisionLog(std::size_t bytes_max)
    : rings_max_{std::max<std::size_t>(1, bytes_max / sizeof(Ring))}, sources_{model::Source{}} {}

DecisionLog::Ring& DecisionLog::ring_of(std::string_view device) {
    if (const auto found = by_device_.find(device); found != by_device_.end()) {
        rings_.splice(rings_.begin(), rings_, found->second);
        return *rings_.front();
    }
    if (rings_.size() >= rings_max_) {
        by_device_.erase(rings_.back()->device);
        rings_.splice(rings_.begin(), rings_, std::prev(rings_.end()));
    } else {
        rings_.push_front(std::make_unique<Ring>());
    }
    Ring& ring = *rings_.front();
    ring.device = device;
    ring.next = 0;
    ring.used = 0;
    by_device_.emplace(ring.device, rings_.begin());
    return ring;
}

std::uint16_t DecisionLog::intern(const model::Source* source) {
    if (source == nullptr || source->file.empty()) {
        return 0;
    }
    const auto same = [source](const model::Source& known) {
        return known.line == source->line && known.file == source->file;
    };
    if (const auto found = std::ranges::find_if(sources_, same); found != sources_.end()) {
        return static_cast<std::uint16_t>(found - sources_.begin());
    }
    if (sources_.size() >= kSourcesMax) {
        return 0;
    }
    sources_.push_back(*source);
    return static_cast<std::uint16_t>(sources_.size() - 1);
}

void DecisionLog::record(
    std::string_view device,
    model::Action action,
    model::Reason reason,
    WallTime now,
    std::string_view topic,
    const model::Source* source
) {
    Ring& ring = ring_of(device);
    const std::uint16_t source_id = intern(source);
    const auto kept = topic.substr(0, sizeof(Record::topic));
    if (ring.used > 0) {
        Record& last = ring.records[(ring.next + kRecordsPerDevice - 1) % kRecordsPerDevice];
        const std::int64_t since = now.count() - last.first_ms;
        if (last.action == action && last.reason == reason && last.source == source_id &&
            std::string_view{last.topic.data(), last.topic_size} == kept && since >= 0 &&
            since < std::numeric_limits<std::uint32_t>::max()) {
            last.duration_ms = static_cast<std::uint32_t>(since);
            ++last.count;
            return;
        }
    }
    Record& record = ring.records[ring.next];
    record.first_ms = now.count();
    record.duration_ms = 0;
    record.count = 1;
    record.source = source_id;
    record.topic_size = static_cast<std::uint8_t>(kept.size());
    record.action = action;
    record.reason = reason;
    std::ranges::copy(kept, record.topic.begin());
    ring.next = (ring.next + 1) % kRecordsPerDevice;
    ring.used = std::min(ring.used + 1, kRecordsPerDevice);
}

std::vector<Decision> DecisionLog::of(std::string_view device) const {
    const auto found = by_device_.find(device);
    if (found == by_device_.end()) {
        return {};
    }
    const Ring& ring = **found->second;
    std::vector<Decision> out;
    out.reserve(ring.used);
    for (std::size_t i = 0; i < ring.used; ++i) {
        const Record& record =
            ring.records[(ring.next + kRecordsPerDevice - ring.used + i) % kRecordsPerDevice];
        out.push_back(Decision{
            .first = WallTime{record.first_ms},
            .last = WallTime{record.first_ms + record.duration_ms},
            .count = record.count,
            .action = record.action,
            .reason = record.reason,
            .topic = std::string{record.topic.data(), record.topic_size},
            .source = sources_[record.source],
        });
    }
    return out;
}

}  // namespace weir::why
