#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include <weir/storage/store.hpp>

#include "faulty_engine.hpp"

namespace weir::storage {
namespace {

class GroupCommit : public testing::Test {
protected:
    void open(StoreOptions options = {}) {
        options.clock = &clock_;
        store_ = std::make_unique<Store>(std::make_unique<test::FaultyEngine>(faults_), options);
    }

    [[nodiscard]] static Batch one_record() {
        Batch batch;
        batch.append_stream("s", {.payload = as_bytes("x")});
        return batch;
    }

    /// Submits one batch and remembers its group, or its error.
    void submit() {
        store_->submit(one_record(), [this](const Result<CommitInfo>& info) {
            if (info) {
                groups_.push_back(info->group);
            } else {
                errors_.push_back(info.error());
            }
        });
    }

    std::shared_ptr<test::Faults> faults_ = std::make_shared<test::Faults>();
    ManualClock clock_;
    std::vector<std::uint64_t> groups_;
    std::vector<error_code> errors_;
    std::unique_ptr<Store> store_;
};

TEST_F(GroupCommit, WritesWhatArrivedMeanwhileAsOneGroup) {
    open();
    faults_->hold();
    submit();
    faults_->await_commit();
    for (int i = 0; i < 10; ++i) {
        submit();
    }
    faults_->let_go();
    store_->drain();
    ASSERT_EQ(groups_.size(), 11U);
    EXPECT_NE(groups_[0], groups_[1]);
    EXPECT_EQ(groups_[1], groups_[10]);
    EXPECT_EQ(store_->stats().groups, 2U);
}

TEST_F(GroupCommit, ClosesAGroup_WhenItsLimitOfBatchesIsReached) {
    open({.group_batches_max = 4});
    faults_->hold();
    submit();
    faults_->await_commit();
    for (int i = 0; i < 8; ++i) {
        submit();
    }
    faults_->let_go();
    store_->drain();
    EXPECT_EQ(store_->stats().groups, 3U);
}

TEST_F(GroupCommit, ClosesAGroup_WhenItsLimitOfBytesIsReached) {
    open({.group_bytes_max = 1});
    faults_->hold();
    submit();
    faults_->await_commit();
    submit();
    submit();
    faults_->let_go();
    store_->drain();
    EXPECT_EQ(store_->stats().groups, 3U);
}

TEST_F(GroupCommit, WritesNothing_WhenBatchesAreEmpty) {
    open();
    const int before = faults_->commits;
    EXPECT_TRUE(store_->commit({}));
    EXPECT_EQ(faults_->commits, before);
}

TEST_F(GroupCommit, IsReadOnlyForGood_WhenAWriteFailed) {
    open();
    ASSERT_TRUE(store_->commit(one_record()));
    faults_->fail_commit = true;
    EXPECT_EQ(store_->commit(one_record()).error(), errc::io_failed);
    EXPECT_EQ(store_->health().state, Health::read_only);
    EXPECT_NE(store_->health().reason.find("injected"), std::string::npos);
    faults_->fail_commit = false;
    const int before = faults_->commits;
    EXPECT_EQ(store_->commit(one_record()).error(), errc::read_only);
    EXPECT_EQ(faults_->commits, before) << "a later success would prove nothing";
    EXPECT_EQ(store_->read_stream("s", 1)->size(), 1U) << "reads go on";
    EXPECT_EQ(store_->stream("s")->next, 2U) << "what failed is not shown";
}

TEST_F(GroupCommit, FailsEveryBatchOfTheGroup_WhenItsWriteFails) {
    open();
    faults_->hold();
    submit();
    faults_->await_commit();
    submit();
    submit();
    faults_->fail_commit = true;
    faults_->let_go();
    store_->drain();
    EXPECT_EQ(groups_.size(), 0U);
    ASSERT_EQ(errors_.size(), 3U);
    EXPECT_EQ(errors_[0], errc::io_failed);
    EXPECT_EQ(errors_[2], errc::read_only);
}

TEST_F(GroupCommit, ReturnsReservations_WhenAWriteFails) {
    open();
    const OutboxRecord record{.payload = as_bytes("x")};
    ASSERT_TRUE(store_->outbox_room("o").reserve(outbox_cost(record), 1'000));
    Batch batch;
    batch.enqueue_outbox("o", record);
    faults_->fail_commit = true;
    EXPECT_FALSE(store_->commit(std::move(batch)));
    EXPECT_EQ(store_->outbox_room("o").used(), 0U);
    EXPECT_EQ(store_->outbox("o")->records, 0U);
}

TEST_F(GroupCommit, IsReadOnly_WhenAnOutboxCannotBeReadToSettleIt) {
    open();
    Batch batch;
    batch.enqueue_outbox("o", {});
    ASSERT_TRUE(store_->commit(std::move(batch)));
    faults_->fail_scan = true;
    Batch settle;
    settle.settle_outbox("o", 1, 1);
    EXPECT_FALSE(store_->commit(std::move(settle)));
    EXPECT_EQ(store_->health().state, Health::read_only);
    EXPECT_EQ(store_->health().reason, "reading before a write failed: injected");
    faults_->fail_scan = false;
    EXPECT_EQ(store_->outbox("o")->records, 1U);
}

TEST_F(GroupCommit, CountsNothingOfWhatFailed) {
    open();
    ASSERT_TRUE(store_->commit(one_record()));
    const auto before = store_->budgets().use(Area::streams).bytes;
    EXPECT_GT(before, 0U);
    faults_->fail_commit = true;
    Batch batch = one_record();
    batch.keep(store_->new_message_id(), {.topic = "t", .payload = as_bytes("x")});
    batch.enqueue(SessionId{1}, 1, {.qos = 1});
    store_->outbox_room("o").promise(outbox_cost({}));
    batch.enqueue_outbox("o", {});
    EXPECT_FALSE(store_->commit(std::move(batch)));
    EXPECT_EQ(store_->budgets().use(Area::streams).bytes, before);
    EXPECT_EQ(store_->budgets().use(Area::queues).bytes, 0U);
    EXPECT_EQ(store_->budgets().use(Area::outbox).bytes, 0U) << "the promise is over";
}

TEST_F(GroupCommit, RefusesWhileTheDiskIsFull_AndResumesByItself) {
    open({.disk_free_min = 1'000});
    ASSERT_TRUE(store_->commit(one_record()));
    faults_->free_bytes = 999;
    clock_.advance(std::chrono::seconds{2});
    EXPECT_EQ(store_->commit(one_record()).error(), errc::disk_full);
    EXPECT_EQ(store_->health().state, Health::disk_full);
    EXPECT_EQ(store_->read_stream("s", 1)->size(), 1U);
    faults_->free_bytes = 2'000;
    EXPECT_TRUE(store_->commit(one_record()));
    EXPECT_EQ(store_->health().state, Health::ok);
    EXPECT_EQ(store_->read_stream("s", 1)->size(), 2U);
}

TEST_F(GroupCommit, TellsThatTheDiskGetsLow_AndCommits) {
    open({.disk_free_min = 1'000, .disk_free_low = 5'000});
    faults_->free_bytes = 4'000;
    clock_.advance(std::chrono::seconds{2});
    EXPECT_TRUE(store_->commit(one_record()));
    EXPECT_EQ(store_->health().state, Health::ok);
    EXPECT_EQ(store_->disk().level, DiskLevel::low);
    EXPECT_EQ(store_->disk().free, 4'000U);
}

TEST_F(GroupCommit, SaysOnceThatTheDiskWillBeFullWithinADay) {
    faults_->free_bytes = 1'000'000;
    open({.disk_free_min = 1'000});
    const auto log_after = [this](std::chrono::minutes time, std::uint64_t free) {
        testing::internal::CaptureStderr();
        faults_->free_bytes = free;
        clock_.advance(time);
        EXPECT_TRUE(store_->commit(one_record()));
        return testing::internal::GetCapturedStderr();
    };
    using std::chrono::minutes;
    EXPECT_EQ(log_after(minutes{1}, 1'000'000), "");
    const auto first = log_after(minutes{30}, 900'000);
    EXPECT_NE(first.find("storage_disk_fills"), std::string::npos) << first;
    EXPECT_NE(first.find("full_in_s"), std::string::npos) << first;
    EXPECT_EQ(log_after(minutes{1}, 890'000), "");
    EXPECT_EQ(log_after(minutes{1}, 2'000'000), "") << "there is room again";
    EXPECT_NE(log_after(minutes{30}, 700'000).find("storage_disk_fills"), std::string::npos);
}

TEST_F(GroupCommit, WaitsForCompany_UntilTheGroupIsFull) {
    open({.group_batches_max = 3, .group_wait = std::chrono::minutes{10}});
    submit();
    submit();
    submit();
    store_->drain();
    EXPECT_EQ(groups_, (std::vector<std::uint64_t>{groups_[0], groups_[0], groups_[0]}));
}

TEST_F(GroupCommit, CompletesEverything_WhenTheStoreIsClosed) {
    open();
    for (int i = 0; i < 50; ++i) {
        submit();
    }
    store_.reset();
    EXPECT_EQ(groups_.size(), 50U);
}

TEST_F(GroupCommit, IsBusyWhileAWriteIsInFlight) {
    open();
    faults_->hold();
    submit();
    faults_->await_commit();
    EXPECT_EQ(store_->progress() % 2, 1U);
    faults_->let_go();
    store_->drain();
}

}  // namespace
}  // namespace weir::storage
