#include <weir/pipeline/trace_ids.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir::pipeline {
namespace {

TEST(TraceIds, AreUuidsOfWhichNoTwoAreTheSame) {
    TraceIds of_one_shard;
    TraceIds of_another;
    std::set<std::string> seen;
    for (int i = 0; i < 5'000; ++i) {
        for (auto* const ids : {&of_one_shard, &of_another}) {
            const std::string id{ids->next()};
            ASSERT_THAT(
                id,
                testing::MatchesRegex(
                    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
                )
            );
            ASSERT_TRUE(seen.insert(id).second) << id;
        }
    }
}

}  // namespace
}  // namespace weir::pipeline
