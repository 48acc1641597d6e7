// What becomes of messages that a receiver does not accept. [AMQP-3.4]
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "cluster.hpp"

namespace weir::broker {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class Refused : public testing::TestWithParam<unsigned> {
protected:
    struct Member {
        unsigned shard;
        Peer peer;
        Session* session = nullptr;
    };

    Member& join(std::string_view filter) {
        Member& made = *members_.emplace_back(std::make_unique<Member>());
        made.shard = static_cast<unsigned>(members_.size() - 1) % GetParam();
        made.session =
            &cluster.connect(made.shard, "m" + std::to_string(members_.size()), made.peer);
        cluster.subscribe(made.shard, *made.session, filter, kQos1);
        return made;
    }
    /// The last of what it got.
    void refuse(Member& member, Refusal refusal) {
        member.session->refused(member.peer.ids.back(), refusal);
        cluster.pump();
    }
    void publish() { cluster.publish(GetParam() - 1, "x", "job", Qos::at_least_once); }
    /// `delivered` + `lost` + queued = `routed`.
    void expect_books_balance() const {
        std::int64_t open = 0;
        for (const auto& node : cluster.nodes) {
            const auto& metrics = node->metrics;
            open += static_cast<std::int64_t>(metrics.routed.value()) - metrics.queued.value();
            for (const auto& delivered : metrics.delivered) {
                open -= static_cast<std::int64_t>(delivered.value());
            }
            for (const auto& lost : metrics.lost) {
                open -= static_cast<std::int64_t>(lost.value());
            }
        }
        EXPECT_EQ(open, 0);
    }

    Cluster cluster{GetParam()};
    std::vector<std::unique_ptr<Member>> members_;
};
INSTANTIATE_TEST_SUITE_P(Broker, Refused, testing::Values(1U, 2U, 8U));

TEST_P(Refused, IsSentAgain_WhenReleased) {
    Member& member = join("x");
    publish();
    for (int i = 0; i < 20; ++i) {
        refuse(member, Refusal::released);
    }
    EXPECT_THAT(member.peer.attempts, SizeIs(21));
    EXPECT_THAT(member.peer.attempts, testing::Each(0)) << "that it was sent does not count";
    EXPECT_EQ(member.session->in_flight(), 1U);
    expect_books_balance();
}

TEST_P(Refused, IsSentAgainTenTimes_WhenItFails) {
    Member& member = join("x");
    publish();
    for (int i = 0; i < 20; ++i) {
        refuse(member, Refusal::failed);
    }
    EXPECT_THAT(member.peer.attempts, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    EXPECT_EQ(cluster.lost(Reason::delivery_failed), 1U);
    EXPECT_EQ(member.session->in_flight() + member.session->queued(), 0U);
    expect_books_balance();
}

TEST_P(Refused, IsLost_WhenRejected) {
    for (const std::string_view filter : {"x", "$share/g/x", "$share/g/x"}) {
        join(filter);
    }
    publish();
    for (const auto& member : members_) {
        if (member->session->in_flight() > 0) {
            refuse(*member, Refusal::rejected);
        }
    }
    EXPECT_EQ(cluster.lost(Reason::delivery_rejected), 2U) << "the plain copy and that of the group";
    for (const auto& member : members_) {
        EXPECT_LE(member->peer.got.size(), 1U);
        EXPECT_EQ(member->session->in_flight(), 0U);
    }
    expect_books_balance();
}

TEST_P(Refused, IsLost_WhenNobodyElseMayHaveIt) {
    Member& member = join("x");
    publish();
    refuse(member, Refusal::elsewhere);
    EXPECT_THAT(member.peer.got, SizeIs(1));
    EXPECT_EQ(cluster.lost(Reason::delivery_failed), 1U);
    expect_books_balance();
}

TEST_P(Refused, GoesToAnotherMember_WhenUndeliverableHere) {
    const std::array<Member*, 2> pair = {&join("$share/g/x"), &join("$share/g/x")};
    publish();
    const bool first = !pair[0]->peer.got.empty();
    Member& had = *pair[first ? 0 : 1];
    Member& other = *pair[first ? 1 : 0];
    refuse(had, Refusal::elsewhere);
    EXPECT_THAT(had.peer.got, SizeIs(1));
    EXPECT_THAT(other.peer.got, ElementsAre("x=job@1"));
    EXPECT_THAT(other.peer.attempts, ElementsAre(1));
    EXPECT_TRUE(other.session->settled(other.peer.ids.back()));
    expect_books_balance();
}

TEST_P(Refused, IsLost_WhenAllMembersRefuseIt) {
    for (int i = 0; i < 3; ++i) {
        join("$share/g/x");
    }
    publish();
    std::size_t refused = 0;
    for (bool any = true; any && refused < 100;) {
        any = false;
        for (const auto& member : members_) {
            if (member->session->in_flight() > 0) {
                refuse(*member, Refusal::elsewhere);
                any = true;
                ++refused;
            }
        }
    }
    EXPECT_EQ(refused, 11U);
    EXPECT_EQ(cluster.lost(Reason::delivery_failed), 1U);
    expect_books_balance();
}

TEST_P(Refused, GoesToNobody_WhenItsMemberIsAlone) {
    Member& member = join("$share/g/x");
    publish();
    refuse(member, Refusal::elsewhere);
    EXPECT_THAT(member.peer.got, SizeIs(1));
    EXPECT_EQ(cluster.lost(Reason::shared_no_member), 1U);
    expect_books_balance();
}

TEST_P(Refused, CountsTheAttempt_WhenItsMemberLeaves) {
    const std::array<Member*, 2> pair = {&join("$share/g/x"), &join("$share/g/x")};
    publish();
    const bool first = !pair[0]->peer.got.empty();
    Member& had = *pair[first ? 0 : 1];
    Member& other = *pair[first ? 1 : 0];
    cluster.brokers[had.shard]->disconnect(*had.session, had.peer, false);
    cluster.pump();
    EXPECT_THAT(other.peer.attempts, ElementsAre(1));
}

}  // namespace
}  // namespace weir::broker
