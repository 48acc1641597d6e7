// What the admin API answers.
#include <gtest/gtest.h>

#include <string>
#include <weir/app/api/json.hpp>

namespace weir::app::api {
namespace {

TEST(Reply, IsJsonWhateverBytesATextHas) {
    EXPECT_EQ(reply(json::object{{"text", "é\""}}).body, "{\"text\":\"é\\\"\"}\n");
    EXPECT_EQ(
        reply(json::object{{"text", "a\xC3"}, {"\xFF", 1}}).body,
        "{\"text\":\"a\uFFFD\",\"\uFFFD\":1}\n"
    );
}

}  // namespace
}  // namespace weir::app::api
