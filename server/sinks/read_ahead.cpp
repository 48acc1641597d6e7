#include <weir/sinks/detail/read_ahead.hpp>

#include <algorithm>
#include <iterator>

#include <weir/base/hash.hpp>
#include <weir/sinks/detail/http_request.hpp>
#include <weir/sinks/detail/sink_state.hpp>
#include <weir/sinks/record_extras.hpp>

namespace weir::sinks::detail {
namespace {

constexpr storage::ReadLimit kStep{.records = 256, .bytes = 256 * 1024};

std::uint64_t key_hash(const storage::OutboxEntry& entry) noexcept {
    return hash_seeded(order_key_of(entry.record));
}

}  // namespace

Result<ReadAhead::Choice> ReadAhead::choose(
    const storage::Store& store, const HttpSinkConfig& config
) {
    for (;;) {
        auto choice = choose(config);
        // A batch may hold more records than the bound says, as long as they are its own.
        const bool all_chosen = choice.records.size() == entries_.size();
        if (choice.complete || (is_full() && !all_chosen)) {
            return choice;
        }
        WEIR_TRY(auto more, store.read_outbox(config.name, read_from_, kStep));
        if (more.empty()) {
            return choice;
        }
        read_from_ = more.back().offset + 1;
        std::erase_if(more, [this](const auto& entry) { return is_taken(entry.offset); });
        for (auto& entry : more) {
            bytes_ += entry.buffer.size();
            entries_.push_back(std::move(entry));
        }
    }
}

ReadAhead::Choice ReadAhead::choose(const HttpSinkConfig& config) const {
    Choice choice;
    const storage::OutboxRecord* first = nullptr;
    std::size_t messages = 0;
    std::uint64_t bytes = 0;
    std::size_t runs = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto& record = entries_[i].record;
        if (!busy_.empty() && busy_.contains(key_hash(entries_[i]))) {
            continue;
        }
        const auto& delivery = config.delivery_of(first == nullptr ? record.rule : first->rule);
        if (first == nullptr) {
            first = &record;
            choice.delivery = &delivery;
            messages = batch_messages(delivery);
        } else if (bytes + record.payload.size() > delivery.batch.bytes ||
                   !same_request(*first, record)) {
            choice.complete = true;
            return choice;
        }
        const bool follows = !choice.records.empty() &&
                             entries_[choice.records.back()].offset + 1 == entries_[i].offset;
        runs += follows ? 0 : 1;
        choice.records.push_back(i);
        bytes += record.payload.size();
        if (choice.records.size() == messages || bytes >= delivery.batch.bytes ||
            runs == kRunsMax) {
            choice.complete = true;
            return choice;
        }
    }
    return choice;
}

Entries ReadAhead::take(std::span<const std::size_t> records) {
    Entries batch;
    batch.reserve(records.size());
    for (const auto index : records) {
        batch.push_back(std::move(entries_[index]));
    }
    std::size_t next = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (next < records.size() && records[next] == i) {
            ++next;
        } else if (kept++ != i) {
            entries_[kept - 1] = std::move(entries_[i]);
        }
    }
    entries_.resize(kept);
    for (const auto& entry : batch) {
        bytes_ -= entry.buffer.size();
    }
    adopt(batch);
    return batch;
}

Entries ReadAhead::take_first(std::size_t count) {
    std::vector<std::size_t> records(count);
    for (std::size_t i = 0; i < count; ++i) {
        records[i] = i;
    }
    return take(records);
}

void ReadAhead::adopt(const Entries& batch) {
    for (const auto& entry : batch) {
        ++busy_[key_hash(entry)];
        taken_.insert(entry.offset);
    }
}

void ReadAhead::release(const Entries& batch) {
    for (const auto& entry : batch) {
        const auto found = busy_.find(key_hash(entry));
        if (found != busy_.end() && --found->second == 0) {
            busy_.erase(found);
        }
        taken_.erase(entry.offset);
    }
}

void ReadAhead::forget() {
    entries_.clear();
    bytes_ = 0;
    read_from_ = 0;
}

}  // namespace weir::sinks::detail
