// Reads of sessions, queues and retained messages.
#include <algorithm>

#include <weir/base/topic.hpp>
#include <weir/storage/detail/session_keys.hpp>
#include <weir/storage/detail/store_impl.hpp>

namespace weir::storage {
namespace {

using detail::after_number;

/// Sessions that are put together at once: each kind of their records is read in one pass, whatever their number.
constexpr std::size_t kSessionsAtOnce = 256;

using Sessions = std::vector<StoredSession>;

/// The records of one kind of all these sessions, which are in the order of their ids.
Result<void> for_each(
    const Engine& engine,
    Family family,
    char kind,
    Sessions& sessions,
    const std::function<Result<void>(
        StoredSession& session, std::string_view rest, std::string_view value
    )>& visit
) {
    Result<void> outcome;
    auto session = sessions.begin();
    WEIR_CHECK(engine.scan(
        family,
        detail::session_key(kind, sessions.front().id).view(),
        detail::end_of_prefix(detail::session_key(kind, sessions.back().id).view()),
        [&](std::string_view key, std::string_view value) {
            const SessionId id{detail::first_number(key)};
            session = std::ranges::find_if(session, sessions.end(), [id](const auto& each) {
                return each.id >= id;
            });
            if (session != sessions.end() && session->id == id) {
                outcome = visit(*session, after_number(key), value);
            }
            return outcome.has_value();
        }
    ));
    return outcome;
}

Result<void> add_subscription(
    StoredSession& session, std::string_view filter, std::string_view value
) {
    WEIR_TRY(const auto options, decode_subscription(as_bytes(value)));
    session.subscriptions.emplace_back(filter, options);
    return {};
}

Result<void> add_inbound_id(StoredSession& session, std::string_view id, std::string_view value) {
    if (id.size() != sizeof(std::uint16_t) || value.empty()) {
        return errc::malformed_record;
    }
    if (as_bytes(value)[0] > 1) {
        return errc::newer_version;
    }
    session.inbound_ids.push_back(load_be<std::uint16_t>(as_bytes(id).data()));
    return {};
}

Result<void> add_will(StoredSession& session, std::string_view /*rest*/, std::string_view value) {
    session.will_buffer = to_bytes(value);
    WEIR_TRY(session.will, decode_will(session.will_buffer));
    return {};
}

Result<void> add_entry(StoredSession& session, std::string_view number, std::string_view value) {
    WEIR_TRY(const auto entry, decode_queue_entry(as_bytes(value)));
    if (number.size() != sizeof(std::uint64_t)) {
        return errc::malformed_record;
    }
    const auto sequence = load_be<std::uint64_t>(as_bytes(number).data());
    QueueSummary& queue = session.queue;
    queue.first = queue.entries == 0 ? sequence : queue.first;
    queue.next = sequence + 1;
    queue.bytes += entry.bytes;
    ++queue.entries;
    queue.in_flight += entry.state == EntryState::queued ? 0 : 1;
    return {};
}

/// The next sessions. @param from  The first key of a session that may be among them.
Result<Sessions> read_next_sessions(const Engine& engine, std::string_view from) {
    Sessions sessions;
    Result<void> outcome;
    WEIR_CHECK(engine.scan(
        Family::sessions,
        from,
        detail::end_of_prefix({&detail::kSessionKind, 1}),
        [&](std::string_view key, std::string_view value) {
            StoredSession& session = sessions.emplace_back();
            session.id = SessionId{detail::first_number(key)};
            session.buffer = to_bytes(value);
            auto record = decode_session(session.buffer);
            if (!record) {
                outcome = record.error();
                return false;
            }
            session.record = *record;
            return sessions.size() < kSessionsAtOnce;
        }
    ));
    if (!outcome) {
        return outcome.error();
    }
    if (!sessions.empty()) {
        const auto add = [&](Family family, char kind, auto&& visit) {
            return for_each(engine, family, kind, sessions, visit);
        };
        WEIR_CHECK(add(Family::sessions, detail::kFilterKind, add_subscription));
        WEIR_CHECK(add(Family::sessions, detail::kInboundKind, add_inbound_id));
        WEIR_CHECK(add(Family::sessions, detail::kWillKind, add_will));
        WEIR_CHECK(add(Family::queues, detail::kEntryKind, add_entry));
    }
    return sessions;
}

Result<QueuedMessage> read_entry(
    const Engine& engine, std::string_view key, std::string_view value
) {
    QueuedMessage out;
    const auto number = after_number(key);
    if (number.size() != sizeof(std::uint64_t)) {
        return errc::malformed_record;
    }
    out.sequence = load_be<std::uint64_t>(as_bytes(number).data());
    WEIR_TRY(out.entry, decode_queue_entry(as_bytes(value)));
    if (out.entry.message == MessageId{}) {
        return out;
    }
    WEIR_TRY(
        const auto body,
        engine.get(Family::queues, detail::message_key(out.entry.message).view())
    );
    if (!body) {
        out.sequence = 0;  // Settled since the scan began.
        return out;
    }
    out.buffer = to_bytes(*body);
    WEIR_TRY(out.message, decode_message(out.buffer));
    return out;
}

Result<std::vector<QueuedMessage>> read_page(
    const Engine& engine, SessionId session, std::uint64_t from, ReadLimit limit
) {
    std::vector<QueuedMessage> page;
    std::size_t bytes = 0;
    Result<void> outcome;
    if (limit.records == 0) {
        return page;
    }
    WEIR_CHECK(engine.scan(
        Family::queues,
        detail::entry_key(session, from).view(),
        detail::end_of_prefix(detail::session_key(detail::kEntryKind, session).view()),
        [&](std::string_view key, std::string_view value) {
            auto entry = read_entry(engine, key, value);
            if (!entry) {
                outcome = entry.error();
                return false;
            }
            if (entry->sequence == 0) {
                return true;
            }
            if (!page.empty() && bytes + entry->buffer.size() > limit.bytes) {
                return false;
            }
            bytes += entry->buffer.size();
            page.push_back(std::move(*entry));
            return page.size() < limit.records;
        }
    ));
    if (!outcome) {
        return outcome.error();
    }
    return page;
}

/// What every topic that the filter matches begins with.
std::string_view literal_prefix(std::string_view filter) {
    const auto wildcard = filter.find_first_of("+#");
    if (wildcard == std::string_view::npos) {
        return filter;
    }
    // "a/#" matches "a" too.
    const bool parent_too = filter[wildcard] == '#' && wildcard > 0;
    return filter.substr(0, parent_too ? wildcard - 1 : wildcard);
}

Result<RetainedPage> read_retained_page(
    const Engine& engine,
    std::string_view tenant,
    std::string_view filter,
    std::string_view after,
    ReadLimit limit
) {
    RetainedPage page;
    std::size_t bytes = 0;
    std::size_t visited = 0;
    Result<void> outcome;
    const bool exact = !has_wildcard(filter);
    const std::string prefix = detail::retained_key(tenant, literal_prefix(filter));
    std::string from = after.empty() ? prefix : detail::retained_key(tenant, after) + '\0';
    std::string to = exact ? prefix + '\0' : detail::end_of_prefix(prefix);
    WEIR_CHECK(engine.scan(
        Family::retained,
        from,
        to,
        [&](std::string_view key, std::string_view value) {
            const auto topic = key.substr(1 + tenant.size());
            if (page.messages.size() >= limit.records || bytes >= limit.bytes ||
                visited >= Store::kRetainedVisitsMax) {
                page.more = true;
                return false;
            }
            ++visited;
            page.last = topic;
            if (!filter_matches(filter, topic)) {
                return true;
            }
            RetainedMessage& message = page.messages.emplace_back();
            message.buffer = to_bytes(value);
            auto record = decode_retained(message.buffer);
            if (!record) {
                outcome = record.error();
                return false;
            }
            message.record = *record;
            bytes += value.size();
            return true;
        }
    ));
    if (!outcome) {
        return outcome.error();
    }
    return page;
}

}  // namespace

SessionId Store::new_session_id() noexcept {
    return SessionId{impl_->writer.sessions().next_session()};
}

MessageId Store::new_message_id() noexcept {
    return MessageId{impl_->writer.sessions().next_message()};
}

Result<void> Store::read_sessions(const std::function<bool(StoredSession&&)>& visit) const {
    std::string from{detail::kSessionKind};
    while (true) {
        WEIR_TRY(auto sessions, read_next_sessions(*impl_->engine, from));
        for (StoredSession& session : sessions) {
            from = detail::session_key(detail::kSessionKind, session.id).view();
            if (!visit(std::move(session))) {
                return {};
            }
        }
        if (sessions.size() < kSessionsAtOnce) {
            return {};
        }
        from += '\0';
    }
}

Result<std::vector<QueuedMessage>> Store::read_queue(
    SessionId session, std::uint64_t from, ReadLimit limit
) const {
    return read_page(*impl_->engine, session, from, limit);
}

void Store::async_read_queue(
    SessionId session, std::uint64_t from, ReadLimit limit, QueueReader done
) {
    impl_->reads.submit(
        [this, session, from, limit, done = std::move(done)](bool stopping) mutable {
            if (stopping) {
                done(errc::stopped);
            } else {
                done(read_queue(session, from, limit));
            }
        }
    );
}

Result<RetainedPage> Store::read_retained(
    std::string_view tenant, std::string_view filter, std::string_view after, ReadLimit limit
) const {
    if (tenant.size() > kNameBytesMax) {
        return errc::bad_name;
    }
    return read_retained_page(*impl_->engine, tenant, filter, after, limit);
}

Result<void> Store::read_all_retained(
    const std::function<bool(const RetainedRecord&)>& visit
) const {
    Result<void> outcome;
    WEIR_CHECK(impl_->engine->scan(
        Family::retained,
        {},
        {},
        [&](std::string_view /*key*/, std::string_view value) {
            const auto record = decode_retained(as_bytes(value));
            if (!record) {
                outcome = record.error();
                return false;
            }
            return visit(*record);
        }
    ));
    return outcome;
}

void Store::async_read_retained(
    std::string tenant, std::string filter, std::string after, ReadLimit limit, RetainedReader done
) {
    impl_->reads.submit([this,
                         tenant = std::move(tenant),
                         filter = std::move(filter),
                         after = std::move(after),
                         limit,
                         done = std::move(done)](bool stopping) mutable {
        if (stopping) {
            done(errc::stopped);
        } else {
            done(read_retained(tenant, filter, after, limit));
        }
    });
}

}  // namespace weir::storage
