#include <weir/why/decision_log.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <limits>

#include <weir/base/text.hpp>

namespace weir::why {
namespace {

constexpr std::size_t kDetailBytesMax = 50;  // And "...".
constexpr std::size_t kSourcesMax = std::numeric_limits<std::uint16_t>::max();
constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// The first bytes of `text` as they fit into `memory`. @return How many those are.
template <std::size_t Size>
std::uint8_t put(std::array<char, Size>& memory, std::string_view text) noexcept {
    const auto kept = utf8_start(text, Size);
    std::ranges::copy(kept, memory.begin());
    return static_cast<std::uint8_t>(kept.size());
}

/// False: it is no address.
bool parse_address(std::string_view text, std::array<std::uint8_t, 16>& out) noexcept {
    if (text.starts_with('[') && text.ends_with(']')) {
        text = text.substr(1, text.size() - 2);
    }
    std::array<char, INET6_ADDRSTRLEN> memory{};
    if (text.empty() || text.size() >= memory.size()) {
        return false;
    }
    std::ranges::copy(text, memory.begin());
    std::ranges::copy(kMapped, out.begin());
    return ::inet_pton(AF_INET, memory.data(), out.data() + kMapped.size()) == 1 ||
           ::inet_pton(AF_INET6, memory.data(), out.data()) == 1;
}

std::string address_text(const std::array<std::uint8_t, 16>& address) {
    const bool is_mapped = std::equal(kMapped.begin(), kMapped.end(), address.begin());
    std::array<char, INET6_ADDRSTRLEN> memory{};
    const char* const text =
        is_mapped ? ::inet_ntop(
                        AF_INET, address.data() + kMapped.size(), memory.data(), memory.size()
                    )
                  : ::inet_ntop(AF_INET6, address.data(), memory.data(), memory.size());
    return text == nullptr ? std::string{} : std::string{text};
}

}  // namespace

// --- Rings ---------------------------------------------------------------------------------------------------------

bool DecisionLog::Record::is_like(const Record& other) const noexcept {
    return action == other.action && reason == other.reason && source == other.source &&
           topic_text() == other.topic_text() && detail_text() == other.detail_text();
}

DecisionLog::Shelf::Shelf(std::size_t bytes_max, std::size_t records)
    : records_{records},
      rings_max_{std::max<std::size_t>(
          1, bytes_max / (sizeof(Ring) + kNameBytesMax + records * sizeof(Record))
      )} {}

DecisionLog::Ring& DecisionLog::Shelf::ring_of(std::string_view name) {
    name = utf8_start(name, kNameBytesMax);
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
        rings_.splice(rings_.begin(), rings_, found->second);
        return rings_.front();
    }
    if (rings_.size() >= rings_max_) {
        by_name_.erase(rings_.back().name);
        rings_.splice(rings_.begin(), rings_, std::prev(rings_.end()));
    } else {
        rings_.push_front(Ring{.records = std::make_unique_for_overwrite<Record[]>(records_)});
    }
    Ring& ring = rings_.front();
    ring.name = name;
    ring.next = 0;
    ring.used = 0;
    by_name_.emplace(ring.name, rings_.begin());
    return ring;
}

void DecisionLog::Shelf::add(std::string_view name, const Record& record) {
    Ring& ring = ring_of(name);
    if (ring.used > 0) {
        Record& last = ring.records[(ring.next + records_ - 1) % records_];
        const std::int64_t since = record.first_ms - last.first_ms;
        if (last.is_like(record) && since >= 0 &&
            since < std::numeric_limits<std::uint32_t>::max()) {
            last.duration_ms = static_cast<std::uint32_t>(since);
            ++last.count;
            if (record.has_peer) {
                last.has_peer = true;
                last.peer = record.peer;
            }
            return;
        }
    }
    ring.records[ring.next] = record;
    ring.next = (ring.next + 1) % records_;
    ring.used = std::min(ring.used + 1, records_);
}

template <class Visit>
void DecisionLog::Shelf::for_each(std::string_view name, Visit&& visit) const {
    const auto found = by_name_.find(utf8_start(name, kNameBytesMax));
    if (found == by_name_.end()) {
        return;
    }
    const Ring& ring = *found->second;
    for (std::size_t i = 0; i < ring.used; ++i) {
        visit(ring.records[(ring.next + records_ - ring.used + i) % records_]);
    }
}

// --- The log -------------------------------------------------------------------------------------------------------

DecisionLog::DecisionLog(std::size_t bytes_max)
    : devices_{bytes_max / 4 * 3, kRecordsPerDevice},
      claims_{bytes_max / 4, kRecordsPerClaim},
      sources_{model::Source{}} {}

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
    const Who& who,
    model::Action action,
    model::Reason reason,
    WallTime now,
    std::string_view topic,
    const model::Source* source,
    const Particulars& particulars
) {
    Record record{
        .first_ms = now.count(),
        .duration_ms = 0,
        .count = 1,
        .source = intern(source),
        .topic_size = 0,
        .detail_size = 0,
        .action = action,
        .reason = reason,
        .has_peer = false,
        .peer = {},
        .topic = {},
        .detail = {},
    };
    record.topic_size = put(record.topic, topic);
    if (particulars.detail != model::info(reason).text) {
        record.detail_size = put(record.detail, printable(particulars.detail, kDetailBytesMax));
    }
    record.has_peer = parse_address(particulars.peer, record.peer);
    (who.is_claim ? claims_ : devices_).add(who.name, record);
}

Decision DecisionLog::decision_of(const Record& record, bool is_claim) const {
    return {
        .first = WallTime{record.first_ms},
        .last = WallTime{record.first_ms + record.duration_ms},
        .count = record.count,
        .action = record.action,
        .reason = record.reason,
        .topic = std::string{record.topic_text()},
        .source = sources_[record.source],
        .detail = std::string{record.detail_text()},
        .peer = record.has_peer ? address_text(record.peer) : std::string{},
        .is_claim = is_claim,
    };
}

std::vector<Decision> DecisionLog::of(std::string_view name) const {
    std::vector<Decision> out;
    devices_.for_each(name, [&](const Record& record) {
        out.push_back(decision_of(record, false));
    });
    claims_.for_each(name, [&](const Record& record) {
        out.push_back(decision_of(record, true));
    });
    std::ranges::stable_sort(out, {}, &Decision::first);
    return out;
}

}  // namespace weir::why
