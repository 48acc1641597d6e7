// Stored messages as lines of JSON.
#include <gtest/gtest.h>

#include <string>
#include <weir/archive/record_json.hpp>

namespace weir::archive {
namespace {

TEST(PayloadMembers, KeepsJsonAsItCame) {
    struct Case {
        std::string_view payload;
        std::string_view members;
    };
    for (const auto& [payload, members] : {
             Case{
                 R"({ "temp": 91.50,
                       "big": 123456789012345678901234567890 })",
                 R"("payload":{"temp":91.50,"big":123456789012345678901234567890})"
             },
             Case{R"("a b")", R"("payload":"a b")"},
             Case{"20", R"("payload":20)"},
             Case{"", R"("encoding":"base64","payload":"")"},
             Case{"hello", R"("encoding":"base64","payload":"aGVsbG8=")"},
             Case{"{\"a\":1} x", R"("encoding":"base64","payload":"eyJhIjoxfSB4")"},
             Case{"\"\xff\"", R"("encoding":"base64","payload":"Iv8i")"},
         }) {
        EXPECT_EQ(payload_members(as_bytes(payload)), members) << payload;
    }
}

TEST(PayloadMembers, DoesNotFollowEndlessNesting) {
    const std::string deep(100'000, '[');
    EXPECT_TRUE(payload_members(as_bytes(deep)).starts_with(R"("encoding":"base64")"));
}

TEST(ToJsonLine, IsOneLineWhateverTheTopicIs) {
    storage::StreamEntry entry;
    entry.offset = 7;
    entry.record = {
        .time_ms = 1'700'000'000'000, .topic = "a\"b\n", .key = "p1", .payload = as_bytes("[1,\n2]")
    };
    EXPECT_EQ(
        to_json_line(entry),
        "{\"offset\":7,\"time\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"a\\\"b\\n\","
        "\"device\":\"p1\",\"payload\":[1,2]}\n"
    );
}

}  // namespace
}  // namespace weir::archive
