#include <weir/bench/sequence_check.hpp>
#include <weir/bench/stamp.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace weir::bench {
namespace {

struct Case {
    std::string name;
    std::vector<std::uint32_t> sequences;
    std::uint64_t skipped;
    std::uint64_t reordered;
};
class Flow : public testing::TestWithParam<Case> {};

TEST_P(Flow, FollowsTable) {
    SequenceCheck check{1};
    for (const auto sequence : GetParam().sequences) {
        check.take(0, sequence);
    }
    EXPECT_EQ(check.skipped(), GetParam().skipped);
    EXPECT_EQ(check.reordered(), GetParam().reordered);
}
INSTANTIATE_TEST_SUITE_P(
    Table,
    Flow,
    testing::Values(
        Case{"in_order", {0, 1, 2, 3}, 0, 0},
        Case{"first_lost", {1, 2}, 1, 0},
        Case{"some_lost", {0, 3, 4, 6}, 3, 0},
        Case{"twice", {0, 1, 1, 2}, 0, 1},
        Case{"swapped", {0, 2, 1, 3}, 1, 1},
        Case{"all_again", {0, 1, 0, 1}, 0, 2}
    ),
    [](const auto& row) { return row.param.name; }
);

TEST(SequenceCheck, TellsFlowsApart) {
    SequenceCheck check{2};
    check.take(0, 0);
    check.take(1, 0);
    check.take(1, 1);
    check.take(0, 1);
    EXPECT_EQ(check.skipped(), 0U);
    EXPECT_EQ(check.reordered(), 0U);
}

TEST(Stamp, ComesBackAsItWasWritten) {
    std::array<Byte, kStampBytes> bytes{};
    write_stamp(bytes.data(), {.sent_ns = 1'234'567'890'123, .publisher = 77, .sequence = 9});
    const auto stamp = read_stamp(bytes.data());
    EXPECT_EQ(stamp.sent_ns, 1'234'567'890'123U);
    EXPECT_EQ(stamp.publisher, 77U);
    EXPECT_EQ(stamp.sequence, 9U);
}

}  // namespace
}  // namespace weir::bench
