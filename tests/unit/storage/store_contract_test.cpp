// One suite for every engine below a Store.
#include <weir/storage/store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

enum class Kind { memory, rocks };

class StoreContract : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override { open(); }

    void open(StoreOptions options = {}) {
        options.path = directory_ / "data";
        options.clock = &clock_;
        options.durability = Durability::wal;  // Nobody cuts the power here.
        store_.reset();
        store_ = GetParam() == Kind::memory ? Store::in_memory(options) : Store::open(options);
    }

    void commit(Batch&& batch) {
        const auto done = store_->commit(std::move(batch));
        ASSERT_TRUE(done) << done.error().message();
    }

    void append(std::string_view stream, std::int64_t time_ms, std::string_view payload) {
        Batch batch;
        batch.append_stream(
            stream, {.time_ms = time_ms, .topic = "t", .payload = as_bytes(payload)}
        );
        commit(std::move(batch));
    }

    void enqueue(std::string_view sink, int count, std::string_view payload = "x") {
        Batch batch;
        for (int i = 0; i < count; ++i) {
            const OutboxRecord record{
                .time_ms = 100 + i, .rule = "r", .topic = "t", .payload = as_bytes(payload)
            };
            ASSERT_TRUE(store_->outbox_room(sink).reserve(outbox_cost(record), ~std::uint64_t{0}));
            batch.enqueue_outbox(sink, record);
        }
        commit(std::move(batch));
    }

    [[nodiscard]] std::vector<std::uint64_t> outbox_offsets(std::string_view sink) const {
        std::vector<std::uint64_t> out;
        for (const auto& entry : *store_->read_outbox(sink, 1)) {
            out.push_back(entry.offset);
        }
        return out;
    }

    weir::test::TempDir directory_;
    ManualClock clock_;
    std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Engines,
    StoreContract,
    testing::Values(Kind::memory, Kind::rocks),
    [](const auto& row) { return row.param == Kind::memory ? "memory" : "rocks"; }
);

using Offsets = std::vector<std::uint64_t>;

TEST_P(StoreContract, NumbersStreamRecordsFromOneWithoutGaps) {
    append("a", 1, "one");
    append("b", 1, "other");
    append("a", 2, "two");
    const auto entries = store_->read_stream("a", 1);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 2U);
    EXPECT_EQ((*entries)[0].offset, 1U);
    EXPECT_EQ((*entries)[1].offset, 2U);
    EXPECT_EQ(as_text((*entries)[1].record.payload), "two");
    EXPECT_EQ(store_->stream("a")->next, 3U);
    EXPECT_EQ(store_->streams().size(), 2U);
}

TEST_P(StoreContract, TellsTheCompletionTheOffsetsInOrderOfTheCalls) {
    append("a", 1, "one");
    Batch batch;
    batch.append_stream("a", {});
    batch.enqueue_outbox("s", {});
    batch.append_stream("a", {});
    Offsets offsets;
    store_->submit(std::move(batch), [&](const Result<CommitInfo>& info) {
        offsets.assign(info->offsets.begin(), info->offsets.end());
    });
    store_->drain();
    EXPECT_EQ(offsets, (Offsets{2, 1, 3}));
}

