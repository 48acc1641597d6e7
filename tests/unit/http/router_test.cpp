#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/http/router.hpp>

namespace weir::http {
namespace {

using Outcome = PathMatch::Outcome;
using testing::ElementsAre;

Router<int> routes() {
    Router<int> out;
    out.add("POST", "/topics/{topic...}", 1);
    out.add("GET", "/things/{thing}/shadow", 2);
    out.add("DELETE", "/things/{thing}/shadow", 3);
    out.add("GET", "/things/list", 4);
    out.add("GET", "/", 5);
    return out;
}

struct RouteCase {
    std::string_view name;
    std::string_view method;
    std::string_view target;
    Outcome outcome;
    int value = 0;
    std::vector<std::string> values = {};
};

class RouterMatch : public testing::TestWithParam<RouteCase> {};

TEST_P(RouterMatch, FollowsTable) {
    const auto router = routes();
    const auto got = router.match(GetParam().method, GetParam().target);
    EXPECT_EQ(got.path.outcome, GetParam().outcome);
    EXPECT_EQ(got.path.values, GetParam().values);
    EXPECT_EQ(got.value == nullptr ? 0 : *got.value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RouterMatch,
    testing::Values(
        RouteCase{"root", "GET", "/", Outcome::found, 5},
        RouteCase{"rest", "POST", "/topics/a/b", Outcome::found, 1, {"a/b"}},
        RouteCase{"rest_encoded", "POST", "/topics/%24a%2Fb%20c", Outcome::found, 1, {"$a/b c"}},
        RouteCase{"rest_empty", "POST", "/topics/", Outcome::no_path},
        RouteCase{"rest_missing", "POST", "/topics", Outcome::no_path},
        RouteCase{"query_is_no_path", "POST", "/topics/a?qos=1", Outcome::found, 1, {"a"}},
        RouteCase{"variable", "GET", "/things/p1/shadow", Outcome::found, 2, {"p1"}},
        RouteCase{
            "variable_keeps_encoded_slash",
            "GET",
            "/things/p%2F1/shadow",
            Outcome::found,
            2,
            {"p/1"}
        },
        RouteCase{"variable_empty", "GET", "/things//shadow", Outcome::no_path},
        RouteCase{"second_method", "DELETE", "/things/p1/shadow", Outcome::found, 3, {"p1"}},
        RouteCase{"head_as_get", "HEAD", "/things/p1/shadow", Outcome::found, 2, {"p1"}},
        RouteCase{"other_method", "PUT", "/things/p1/shadow", Outcome::no_method},
        RouteCase{"literal", "GET", "/things/list", Outcome::found, 4},
        RouteCase{"literal_encoded", "GET", "/things/l%69st", Outcome::found, 4},
        RouteCase{"more_segments", "GET", "/things/list/x", Outcome::no_path},
        RouteCase{"slash_at_the_end", "GET", "/things/p1/shadow/", Outcome::no_path},
        RouteCase{"dots_mean_nothing", "GET", "/things/../things/list", Outcome::no_path},
        RouteCase{"cut_escape", "POST", "/topics/a%2", Outcome::bad_encoding},
        RouteCase{"wrong_escape", "POST", "/topics/%zz", Outcome::bad_encoding},
        RouteCase{"absolute_target", "GET", "http://h/", Outcome::no_path},
        RouteCase{"asterisk", "OPTIONS", "*", Outcome::no_path}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Router, ListsAllowedMethods_WhenTheMethodDoesNotFit) {
    EXPECT_EQ(routes().match("PUT", "/things/p1/shadow").path.allowed, "GET, DELETE");
}

TEST(QueryValue, IsDecoded) {
    EXPECT_EQ(query_value("/topics/a?qos=1&retain", "qos"), "1");
    EXPECT_EQ(query_value("/topics/a?qos=1&retain", "retain"), "");
    EXPECT_EQ(query_value("/topics/a?content-type=a+b%2Bc", "content-type"), "a b+c");
    EXPECT_EQ(query_value("/topics/a?qos=1", "q"), std::nullopt);
    EXPECT_EQ(query_value("/topics/a?x=%z", "x"), std::nullopt);
    EXPECT_EQ(query_value("/topics/a", "qos"), std::nullopt);
}

}  // namespace
}  // namespace weir::http
