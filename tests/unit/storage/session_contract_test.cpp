// Sessions, queues and retained messages: one suite for every engine below a Store.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <weir/storage/store.hpp>

#include "faulty_engine.hpp"
#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

enum class Kind { memory, rocks };

constexpr SessionId kA{1};
constexpr SessionId kB{2};

class SessionContract : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override { open(); }

    void open() {
        const StoreOptions options{.path = directory_ / "data", .durability = Durability::wal};
        store_.reset();
        store_ = GetParam() == Kind::memory ? Store::in_memory(options) : Store::open(options);
    }
    /// As after a restart; memory has nothing to open again.
    void reopen() {
        if (GetParam() == Kind::rocks) {
            open();
        }
    }

    void commit(Batch&& batch) {
        const auto done = store_->commit(std::move(batch));
        ASSERT_TRUE(done) << done.error().message();
    }

    static MessageRecord message(std::string_view payload) {
        return {.created_ms = 5, .qos = 1, .topic = "t", .payload = as_bytes(payload)};
    }

    /// Into each queue, at this sequence.
    MessageId enqueue(
        std::initializer_list<SessionId> sessions, std::uint64_t sequence, std::string_view payload
    ) {
        Batch batch;
        const auto id = store_->new_message_id();
        batch.keep(id, message(payload));
        for (const auto session : sessions) {
            batch.enqueue(session, sequence, {.qos = 1});
        }
        commit(std::move(batch));
        return id;
    }

    void settle(SessionId session, std::uint64_t sequence) {
        Batch batch;
        batch.settle(session, sequence);
        commit(std::move(batch));
    }

    /// "1:one 2:two"; a released entry has no text.
    [[nodiscard]] std::string queue(SessionId session, std::uint64_t from = 0) const {
        std::string out;
        const auto page = store_->read_queue(session, from);
        if (!page) {
            return page.error().message();
        }
        for (const auto& entry : *page) {
            out += (out.empty() ? "" : " ") + std::to_string(entry.sequence) + ':';
            out += as_text(entry.message.payload);
        }
        return out;
    }

    [[nodiscard]] bool is_kept(MessageId id) const {
        std::string key{'m'};
        for (int shift = 56; shift >= 0; shift -= 8) {
            key += static_cast<char>(static_cast<std::uint64_t>(id) >> shift & 0xFFU);
        }
        return store_->get(Family::queues, key)->has_value();
    }

    [[nodiscard]] std::vector<StoredSession> sessions() const {
        std::vector<StoredSession> out;
        EXPECT_TRUE(store_->read_sessions([&](StoredSession&& session) {
            out.push_back(std::move(session));
            return true;
        }));
        return out;
    }

    void retain(std::string_view topic, std::string_view payload) {
        Batch batch;
        batch.retain(
            {.owner = "probe", .message = {.topic = topic, .payload = as_bytes(payload)}}
        );
        commit(std::move(batch));
    }

    [[nodiscard]] std::string retained(std::string_view filter) const {
        std::string out;
        const auto page = store_->read_retained("default", filter);
        for (const auto& found : page->messages) {
            out += (out.empty() ? "" : " ") + std::string{found.record.message.topic};
        }
        return out;
    }

    weir::test::TempDir directory_;
    std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Engines,
    SessionContract,
    testing::Values(Kind::memory, Kind::rocks),
    [](const auto& row) { return row.param == Kind::memory ? "memory" : "rocks"; }
);