TEST_P(StoreContract, CompletesInTheOrderOfSubmission) {
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        Batch batch;
        if (i % 3 != 0) {
            batch.append_stream("s", {.payload = as_bytes("x")});
        }
        store_->submit(std::move(batch), [&order, i](const Result<CommitInfo>& info) {
            ASSERT_TRUE(info);
            order.push_back(i);
        });
    }
    store_->drain();
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(StoreContract, KeepsEachSubmittersOrder_WhenManySubmit) {
    constexpr int kThreads = 4;
    constexpr int kEach = 50;
    std::vector<std::thread> threads;
    std::array<std::vector<int>, kThreads> seen;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([this, t, &seen] {
            for (int i = 0; i < kEach; ++i) {
                Batch batch;
                batch.append_stream("s", {.key = "k"});
                store_->submit(std::move(batch), [&seen, t, i](const Result<CommitInfo>& info) {
                    ASSERT_TRUE(info);
                    seen[t].push_back(i);
                });
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    store_->drain();
    for (const auto& order : seen) {
        EXPECT_EQ(order.size(), static_cast<std::size_t>(kEach));
        EXPECT_TRUE(std::ranges::is_sorted(order));
    }
    EXPECT_EQ(store_->stream("s")->records(), static_cast<std::uint64_t>(kThreads * kEach));
    EXPECT_EQ(store_->stats().commits, static_cast<std::uint64_t>(kThreads * kEach) + 1);
    EXPECT_LE(store_->stats().groups, static_cast<std::uint64_t>(kThreads * kEach));
    EXPECT_EQ(store_->stats().pending_bytes, 0U);
}

TEST_P(StoreContract, ReadsWithinItsLimits) {
    for (int i = 0; i < 5; ++i) {
        append("s", i, std::string(100, 'x'));
    }
    EXPECT_EQ(store_->read_stream("s", 2, {.records = 2})->size(), 2U);
    EXPECT_EQ(store_->read_stream("s", 2, {.records = 2})->front().offset, 2U);
    EXPECT_EQ(store_->read_stream("s", 1, {.bytes = 1})->size(), 1U) << "the first is always given";
    EXPECT_EQ(store_->read_stream("s", 1, {.bytes = 250})->size(), 2U);
    EXPECT_TRUE(store_->read_stream("s", 6)->empty());
    EXPECT_TRUE(store_->read_stream("unknown", 1)->empty());
    EXPECT_TRUE(store_->read_stream("s", 1, {.records = 0})->empty());
}

TEST_P(StoreContract, KeepsStreamsApart_WhenOneNameStartsWithTheOther) {
    append("ab", 1, "longer");
    append("a", 1, "shorter");
    ASSERT_EQ(store_->read_stream("a", 1)->size(), 1U);
    EXPECT_EQ(as_text(store_->read_stream("a", 1)->front().record.payload), "shorter");
}

TEST_P(StoreContract, FindsTheFirstRecordNotOlderThanATime) {
    Batch batch;
    for (int i = 0; i < 2'000; ++i) {
        batch.append_stream("s", {.time_ms = 1'000 + i * 10});
    }
    commit(std::move(batch));
    for (const int i : {0, 1, 255, 256, 257, 511, 512, 1'023, 1'999}) {
        EXPECT_EQ(*store_->find_offset("s", 1'000 + i * 10), static_cast<std::uint64_t>(i) + 1);
        EXPECT_EQ(*store_->find_offset("s", 1'000 + i * 10 - 9), static_cast<std::uint64_t>(i) + 1);
    }
    EXPECT_EQ(*store_->find_offset("s", 0), 1U);
    EXPECT_EQ(*store_->find_offset("s", 1'000'000), 2'001U);
    EXPECT_EQ(*store_->find_offset("unknown", 5), 1U);
}

TEST_P(StoreContract, TrimsToTheSizeButNeverBelow) {
    const std::string payload(1'024, 'x');
    for (int i = 0; i < 10; ++i) {
        Batch batch;
        for (int j = 0; j < 40; ++j) {
            batch.append_stream("s", {.payload = as_bytes(payload)});
        }
        commit(std::move(batch));
    }
    constexpr std::uint64_t kKeep = 100 * 1'024;
    store_->set_retention("s", {.bytes = kKeep});
    store_->trim();
    const auto info = *store_->stream("s");
    EXPECT_GE(info.bytes, kKeep);
    EXPECT_LT(info.bytes, kKeep + 70 * 1'024);
    EXPECT_EQ(info.next, 401U);
    const auto entries = store_->read_stream("s", 1);
    EXPECT_EQ(entries->front().offset, info.first);
    EXPECT_EQ(entries->size(), info.records());
    EXPECT_EQ(*store_->find_offset("s", 0), info.first);
}

TEST_P(StoreContract, TrimsWhatIsTooOld) {
    const std::int64_t now = clock_.wall().count();
    Batch batch;
    for (int i = 0; i < 1'000; ++i) {
        batch.append_stream("s", {.time_ms = now + i});
    }
    commit(std::move(batch));
    store_->set_retention("s", {.age = std::chrono::milliseconds{60'000}});
    store_->trim();
    EXPECT_EQ(store_->stream("s")->first, 1U) << "all are young";
    clock_.advance(std::chrono::milliseconds{60'600});
    store_->trim();
    const auto info = *store_->stream("s");
    EXPECT_GT(info.first, 256U);
    EXPECT_LE(info.first, 601U) << "a record within the age was lost";
}

TEST_P(StoreContract, TrimsWhatIsTooOld_ThoughTheClockHadBeenAhead) {
    const WallTime right = clock_.wall();
    const auto append_many = [this] {
        Batch batch;
        for (int i = 0; i < 1'000; ++i) {
            batch.append_stream("s", {.time_ms = clock_.wall().count()});
        }
        commit(std::move(batch));
    };
    clock_.set_wall(right + std::chrono::hours{24 * 365});
    append_many();
    clock_.set_wall(right);
    append_many();
    store_->set_retention("s", {.age = std::chrono::milliseconds{60'000}});
    store_->trim();
    EXPECT_EQ(store_->stream("s")->first, 1U);
    clock_.advance(std::chrono::milliseconds{61'000});
    store_->trim();
    EXPECT_GT(store_->stream("s")->first, 1'256U);
}

TEST_P(StoreContract, TellsWatchersTheNewestOffset) {
    std::vector<std::uint64_t> seen;
    const auto id = store_->watch_stream("s", [&](std::uint64_t last) { seen.push_back(last); });
    const auto sink =
        store_->watch_outbox("o", [&](std::uint64_t last) { seen.push_back(1'000 + last); });
    append("s", 1, "a");
    append("other", 1, "a");
    enqueue("o", 2);
    store_->unwatch(id);
    append("s", 1, "a");
    store_->unwatch(sink);
    EXPECT_EQ(seen, (Offsets{1, 1'002}));
}

TEST_P(StoreContract, CountsAnOutboxUpAndDown) {
    enqueue("pager", 4);
    const std::uint64_t each = store_->outbox("pager")->bytes / 4;
    EXPECT_EQ(store_->outbox_room("pager").stored(), 4 * each);
    EXPECT_EQ(store_->outbox_room("pager").used(), 4 * each)
        << "the reservation ended with the commit";
    EXPECT_EQ(store_->outbox("pager")->oldest_ms, 100);
    Batch batch;
    batch.settle_outbox("pager", 1, 2);
    commit(std::move(batch));
    const auto info = *store_->outbox("pager");
    EXPECT_EQ(info.first, 3U);
    EXPECT_EQ(info.records, 2U);
    EXPECT_EQ(info.bytes, 2 * each);
    EXPECT_EQ(info.oldest_ms, 102);
    EXPECT_EQ(store_->outbox_room("pager").used(), 2 * each);
    EXPECT_EQ(outbox_offsets("pager"), (Offsets{3, 4}));
}

TEST_P(StoreContract, SettlesOutOfOrderAndTwice) {
    enqueue("s", 5);
    Batch middle;
    middle.settle_outbox("s", 2, 3);
    middle.settle_outbox("s", 3, 3);
    commit(std::move(middle));
    EXPECT_EQ(outbox_offsets("s"), (Offsets{1, 4, 5}));
    EXPECT_EQ(store_->outbox("s")->first, 1U);
    Batch rest;
    rest.settle_outbox("s", 1, 3);
    commit(std::move(rest));
    EXPECT_EQ(store_->outbox("s")->first, 4U);
    EXPECT_EQ(store_->outbox("s")->records, 2U);
    Batch beyond;
    beyond.settle_outbox("s", 1, 1'000);
    commit(std::move(beyond));
    const auto info = *store_->outbox("s");
    EXPECT_EQ(info.first, 6U);
    EXPECT_EQ(info.records, 0U);
    EXPECT_EQ(info.bytes, 0U);
    EXPECT_EQ(info.oldest_ms, 0);
    enqueue("s", 1);
    EXPECT_EQ(outbox_offsets("s"), (Offsets{6}));
}

TEST_P(StoreContract, MovesADeadLetterWhole) {
    enqueue("s", 3, "body");
    Batch batch;
    batch.dead_letter("s", 2, {.time_ms = 7, .attempts = 5, .reason = "404"});
    batch.dead_letter("s", 99, {.reason = "not there"});
    commit(std::move(batch));
    EXPECT_EQ(outbox_offsets("s"), (Offsets{1, 3}));
    const auto letters = store_->read_dead_letters("s", 1);
    ASSERT_TRUE(letters);
    ASSERT_EQ(letters->size(), 1U);
    EXPECT_EQ(letters->front().offset, 2U);
    EXPECT_EQ(letters->front().letter.note.reason, "404");
    EXPECT_EQ(letters->front().letter.note.attempts, 5U);
    EXPECT_EQ(as_text(letters->front().letter.record.payload), "body");
    EXPECT_EQ(store_->outbox("s")->dead_records, 1U);
    Batch purge;
    purge.purge_dead_letters("s", 0, ~std::uint64_t{0});
    commit(std::move(purge));
    EXPECT_TRUE(store_->read_dead_letters("s", 1)->empty());
    EXPECT_EQ(store_->outbox("s")->dead_records, 0U);
    EXPECT_EQ(store_->outbox("s")->dead_bytes, 0U);
}

TEST_P(StoreContract, ReservesNoMoreThanTheLimit) {
    auto& room = store_->outbox_room("s");
    EXPECT_TRUE(room.reserve(60, 100));
    EXPECT_FALSE(room.reserve(41, 100));
    EXPECT_TRUE(room.reserve(40, 100));
    EXPECT_FALSE(room.reserve(1, 100));
    EXPECT_FALSE(room.reserve(101, 100));
    room.release(100);
    EXPECT_EQ(room.used(), 0U);
    room.release(5);
    EXPECT_EQ(room.used(), 0U) << "never below nothing";
}

TEST_P(StoreContract, AddsUsageUp) {
    UsageDelta delta;
    delta.counters[3] = 5;
    Batch batch;
    batch.add_usage({.device = "p1", .hour = 10}, delta);
    batch.add_usage({.device = "p1", .hour = 10}, delta);
    batch.add_usage({.device = "p2", .hour = 10}, delta);
    batch.add_usage({.tenant = "acme", .device = "p1", .hour = 11}, delta);
    commit(std::move(batch));
    Batch more;
    more.add_usage({.device = "p1", .hour = 10}, delta);
    commit(std::move(more));
    std::vector<std::string> seen;
    const auto read = [&](const UsageQuery& query) {
        seen.clear();
        EXPECT_TRUE(store_->read_usage(query, [&](const UsageEntry& entry) {
            seen.push_back(
                entry.tenant + '/' + entry.device + '@' + std::to_string(entry.hour) + '=' +
                std::to_string(entry.sums.counters[3])
            );
            return true;
        }));
        return seen;
    };
    using Seen = std::vector<std::string>;
    EXPECT_EQ(
        read({.from_hour = 0, .to_hour = 99}),
        (Seen{"default/p1@10=15", "default/p2@10=5", "acme/p1@11=5"})
    );
    EXPECT_EQ(read({.from_hour = 11, .to_hour = 12}), (Seen{"acme/p1@11=5"}));
    EXPECT_EQ(
        read({.from_hour = 0, .to_hour = 99, .tenant = "default", .device = "p2"}),
        (Seen{"default/p2@10=5"})
    );
    EXPECT_EQ(read({.from_hour = 0, .to_hour = 99, .tenant = "acme"}), (Seen{"acme/p1@11=5"}));
    EXPECT_EQ(read({.from_hour = 0, .to_hour = 10}), Seen{});
}

TEST_P(StoreContract, ReadsTheUsageOfOneDeviceOverAnyTime) {
    Batch batch;
    UsageDelta delta;
    delta.counters[3] = 5;
    for (const std::uint32_t hour : {0U, 7U, 8U, 9U, 500'000U, UINT32_MAX - 1}) {
        batch.add_usage({.device = "a", .hour = hour}, delta);
        batch.add_usage({.device = "z", .hour = hour}, delta);
    }
    for (const std::uint32_t hour : {7U, 9U, 500'000U}) {
        batch.add_usage({.device = "p", .hour = hour}, delta);
        batch.add_usage({.tenant = "acme", .device = "p", .hour = hour + 1}, delta);
    }
    commit(std::move(batch));
    const auto hours_of = [&](const std::string& device, UsageQuery query, std::size_t most = 99) {
        std::vector<std::uint32_t> hours;
        query.tenant = "default";
        query.device = device;
        EXPECT_TRUE(store_->read_usage(query, [&](const UsageEntry& entry) {
            EXPECT_EQ(entry.device, device);
            hours.push_back(entry.hour);
            return hours.size() < most;
        }));
        return hours;
    };
    using Hours = std::vector<std::uint32_t>;
    EXPECT_EQ(hours_of("p", {.to_hour = UINT32_MAX}), (Hours{7, 9, 500'000}));
    EXPECT_EQ(hours_of("z", {.to_hour = UINT32_MAX}), (Hours{0, 7, 8, 9, 500'000, UINT32_MAX - 1}));
    EXPECT_EQ(hours_of("p", {.from_hour = 8, .to_hour = 500'000}), Hours{9});
    EXPECT_EQ(hours_of("p", {.from_hour = 9, .to_hour = 8}), Hours{});
    EXPECT_EQ(hours_of("p", {.to_hour = UINT32_MAX}, 2), (Hours{7, 9}));
    EXPECT_EQ(hours_of("absent", {.to_hour = UINT32_MAX}), Hours{});
}

TEST_P(StoreContract, PutsLateUsageIntoTheFirstOpenHour) {
    UsageDelta delta;
    delta.counters[0] = 1;
    Batch batch;
    batch.close_usage(20);
    batch.close_usage(15);
    batch.add_usage({.device = "p", .hour = 19}, delta);
    commit(std::move(batch));
    EXPECT_EQ(store_->usage_open_hour(), 20U);
    std::vector<std::uint32_t> hours;
    ASSERT_TRUE(store_->read_usage({.from_hour = 0, .to_hour = 99}, [&](const UsageEntry& entry) {
        hours.push_back(entry.hour);
        return true;
    }));
    EXPECT_EQ(hours, std::vector<std::uint32_t>{20});
}

TEST_P(StoreContract, KeepsOwnersRecordsWithTheirVersion) {
    Batch batch;
    batch.put(Family::registry, "thing/a", 3, as_bytes("A"));
    batch.put(Family::registry, "thing/b", 1, as_bytes("B"));
    batch.put(Family::registry, "thinh", 1, as_bytes("no"));
    batch.put(Family::audit, "thing/a", 1, {});
    commit(std::move(batch));
    const auto value = store_->get(Family::registry, "thing/a");
    ASSERT_TRUE(value && *value);
    EXPECT_EQ((*value)->version, 3);
    EXPECT_EQ(as_text((*value)->body), "A");
    EXPECT_FALSE(*store_->get(Family::registry, "thing/c"));
    EXPECT_FALSE(*store_->get(Family::meta, "thing/a"));
    const auto keys = [&](std::string_view prefix, std::string_view start = {}) {
        std::string out;
        EXPECT_TRUE(store_->scan(
            Family::registry,
            prefix,
            [&](std::string_view key, std::uint8_t, ByteView) {
                out += std::string{key} + ' ';
                return true;
            },
            start
        ));
        return out;
    };
    EXPECT_EQ(keys("thing/"), "thing/a thing/b ");
    EXPECT_EQ(keys("thing/", "thing/b"), "thing/b ");
    EXPECT_EQ(keys(""), "thing/a thing/b thinh ");
    Batch erase;
    erase.erase(Family::registry, "thinh");
    erase.erase_range(Family::registry, "thing/a", "thing/b");
    commit(std::move(erase));
    EXPECT_EQ(keys(""), "thing/b ");
}

TEST_P(StoreContract, RefusesABatchWithABadName_AndAppliesNothingOfIt) {
    Batch batch;
    batch.append_stream("s", {});
    batch.append_stream("", {});
    EXPECT_EQ(store_->commit(std::move(batch)).error(), errc::bad_name);
    EXPECT_FALSE(store_->stream("s"));
    EXPECT_EQ(store_->health().state, Health::ok);
    EXPECT_EQ(store_->stats().failed, 1U);
}

TEST_P(StoreContract, RefusesWhatIsMoreThanMayWait) {
    open({.pending_bytes_max = 10});
    Batch batch;
    const OutboxRecord record{.payload = as_bytes("0123456789")};
    ASSERT_TRUE(store_->outbox_room("s").reserve(outbox_cost(record), 1'000));
    batch.enqueue_outbox("s", record);
    EXPECT_EQ(store_->commit(std::move(batch)).error(), errc::overloaded);
    EXPECT_EQ(store_->outbox_room("s").used(), 0U) << "the reservation came back";
}

TEST_P(StoreContract, MovesOn_WhenACompletionSubmits) {
    std::atomic<int> depth{0};
    std::function<void()> again = [&] {
        Batch batch;
        batch.append_stream("s", {});
        store_->submit(std::move(batch), [&](const Result<CommitInfo>&) {
            if (++depth < 5) {
                again();
            }
        });
    };
    again();
    while (depth < 5) {
        store_->drain();
    }
    EXPECT_EQ(store_->stream("s")->records(), 5U);
}

TEST_P(StoreContract, ReportsProgressForTheWatchdog) {
    const auto before = store_->progress();
    append("s", 1, "x");
    EXPECT_GT(store_->progress(), before);
}

}  // namespace
}  // namespace weir::storage
