#include <weir/base/guarded.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weir {
namespace {

TEST(Guarded, LetsOneThreadInAtATime) {
    Guarded<std::vector<int>> numbers;
    const auto add = [&] {
        for (int i = 0; i < 500; ++i) {
            numbers.with([&](auto& list) { list.push_back(i); });
        }
    };
    std::thread other{add};
    add();
    other.join();
    const auto& reader = numbers;
    EXPECT_EQ(reader.with([](const auto& list) { return list.size(); }), 1'000U);
}

}  // namespace
}  // namespace weir