TEST_P(SessionContract, KeepsAWholeSession) {
    const auto id = store_->new_session_id();
    Batch batch;
    batch.put_session(
        id,
        {.client_id = "c1",
         .owner = "probe",
         .principal = as_bytes("P"),
         .expiry_s = 60,
         .offline_since_ms = 7,
         .next_packet_id = 9}
    );
    batch.put_subscription(id, "a/#", {.qos = 1, .no_local = true, .id = 4});
    batch.put_subscription(id, "b", {.qos = 2});
    batch.put_will(id, {.delay_s = 3, .message = message("bye")});
    batch.put_inbound_id(id, 500);
    batch.put_inbound_id(id, 7);
    batch.keep(store_->new_message_id(), message("four"));
    batch.enqueue(id, 11, {.qos = 1});
    commit(std::move(batch));
    Batch more;
    more.erase_subscription(id, "b");
    more.erase_inbound_id(id, 7);
    commit(std::move(more));
    reopen();
    const auto stored = sessions();
    ASSERT_EQ(stored.size(), 1U);
    const auto& session = stored[0];
    EXPECT_EQ(session.id, id);
    EXPECT_EQ(session.record.client_id, "c1");
    EXPECT_EQ(session.record.owner, "probe");
    EXPECT_EQ(session.record.expiry_s, 60U);
    EXPECT_EQ(session.record.offline_since_ms, 7);
    EXPECT_EQ(session.record.next_packet_id, 9);
    ASSERT_EQ(session.subscriptions.size(), 1U);
    EXPECT_EQ(session.subscriptions[0].first, "a/#");
    EXPECT_EQ(
        session.subscriptions[0].second, (SubscriptionRecord{.qos = 1, .no_local = true, .id = 4})
    );
    ASSERT_TRUE(session.will);
    EXPECT_EQ(as_text(session.will->message.payload), "bye");
    EXPECT_EQ(session.inbound_ids, (std::vector<std::uint16_t>{500}));
    EXPECT_EQ(session.queue.first, 11U);
    EXPECT_EQ(session.queue.next, 12U);
    EXPECT_EQ(session.queue.entries, 1U);
    EXPECT_EQ(session.queue.bytes, 5U);
}

TEST_P(SessionContract, GivesIdsThatNothingStoredHas) {
    const auto session = store_->new_session_id();
    Batch batch;
    batch.put_session(session, {.client_id = "c"});
    commit(std::move(batch));
    const auto message = enqueue({session}, 1, "x");
    reopen();
    EXPECT_GT(store_->new_session_id(), session);
    EXPECT_GT(store_->new_message_id(), message);
}

/// A later session with that id would have it.
TEST_P(SessionContract, GivesNoIdOfWhatIsLeftOfASession) {
    const auto put = {
        +[](Batch& batch, SessionId session) { batch.put_subscription(session, "a/#", {}); },
        +[](Batch& batch, SessionId session) { batch.put_will(session, {.message = {.topic = "w"}}); },
        +[](Batch& batch, SessionId session) { batch.put_inbound_id(session, 7); },
    };
    for (const auto& put_one : put) {
        const auto session = store_->new_session_id();
        Batch batch;
        put_one(batch, session);
        commit(std::move(batch));
        reopen();
        EXPECT_GT(store_->new_session_id(), session);
    }
}

TEST_P(SessionContract, ReadsAQueueInOrder_PageByPage) {
    for (std::uint64_t i = 1; i <= 5; ++i) {
        enqueue({kA}, i, std::to_string(i));
    }
    enqueue({kB}, 1, "other");
    EXPECT_EQ(queue(kA), "1:1 2:2 3:3 4:4 5:5");
    EXPECT_EQ(queue(kA, 4), "4:4 5:5");
    const auto page = store_->read_queue(kA, 2, {.records = 2});
    ASSERT_EQ(page->size(), 2U);
    EXPECT_EQ((*page)[1].sequence, 3U);
    EXPECT_EQ((*page)[1].entry.qos, 1);
    EXPECT_EQ((*page)[1].message.topic, "t");
    EXPECT_EQ(store_->read_queue(kA, 1, {.bytes = 1})->size(), 1U);
}

TEST_P(SessionContract, FreesAMessageWithItsLastEntry) {
    const auto id = enqueue({kA, kB}, 1, "shared");
    settle(kA, 1);
    EXPECT_TRUE(is_kept(id));
    EXPECT_EQ(queue(kA), "");
    EXPECT_EQ(queue(kB), "1:shared");
    settle(kA, 1);
    EXPECT_TRUE(is_kept(id)) << "settled twice, counted once";
    reopen();
    settle(kB, 1);
    EXPECT_FALSE(is_kept(id));
}

TEST_P(SessionContract, StoresAMessageOnce_WhenSeveralBatchesKeepIt) {
    const auto id = store_->new_message_id();
    for (const auto session : {kA, kB}) {
        Batch batch;
        batch.keep(id, message("shared"));
        batch.enqueue(session, 1, {.qos = 1});
        commit(std::move(batch));
    }
    settle(kA, 1);
    EXPECT_EQ(queue(kB), "1:shared");
    settle(kB, 1);
    EXPECT_FALSE(is_kept(id));
}

