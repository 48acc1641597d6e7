#include <weir/storage/detail/session_writer.hpp>

#include <algorithm>

#include <weir/storage/detail/session_keys.hpp>

namespace weir::storage::detail {

Result<void> SessionWriter::load() {
    std::uint64_t last_session = 0;
    // Of all kinds: what is left of a session that is gone must not become another one's.
    WEIR_CHECK(engine_.scan(
        Family::sessions,
        {},
        {},
        [&](std::string_view key, std::string_view /*value*/) {
            last_session = std::max(last_session, first_number(key));
            return true;
        }
    ));
    std::uint64_t last_message = 0;
    std::int64_t growth = 0;
    Result<void> outcome;
    WEIR_CHECK(engine_.scan(
        Family::queues,
        std::string_view{&kEntryKind, 1},
        end_of_prefix({&kEntryKind, 1}),
        [&](std::string_view key, std::string_view value) {
            const auto entry = decode_queue_entry(as_bytes(value));
            if (!entry) {
                outcome = entry.error();
                return false;
            }
            last_session = std::max(last_session, first_number(key));
            if (const auto message = static_cast<std::uint64_t>(entry->message); message != 0) {
                last_message = std::max(last_message, message);
                growth += ++references_[message] == 1 ? std::int64_t{entry->bytes} : 0;
            }
            growth += kQueueEntryOverhead;
            return true;
        }
    ));
    sessions_ = last_session;
    messages_ = last_message;
    budgets_.add(Area::queues, growth);
    return outcome;
}

std::uint32_t SessionWriter::refer(MessageId message) {
    const auto number = static_cast<std::uint64_t>(message);
    changes_.emplace_back(number, 1);
    return ++references_[number];
}

void SessionWriter::release(MessageId message, std::uint32_t bytes) {
    const auto number = static_cast<std::uint64_t>(message);
    const auto found = references_.find(number);
    if (number == 0 || found == references_.end()) {
        return;
    }
    changes_.emplace_back(number, -1);
    if (--found->second == 0) {
        references_.erase(found);
        growth_ -= bytes;
        engine_.erase(Family::queues, message_key(message).view());
    }
}

void SessionWriter::write(SessionId session, std::uint64_t sequence, const QueueEntry& entry) {
    scratch_.clear();
    encode(scratch_, entry);
    engine_.put(Family::queues, entry_key(session, sequence).view(), as_text(scratch_));
    entries_[key_of(session, sequence)] = entry;
}

void SessionWriter::erase(SessionId session, std::uint64_t sequence, const QueueEntry& entry) {
    engine_.erase(Family::queues, entry_key(session, sequence).view());
    entries_[key_of(session, sequence)].reset();
    growth_ -= kQueueEntryOverhead;
    release(entry.message, entry.bytes);
}

Result<std::optional<QueueEntry>> SessionWriter::find(
    SessionId session, std::uint64_t sequence
) const {
    if (const auto found = entries_.find(key_of(session, sequence)); found != entries_.end()) {
        return found->second;
    }
    WEIR_TRY(const auto stored, engine_.get(Family::queues, entry_key(session, sequence).view()));
    if (!stored) {
        return std::nullopt;
    }
    WEIR_TRY(auto entry, decode_queue_entry(as_bytes(*stored)));
    return std::optional{std::move(entry)};
}

void SessionWriter::enqueue(
    SessionId session, std::uint64_t sequence, std::string_view encoded
) {
    auto entry = decode_queue_entry(as_bytes(encoded));
    if (!entry) {
        return;  // Not from a Batch.
    }
    growth_ += kQueueEntryOverhead;
    if (refer(kept_.message) == 1) {
        growth_ += entry->bytes;
        engine_.put(Family::queues, message_key(kept_.message).view(), kept_.record);
    }
    engine_.put(Family::queues, entry_key(session, sequence).view(), encoded);
    entries_[key_of(session, sequence)] = std::move(*entry);
}

Result<void> SessionWriter::mark(
    SessionId session, std::uint64_t sequence, EntryState state, std::uint16_t packet_id
) {
    WEIR_TRY(auto entry, find(session, sequence));
    if (!entry || (entry->state == EntryState::released && state != EntryState::released)) {
        return {};
    }
    if (state == EntryState::released) {
        release(std::exchange(entry->message, MessageId{}), entry->bytes);
        entry->subscription_ids.clear();
        entry->bytes = 0;
    }
    entry->state = state;
    entry->packet_id = packet_id;
    write(session, sequence, *entry);
    return {};
}

Result<void> SessionWriter::settle(SessionId session, std::uint64_t sequence) {
    WEIR_TRY(const auto entry, find(session, sequence));
    if (entry) {
        erase(session, sequence, *entry);
    }
    return {};
}

Result<void> SessionWriter::drop(SessionId session) {
    WEIR_CHECK(drop_entries(session));
    for (const char kind : {kSessionKind, kFilterKind, kWillKind, kInboundKind}) {
        WEIR_CHECK(erase_prefix(Family::sessions, session_key(kind, session).view()));
    }
    return {};
}

Result<void> SessionWriter::drop_entries(SessionId session) {
    std::vector<std::pair<std::uint64_t, QueueEntry>> found;
    for (const auto& [key, entry] : entries_) {
        if (key.first == static_cast<std::uint64_t>(session) && entry) {
            found.emplace_back(key.second, *entry);
        }
    }
    Result<void> outcome;
    const auto prefix = session_key(kEntryKind, session);
    WEIR_CHECK(engine_.scan(
        Family::queues,
        prefix.view(),
        end_of_prefix(prefix.view()),
        [&](std::string_view key, std::string_view value) {
            const auto number = after_number(key);
            const auto entry = decode_queue_entry(as_bytes(value));
            if (number.size() != sizeof(std::uint64_t) || !entry) {
                outcome = entry ? make_error_code(errc::malformed_record) : entry.error();
                return false;
            }
            const auto sequence = load_be<std::uint64_t>(as_bytes(number).data());
            if (!entries_.contains(key_of(session, sequence))) {
                found.emplace_back(sequence, *entry);
            }
            return true;
        }
    ));
    for (const auto& [sequence, entry] : found) {
        erase(session, sequence, entry);
    }
    return outcome;
}

Result<void> SessionWriter::erase_prefix(Family family, std::string_view prefix) {
    for (const auto& [key_family, key] : written_) {
        if (key_family == family && key.starts_with(prefix)) {
            engine_.erase(family, key);
        }
    }
    return engine_.scan(
        family,
        prefix,
        end_of_prefix(prefix),
        [&](std::string_view key, std::string_view /*value*/) {
            engine_.erase(family, key);
            return true;
        }
    );
}

void SessionWriter::end_group(bool committed) {
    const std::int64_t growth = std::exchange(growth_, 0);
    if (committed) {
        budgets_.add(Area::queues, growth);
    } else {
        for (const auto& [message, change] : changes_) {
            auto& count = references_[message];
            count -= static_cast<std::uint32_t>(change);
        }
        for (const auto& [message, change] : changes_) {
            if (const auto found = references_.find(message);
                found != references_.end() && found->second == 0) {
                references_.erase(found);
            }
        }
    }
    kept_ = {};
    entries_.clear();
    changes_.clear();
    written_.clear();
}

}  // namespace weir::storage::detail
