// What a sink leaves behind whose file is gone.
#include <weir/sinks/dead_letters.hpp>

#include "sink_fixture.hpp"

namespace weir::sinks {
namespace {

class RemovedSink : public SinkTest {
protected:
    /// One dead letter, two records, a third under way when the sink is removed.
    RemovedSink() {
        configure(pager());
        enqueue("refused");
        answer(400);
        for (const auto* body : {"1", "2", "3"}) {
            enqueue(body);
        }
        sinks_->configure({});
        settle();
    }

    void expect_balance() const {
        const auto now = status();
        EXPECT_EQ(
            now.in, now.counters.delivered + now.pending + now.counters.dead + now.counters.lost
        );
    }
};

TEST_F(RemovedSink, IsToldWithWhatItLeft) {
    EXPECT_EQ(status().name, "pager");
    EXPECT_EQ(status().activity, Activity::removed);
    EXPECT_EQ(status().pending, 3U);
    EXPECT_EQ(status().dead_letters, 1U);
    expect_balance();
}

TEST_F(RemovedSink, DeliversWhenItIsBack) {
    client_.sent.clear();
    configure(pager());
    for (const auto* body : {"1", "2", "3"}) {
        answer_to(body, 200);
    }
    EXPECT_EQ(status().counters.delivered, 3U);
    EXPECT_NE(status().activity, Activity::removed);
    expect_balance();
}

TEST_F(RemovedSink, BalancesItsBooks_WhileItsLastOutcomeIsBeingStored) {
    for (const std::string body : {"1", "2"}) {
        client_.sent.clear();
        configure(pager());
        ASSERT_EQ(under_way(), std::vector{body});
        std::exchange(client_.sent.back().done, nullptr)({.response = {.status = 204}});
        sinks_->poll();
        sinks_->configure({});
        for (int look = 0; look < 100; ++look) {
            expect_balance();
        }
        store_->drain();
        expect_balance();
    }
    EXPECT_EQ(status().counters.delivered, 2U);
}

TEST_F(RemovedSink, KnowsItsLastOutcome_WhenItIsBackAtOnce) {
    client_.sent.clear();
    configure(pager());
    ASSERT_EQ(under_way(), std::vector<std::string>{"1"});
    std::exchange(client_.sent.back().done, nullptr)({.response = {.status = 204}});
    sinks_->poll();
    sinks_->configure({});
    client_.sent.clear();
    sinks_->configure({pager()});
    sinks_->poll();
    settle();
    EXPECT_EQ(under_way(), std::vector<std::string>{"2"});
    EXPECT_EQ(status().counters.delivered, 1U);
    expect_balance();
}

TEST_F(RemovedSink, IsForgottenWhenItIsDropped_AndItsRecordsCountAsLost) {
    const auto dropped = drop_outbox(*store_, "pager");
    ASSERT_TRUE(dropped);
    EXPECT_EQ(dropped->records, 3U);
    EXPECT_EQ(dropped->dead_letters, 1U);
    EXPECT_TRUE(sinks_->status().empty());
    configure(pager());
    EXPECT_EQ(status().counters.lost, 3U);
    EXPECT_EQ(status().pending, 0U);
    expect_balance();
}

TEST_F(RemovedSink, ForgetsDeadLettersAlone) {
    const auto dropped = drop_dead_letters(*store_, "pager", 1, ~0ULL);
    ASSERT_TRUE(dropped);
    EXPECT_EQ(*dropped, 1U);
    EXPECT_EQ(status().dead_letters, 0U);
    EXPECT_EQ(status().counters.dead, 1U) << "what it became stays counted";
    expect_balance();
}

}  // namespace
}  // namespace weir::sinks