TEST_P(SessionContract, StoresNoMessageThatNobodyQueues) {
    const auto id = store_->new_message_id();
    Batch batch;
    batch.keep(id, message("x"));
    commit(std::move(batch));
    EXPECT_FALSE(is_kept(id));
}

TEST_P(SessionContract, SettlesWhatTheSameGroupQueued) {
    Batch batch;
    const auto id = store_->new_message_id();
    batch.keep(id, message("x"));
    batch.enqueue(kA, 1, {.qos = 1});
    batch.settle(kA, 1);
    batch.settle(kA, 1);
    batch.enqueue(kA, 2, {.qos = 1});
    commit(std::move(batch));
    EXPECT_EQ(queue(kA), "2:x");
}

TEST_P(SessionContract, KeepsInFlightStatesOfQos2) {
    const auto id = enqueue({kA}, 1, "two");
    Batch sent;
    sent.mark_sent(kA, 1, 77);
    commit(std::move(sent));
    reopen();
    auto page = *store_->read_queue(kA, 0);
    ASSERT_EQ(page.size(), 1U);
    EXPECT_EQ(page[0].entry.state, EntryState::sent);
    EXPECT_EQ(page[0].entry.packet_id, 77);
    EXPECT_EQ(as_text(page[0].message.payload), "two");
    Batch released;
    released.mark_released(kA, 1, 77);
    commit(std::move(released));
    EXPECT_FALSE(is_kept(id));
    reopen();
    page = *store_->read_queue(kA, 0);
    ASSERT_EQ(page.size(), 1U);
    EXPECT_EQ(page[0].entry.state, EntryState::released);
    EXPECT_EQ(page[0].entry.packet_id, 77);
    EXPECT_TRUE(page[0].message.payload.empty());
    settle(kA, 1);
    EXPECT_EQ(queue(kA), "");
}

TEST_P(SessionContract, QueuesInFlight_AndTakesBackToTheOldPlace) {
    Batch batch;
    batch.keep(store_->new_message_id(), message("x"));
    batch.enqueue(kA, 1, {.qos = 2, .state = EntryState::sent, .packet_id = 3});
    batch.enqueue(kA, 2, {.qos = 2});
    commit(std::move(batch));
    EXPECT_EQ(store_->read_queue(kA, 0)->at(0).entry.packet_id, 3);
    Batch back;
    back.mark_queued(kA, 1);
    commit(std::move(back));
    EXPECT_EQ(store_->read_queue(kA, 0)->at(0).entry.state, EntryState::queued);
    EXPECT_EQ(queue(kA), "1:x 2:x");
}

TEST_P(SessionContract, IgnoresMarksOfWhatIsNotThere) {
    Batch batch;
    batch.mark_sent(kA, 1, 3);
    batch.mark_released(kA, 1, 3);
    batch.mark_queued(kA, 1);
    batch.settle(kA, 1);
    commit(std::move(batch));
    EXPECT_EQ(queue(kA), "");
}

TEST_P(SessionContract, DropsAllThatASessionHas_AndNothingElse) {
    Batch before;
    before.put_session(kA, {.client_id = "a"});
    before.put_subscription(kA, "f", {});
    commit(std::move(before));
    const auto shared = enqueue({kA, kB}, 1, "shared");
    const auto own = enqueue({kA}, 2, "own");
    Batch batch;
    batch.put_session(kB, {.client_id = "b"});
    batch.put_subscription(kA, "g", {});
    batch.put_inbound_id(kA, 1);
    batch.put_will(kA, {});
    const auto late = store_->new_message_id();
    batch.keep(late, message("late"));
    batch.enqueue(kA, 3, {.qos = 1});
    batch.drop_session(kA);
    commit(std::move(batch));
    reopen();
    EXPECT_EQ(queue(kA), "");
    EXPECT_EQ(queue(kB), "1:shared");
    EXPECT_TRUE(is_kept(shared));
    EXPECT_FALSE(is_kept(own));
    EXPECT_FALSE(is_kept(late));
    ASSERT_EQ(sessions().size(), 1U);
    EXPECT_EQ(sessions()[0].id, kB);
    std::size_t left = 0;
    EXPECT_TRUE(store_->scan(Family::sessions, {}, [&](std::string_view, std::uint8_t, ByteView) {
        ++left;
        return true;
    }));
    EXPECT_EQ(left, 1U);
}

