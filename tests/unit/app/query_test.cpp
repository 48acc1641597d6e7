// What stands behind the question mark of a request.
#include <gtest/gtest.h>

#include <string>
#include <weir/app/api/json.hpp>

namespace weir::app::api {
namespace {

TEST(QueryTime, TakesMillisecondsAndRfc3339) {
    const auto time = [](std::string_view text) {
        return query_time({.target = "/?t=" + std::string{text}}, "t", WallTime{5}).count();
    };
    EXPECT_EQ(time("1700000000000"), 1'700'000'000'000);
    EXPECT_EQ(time("2023-11-14T22:13:20Z"), 1'700'000'000'000);
    EXPECT_EQ(time("2023-11-14T22:13:20.250Z"), 1'700'000'000'250);
    EXPECT_EQ(query_time({.target = "/"}, "t", WallTime{5}).count(), 5);
    EXPECT_EQ(time("253402300799999"), 253'402'300'799'999);
    for (const auto* wrong :
         {"yesterday",
          "2023-11-14",
          "2023-11-14T22:13:20",
          "-5",
          "1969-12-31T23:59:59Z",
          "253402300800000",
          "9223372036854775807"}) {
        EXPECT_THROW(static_cast<void>(time(wrong)), admin::ApiError) << wrong;
    }
}

}  // namespace
}  // namespace weir::app::api
