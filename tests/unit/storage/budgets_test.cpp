// What the areas of a store hold, and what happens at the border of their budgets.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

TEST(Budgets, HaveRoomForEverything_WhereThereIsNone) {
    Budgets budgets;
    EXPECT_TRUE(budgets.reserve(Area::outbox, 1ULL << 50U, Budgets::Bound::budget));
    EXPECT_TRUE(budgets.has_room(Area::outbox, 1ULL << 50U));
    EXPECT_EQ(budgets.excess(Area::outbox), 0U);
    EXPECT_EQ(budgets.use(Area::outbox).bytes, 1ULL << 50U);
}

TEST(Budgets, AreTakenToTheLastByte_AndNoFurther) {
    Budgets budgets;
    budgets.set_budget(Area::queues, 800);
    budgets.add(Area::queues, 700);
    EXPECT_TRUE(budgets.has_room(Area::queues, 100));
    EXPECT_FALSE(budgets.has_room(Area::queues, 101));
    EXPECT_TRUE(budgets.has_room(Area::queues, 200, Budgets::Bound::slack)) << "an eighth more";
    EXPECT_FALSE(budgets.has_room(Area::queues, 201, Budgets::Bound::slack));
    EXPECT_TRUE(budgets.has_room(Area::retained, 10'000)) << "another area";
    EXPECT_FALSE(budgets.reserve(Area::queues, 101, Budgets::Bound::budget));
    EXPECT_TRUE(budgets.reserve(Area::queues, 100, Budgets::Bound::budget));
    EXPECT_EQ(budgets.use(Area::queues).bytes, 800U);
    budgets.set_budget(Area::queues, 600);
    EXPECT_EQ(budgets.excess(Area::queues), 200U);
}

TEST(Budgets, TellTheirLevels_WithHysteresis) {
    Budgets budgets;
    budgets.set_budget(Area::outbox, 1'000);
    const auto level_at = [&](std::int64_t bytes) {
        const auto before = static_cast<std::int64_t>(budgets.use(Area::outbox).bytes);
        budgets.add(Area::outbox, bytes - before);
        budgets.observe();
        return budgets.use(Area::outbox).level;
    };
    EXPECT_EQ(level_at(799), AreaLevel::enough);
    EXPECT_EQ(level_at(800), AreaLevel::high);
    EXPECT_EQ(level_at(700), AreaLevel::high);
    EXPECT_EQ(level_at(699), AreaLevel::enough);
    EXPECT_EQ(level_at(1'000), AreaLevel::full);
    EXPECT_EQ(level_at(875), AreaLevel::full);
    EXPECT_EQ(level_at(874), AreaLevel::high);
    budgets.set_budget(Area::outbox, 0);
    EXPECT_EQ(level_at(10'000), AreaLevel::enough);
}

TEST(Budgets, AreFull_WhenSomethingDidNotFit_UnlessItWasJustLarge) {
    Budgets budgets;
    budgets.set_budget(Area::retained, 1'000);
    budgets.add(Area::retained, 900);
    EXPECT_FALSE(budgets.has_room(Area::retained, 101));
    budgets.observe();
    EXPECT_EQ(budgets.use(Area::retained).level, AreaLevel::full);
    budgets.add(Area::retained, -800);
    budgets.observe();
    EXPECT_EQ(budgets.use(Area::retained).level, AreaLevel::enough);
    EXPECT_FALSE(budgets.has_room(Area::retained, 901));
    budgets.observe();
    EXPECT_EQ(budgets.use(Area::retained).level, AreaLevel::enough);
}

enum class Kind { memory, rocks };

class Areas : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override { open(); }

    void open() {
        const StoreOptions options{
            .path = directory_ / "data", .durability = Durability::wal, .clock = &clock_
        };
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
    void append(std::string_view stream, std::int64_t time_ms, int kilobytes) {
        const std::string payload(1'024, 'x');
        Batch batch;
        for (int i = 0; i < kilobytes; ++i) {
            batch.append_stream(stream, {.time_ms = time_ms, .payload = as_bytes(payload)});
        }
        commit(std::move(batch));
    }
    [[nodiscard]] std::uint64_t bytes(Area area) const { return store_->budgets().use(area).bytes; }

    test::TempDir directory_;
    ManualClock clock_;
    std::unique_ptr<Store> store_;
};
INSTANTIATE_TEST_SUITE_P(
    Engines, Areas, testing::Values(Kind::memory, Kind::rocks), [](const auto& row) {
        return std::string{row.param == Kind::memory ? "memory" : "rocks"};
    }
);

TEST_P(Areas, CountWhatStreamsKeep) {
    append("a", 1, 3);
    append("b", 1, 2);
    EXPECT_EQ(bytes(Area::streams), store_->stream("a")->bytes + store_->stream("b")->bytes);
    reopen();
    EXPECT_EQ(bytes(Area::streams), store_->stream("a")->bytes + store_->stream("b")->bytes);
}

TEST_P(Areas, GiveUpTheOldestRecordsOfAllStreams_WhenTheirBudgetIsUsedUp) {
    constexpr std::uint64_t kBudget = 300 * 1'024;
    constexpr std::uint64_t kChunk = 70 * 1'024;
    for (int i = 0; i < 4; ++i) {
        append("old", i, 65);
    }
    for (int i = 0; i < 4; ++i) {
        append("young", 1'000 + i, 65);
    }
    store_->trim();
    EXPECT_EQ(store_->stream("old")->first, 1U) << "no budget yet";
    const auto young = store_->stream("young")->bytes;
    store_->budgets().set_budget(Area::streams, kBudget);
    store_->trim();
    const auto use = store_->budgets().use(Area::streams);
    EXPECT_LE(use.bytes, kBudget);
    EXPECT_GT(use.bytes, kBudget - kChunk) << "not more than needed";
    EXPECT_EQ(store_->stream("young")->bytes, young);
    EXPECT_EQ(use.lost, store_->stream("old")->first - 1);
    EXPECT_EQ(use.bytes, young + store_->stream("old")->bytes);
    EXPECT_EQ(store_->read_stream("old", 1)->front().offset, store_->stream("old")->first);
    reopen();
    EXPECT_EQ(bytes(Area::streams), use.bytes);
}

TEST_P(Areas, LeaveStreamsAlone_AtTheBorder) {
    append("a", 1, 200);
    store_->budgets().set_budget(Area::streams, bytes(Area::streams));
    store_->trim();
    EXPECT_EQ(store_->stream("a")->first, 1U);
    store_->budgets().set_budget(Area::streams, bytes(Area::streams) - 1);
    store_->trim();
    EXPECT_GT(store_->stream("a")->first, 1U);
}

TEST_P(Areas, CountAMessageOnce_HoweverManyQueuesItIsIn) {
    constexpr std::uint64_t kEntry = 32;
    const MessageRecord message{.topic = "t", .payload = as_bytes("payload")};
    Batch batch;
    batch.keep(store_->new_message_id(), message);
    batch.enqueue(SessionId{1}, 1, {.qos = 1});
    batch.enqueue(SessionId{2}, 1, {.qos = 1});
    commit(std::move(batch));
    EXPECT_EQ(bytes(Area::queues), message.bytes() + 2 * kEntry);
    reopen();
    EXPECT_EQ(bytes(Area::queues), message.bytes() + 2 * kEntry);
    Batch settle;
    settle.settle(SessionId{1}, 1);
    settle.settle(SessionId{1}, 1);
    commit(std::move(settle));
    EXPECT_EQ(bytes(Area::queues), message.bytes() + kEntry);
    Batch drop;
    drop.drop_session(SessionId{2});
    commit(std::move(drop));
    EXPECT_EQ(bytes(Area::queues), 0U);
}

TEST_P(Areas, CountNoMessage_OnceItIsReleased) {
    constexpr std::uint64_t kEntry = 32;
    Batch batch;
    batch.keep(store_->new_message_id(), {.topic = "t", .payload = as_bytes("payload")});
    batch.enqueue(SessionId{1}, 1, {.qos = 2});
    batch.mark_released(SessionId{1}, 1, 7);
    commit(std::move(batch));
    EXPECT_EQ(bytes(Area::queues), kEntry);
    Batch settle;
    settle.settle(SessionId{1}, 1);
    commit(std::move(settle));
    EXPECT_EQ(bytes(Area::queues), 0U);
}

TEST_P(Areas, BoundAllOutboxesTogether) {
    const OutboxRecord record{.rule = "r", .topic = "t", .payload = as_bytes("x")};
    const auto cost = outbox_cost(record);
    auto& first = store_->outbox_room("first");
    auto& second = store_->outbox_room("second");
    store_->budgets().set_budget(Area::outbox, 8 * cost);
    for (int i = 0; i < 7; ++i) {
        ASSERT_TRUE(first.reserve(cost, kUnlimited));
    }
    Batch batch;
    batch.enqueue_outbox("first", record);
    commit(std::move(batch));
    EXPECT_EQ(bytes(Area::outbox), 7 * cost) << "one is stored, the others are promised";
    EXPECT_TRUE(second.reserve(cost, kUnlimited));
    EXPECT_FALSE(second.reserve(1, kUnlimited));
    EXPECT_EQ(second.used(), cost) << "what was refused is not promised";
    EXPECT_TRUE(second.reserve(cost, kUnlimited, Budgets::Bound::slack));
    EXPECT_FALSE(second.reserve(1, kUnlimited, Budgets::Bound::slack));
    EXPECT_EQ(store_->budgets().excess(Area::outbox), cost);
    second.release(2 * cost);
    first.release(6 * cost);
    EXPECT_EQ(bytes(Area::outbox), cost);
    EXPECT_FALSE(second.reserve(cost, cost - 1)) << "its own limit";
    EXPECT_EQ(bytes(Area::outbox), cost);
}

TEST_P(Areas, CountDeadLettersWithTheOutboxes) {
    const OutboxRecord record{.rule = "r", .topic = "t", .payload = as_bytes("x")};
    store_->outbox_room("o").promise(outbox_cost(record));
    Batch batch;
    batch.enqueue_outbox("o", record);
    commit(std::move(batch));
    Batch bury;
    bury.dead_letter("o", 1, {.reason = "gone"});
    commit(std::move(bury));
    EXPECT_EQ(bytes(Area::outbox), store_->outbox("o")->dead_bytes);
    reopen();
    EXPECT_EQ(bytes(Area::outbox), store_->outbox("o")->dead_bytes);
    Batch purge;
    purge.purge_dead_letters("o", 1, 1);
    commit(std::move(purge));
    EXPECT_EQ(bytes(Area::outbox), 0U);
}

}  // namespace
}  // namespace weir::storage
