#include <weir/sinks/detail/sink_state.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/base/digest.hpp>

namespace weir::sinks {
namespace {

using detail::Claim;
using detail::decode_state;
using detail::SinkState;

Bytes bytes(std::string_view hex) {
    return from_hex(hex).value();
}

TEST(SinkState, ComesBackAsItWas) {
    const auto store = storage::Store::in_memory({});
    const SinkState state{
        .claims = {{{1, 2}, {5, 5}}, {{3, 4}}},
        .counters = {.delivered = 7, .dead = 8, .lost = 9},
    };
    storage::Batch batch;
    detail::put_state(batch, "pager", state);
    ASSERT_TRUE(store->commit(std::move(batch)));
    EXPECT_EQ(detail::load_state(*store, "pager").value(), state);
    EXPECT_EQ(detail::load_state(*store, "other").value(), SinkState{});
}

TEST(SinkState, ReadsItsFirstVersion) {
    const auto golden = bytes(
        "0000000000000003"
        "0000000000000005"
        "0000000000000007"
        "0000000000000008"
        "0000000000000009"
    );
    const auto state = decode_state(1, golden);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->claims, (std::vector<Claim>{{{3, 5}}}));
    EXPECT_EQ(state->counters, (SinkCounters{.delivered = 7, .dead = 8, .lost = 9}));
    const auto without_claim = decode_state(1, Bytes(40, 0));
    ASSERT_TRUE(without_claim);
    EXPECT_TRUE(without_claim->claims.empty());
}

TEST(SinkState, ReadsItsSecondVersion) {
    const std::string counters =
        "0000000000000007"
        "0000000000000008"
        "0000000000000009";
    const auto state = decode_state(
        2,
        bytes(
            counters + "0002"
                       "0000000000000001"
                       "0000000000000002"
                       "0000000000000005"
                       "0000000000000005"
        )
    );
    ASSERT_TRUE(state);
    EXPECT_EQ(state->claims, (std::vector<Claim>{{{1, 2}, {5, 5}}}));
}

TEST(SinkState, RefusesDamage) {
    const std::string counters(48, '0');
    const std::string one = "0000000000000001";
    const std::string two = "0000000000000002";
    EXPECT_TRUE(decode_state(2, bytes(counters + "0001" + one + two)));
    for (const auto& damaged : {
             counters.substr(2),
             counters + "00",
             counters + "0000",
             counters + "0001" + one,
             counters + "0001" + two + one,                   // Backwards.
             counters + "0002" + one + two + two + two,       // Overlapping.
             counters + "0101" + one + two,                   // More runs than a batch has.
             counters + "0001" + std::string(16, '0') + one,  // Offsets begin with 1.
         }) {
        EXPECT_EQ(decode_state(2, bytes(damaged)).error(), storage::errc::malformed_record)
            << damaged;
    }
    EXPECT_EQ(decode_state(3, {}).error(), storage::errc::newer_version);
    EXPECT_EQ(decode_state(1, Bytes(39, 0)).error(), storage::errc::malformed_record);
}

TEST(SinkState, CountsTheRunsOfABatch) {
    std::vector<storage::OutboxEntry> batch(4);
    batch[0].offset = 1;
    batch[1].offset = 2;
    batch[2].offset = 4;
    batch[3].offset = 7;
    EXPECT_EQ(detail::claim_of(batch), (Claim{{1, 2}, {4, 4}, {7, 7}}));
}

}  // namespace
}  // namespace weir::sinks