TEST_P(SessionContract, SettlesAndCountsInOneBatch) {
    enqueue({kA}, 1, "x");
    UsageDelta delta;
    delta.counters[2] = 1;
    Batch batch;
    batch.settle(kA, 1);
    batch.add_usage({.device = "d", .hour = 1}, delta);
    commit(std::move(batch));
    std::uint64_t sum = 0;
    EXPECT_TRUE(store_->read_usage({.to_hour = 9}, [&](const UsageEntry& entry) {
        sum += entry.sums.counters[2];
        return true;
    }));
    EXPECT_EQ(sum, 1U);
}

TEST_P(SessionContract, ReadsPagesForShards_OnAThreadOfItsOwn) {
    enqueue({kA}, 1, "x");
    std::promise<std::pair<std::thread::id, std::size_t>> promise;
    store_->async_read_queue(kA, 0, {}, [&](Result<std::vector<QueuedMessage>> page) {
        promise.set_value({std::this_thread::get_id(), page->size()});
    });
    const auto [thread, size] = promise.get_future().get();
    EXPECT_TRUE(thread != std::this_thread::get_id());
    EXPECT_EQ(size, 1U);
}

TEST_P(SessionContract, Drains_WhenReadersToo_HaveReturned) {
    for (int i = 0; i < 200; ++i) {
        std::atomic<bool> returned{false};
        store_->async_read_queue(kA, 0, {}, [&](const Result<std::vector<QueuedMessage>>&) {
            std::this_thread::yield();
            returned = true;
        });
        store_->drain();
        ASSERT_TRUE(returned);
    }
}

TEST_P(SessionContract, FindsRetainedMessagesByFilter) {
    for (const auto* topic : {"a", "a/b", "a/b/c", "ab", "$SYS/a", "b/b"}) {
        retain(topic, "x");
    }
    Batch other;
    other.retain({.tenant = "acme", .message = {.topic = "a/b"}});
    commit(std::move(other));
    reopen();
    EXPECT_EQ(retained("a/b"), "a/b");
    EXPECT_EQ(retained("a/#"), "a a/b a/b/c");
    EXPECT_EQ(retained("+/b"), "a/b b/b");
    EXPECT_EQ(retained("a/+"), "a/b");
    EXPECT_EQ(retained("#"), "a a/b a/b/c ab b/b");
    EXPECT_EQ(retained("$SYS/#"), "$SYS/a");
    EXPECT_EQ(retained("c"), "");
}

TEST_P(SessionContract, ReplacesAndRemovesWhatIsRetained) {
    retain("a", "one");
    retain("a", "two");
    const auto page = store_->read_retained("default", "a");
    ASSERT_EQ(page->messages.size(), 1U);
    EXPECT_EQ(as_text(page->messages[0].record.message.payload), "two");
    EXPECT_EQ(page->messages[0].record.owner, "probe");
    Batch batch;
    batch.erase_retained("default", "a");
    commit(std::move(batch));
    EXPECT_EQ(retained("a"), "");
}

TEST_P(SessionContract, GoesOnAfterAPageOfRetainedMessages) {
    for (int i = 0; i < 5; ++i) {
        retain("t/" + std::to_string(i), "x");
    }
    std::string topics;
    std::string after;
    int pages = 0;
    for (bool more = true; more; ++pages) {
        const auto page = store_->read_retained("default", "t/+", after, {.records = 2});
        ASSERT_TRUE(page);
        for (const auto& found : page->messages) {
            topics += found.record.message.topic.back();
        }
        after = page->last;
        more = page->more;
    }
    EXPECT_EQ(topics, "01234");
    EXPECT_EQ(pages, 3);
}

