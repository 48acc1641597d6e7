// T-14: filters that look at many retained messages and match none.
#include <gtest/gtest.h>

#include <string>

#include <weir/broker/retained.hpp>

namespace weir::test {
namespace {

using broker::RetainedStore;

TEST(ThreatT14, LooksAtOnePageOfRetainedTopics_WhateverTheFilter) {
    constexpr int kTopics = 10'000;
    constexpr std::size_t kMost = RetainedStore::kPageLooks;
    RetainedStore store{kTopics};
    for (int i = 0; i < kTopics; ++i) {
        const std::string topic = "r/" + std::to_string(i) + "/a/b/c/d/e/f/g/h/x";
        store.put({
            .message = model::Message::make({.topic = topic, .payload = as_bytes("v"), .retain = true}),
            .publisher = nullptr,
            .client_id = {},
        });
    }
    for (const char* filter :
         {"#", "r/#", "+/#", "r/+/+/+/+/+/+/+/+/+/z", "r/+/+/+/+/+/+/+/+/+/0", "+/+/+/+", "r/+/a/+/z"}) {
        std::string after;
        std::size_t looked_at = 0;
        do {
            const auto page = store.collect(filter, after, WallTime{1}, kMost);
            EXPECT_LE(page.looked_at, kMost);
            looked_at += page.looked_at;
            after = page.last;
        } while (!after.empty());
        EXPECT_LE(looked_at, 2U * kTopics) << filter;
    }
}

}  // namespace
}  // namespace weir::test
