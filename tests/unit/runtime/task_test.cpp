#include <weir/runtime/task.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace weir::runtime {
namespace {

TEST(Task, RunsWhatItHolds) {
    int ran = 0;
    Task task{[&ran] { ++ran; }};
    task();
    EXPECT_EQ(ran, 1);
}

TEST(Task, CarriesMoveOnlyCapturesAcrossMoves) {
    int seen = 0;
    Task first{[value = std::make_unique<int>(7), &seen] { seen = *value; }};
    Task second{std::move(first)};
    Task third;
    third = std::move(second);
    EXPECT_FALSE(first);
    EXPECT_FALSE(second);
    third();
    EXPECT_EQ(seen, 7);
}

TEST(Task, DestroysCapturesOnce_WhenNeverRun) {
    auto alive = std::make_shared<int>(1);
    {
        Task task{[alive] {}};
        Task other{std::move(task)};
        EXPECT_EQ(alive.use_count(), 2);
        other.reset();
        EXPECT_EQ(alive.use_count(), 1);
        EXPECT_FALSE(other);
    }
    EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace weir::runtime