TEST_P(SessionContract, RefusesWhatIsTooLong) {
    const std::string tenant(300, 't');
    Batch batch;
    batch.retain({.tenant = tenant, .message = {.topic = "a"}});
    EXPECT_EQ(store_->commit(std::move(batch)).error(), errc::bad_name);
    Batch topic;
    const std::string long_topic(70'000, 't');
    topic.keep(store_->new_message_id(), {.topic = long_topic});
    topic.enqueue(kA, 1, {});
    EXPECT_EQ(store_->commit(std::move(topic)).error(), errc::bad_name);
    EXPECT_EQ(store_->read_retained(tenant, "#").error(), errc::bad_name);
}

TEST(SessionStore, CountsReferencesAsBefore_WhenAGroupIsRefused) {
    const auto faults = std::make_shared<test::Faults>();
    Store store{std::make_unique<test::FaultyEngine>(faults), {}};
    const auto id = store.new_message_id();
    const auto enqueue = [&](SessionId session) {
        Batch batch;
        batch.keep(id, {.topic = "t"});
        batch.enqueue(session, 1, {});
        return store.commit(std::move(batch));
    };
    ASSERT_TRUE(enqueue(kA));
    faults->commit_error = errc::disk_full;
    EXPECT_EQ(enqueue(kB).error(), errc::disk_full);
    faults->commit_error = errc{};
    for (const auto session : {kB, kB}) {  // Never stored, so nothing may be freed for it.
        Batch batch;
        batch.settle(session, 1);
        ASSERT_TRUE(store.commit(std::move(batch)));
    }
    EXPECT_EQ(store.read_queue(kA, 0)->at(0).message.topic, "t");
}

/// What a start does with all sessions: none may cost a look-up of its own.
TEST(SessionStore, ReadsManySessions_InFewPasses) {
    constexpr std::uint64_t kSessions = 2'000;
    const auto faults = std::make_shared<test::Faults>();
    Store store{std::make_unique<test::FaultyEngine>(faults), {}};
    Batch batch;
    const auto id = store.new_message_id();
    const MessageRecord body{.topic = "t", .payload = as_bytes(std::string_view{"body"})};
    batch.keep(id, body);
    for (std::uint64_t n = 1; n <= kSessions; ++n) {
        const SessionId session{2 * n};
        const std::string name = std::to_string(n);
        batch.put_session(session, {.client_id = name});
        if (n % 2 == 0) {
            batch.put_subscription(session, "a/" + name, {.id = 1});
            batch.put_subscription(session, "b/" + name, {.id = 2});
        }
        if (n % 3 == 0) {
            batch.put_inbound_id(session, static_cast<std::uint16_t>(n));
        }
        if (n % 5 == 0) {
            batch.put_will(session, {.message = {.topic = name}});
        }
        for (std::uint64_t entry = 1; entry <= n % 4; ++entry) {
            batch.enqueue(session, 10 + entry, {.qos = 1});
        }
        batch.put_subscription(SessionId{2 * n + 1}, "of a session that is not there", {});
        batch.enqueue(SessionId{2 * n + 1}, 1, {});
    }
    ASSERT_TRUE(store.commit(std::move(batch)));
    faults->scans = 0;
    std::uint64_t n = 0;
    ASSERT_TRUE(store.read_sessions([&](StoredSession&& session) {
        ++n;
        const std::string name = std::to_string(n);
        EXPECT_EQ(session.id, SessionId{2 * n});
        EXPECT_EQ(session.record.client_id, name);
        EXPECT_EQ(session.subscriptions.size(), n % 2 == 0 ? 2U : 0U);
        if (n % 2 == 0) {
            EXPECT_EQ(session.subscriptions[1].first, "b/" + name);
            EXPECT_EQ(session.subscriptions[1].second.id, 2U);
        }
        EXPECT_EQ(session.inbound_ids.size(), n % 3 == 0 ? 1U : 0U);
        EXPECT_EQ(session.will ? session.will->message.topic : "", n % 5 == 0 ? name : "");
        EXPECT_EQ(session.queue.entries, n % 4);
        EXPECT_EQ(session.queue.first, n % 4 == 0 ? 0U : 11U);
        EXPECT_EQ(session.queue.next, n % 4 == 0 ? 1 : 11 + n % 4);
        EXPECT_EQ(session.queue.bytes, n % 4 * body.bytes());
        return true;
    }));
    EXPECT_EQ(n, kSessions);
    EXPECT_LE(faults->scans, kSessions / 20);

    n = 0;
    ASSERT_TRUE(store.read_sessions([&](StoredSession&&) { return ++n < 300; }));
    EXPECT_EQ(n, 300U) << "the reader has enough";
}

}  // namespace
}  // namespace weir::storage
