#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/archive/detail/lines.hpp>

namespace weir::archive::detail {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

storage::StreamEntry entry_of(std::string_view payload, std::string_view topic = "data/p1/t") {
    storage::StreamEntry entry;
    entry.offset = 7;
    entry.record = {
        .time_ms = 1'700'000'000'000, .topic = topic, .key = "p1", .payload = as_bytes(payload)};
    return entry;
}

std::string written(const Layout& layout, std::string_view payload, std::string_view topic = "t") {
    LineWriter lines{layout};
    std::string out;
    lines.add(out, entry_of(payload, topic));
    return out;
}

TEST(LineWriter, WritesWholeRecords) {
    EXPECT_EQ(
        written({}, R"({"temp": 1.50})", "data/p1/t"),
        R"({"offset":7,"time":"2023-11-14T22:13:20.000Z","topic":"data/p1/t","device":"p1","payload":{"temp":1.50}})"
        "\n"
    );
}

TEST(LineWriter, WritesPayloadsAlone) {
    const Layout layout{.format = Format::payload};
    EXPECT_EQ(written(layout, "{\"a\":\n[1, 2]}"), "{\"a\":[1,2]}\n");
    EXPECT_EQ(
        written(layout, "two\nlines"), "{\"encoding\":\"base64\",\"payload\":\"dHdvCmxpbmVz\"}\n"
    );
}

TEST(LineWriter, WritesColumnsAsJson) {
    const Layout layout{.columns = {"device", "payload.temp", "payload.site.city", "payload.none"}};
    EXPECT_EQ(
        written(layout, R"({"site":{"city":"Bergen"},"temp":12345678901234567890123})"),
        R"({"device":"p1","temp":12345678901234567890123,"city":"Bergen"})"
        "\n"
    );
    EXPECT_EQ(written(layout, "no json"), "{\"device\":\"p1\"}\n");
}

TEST(LineWriter, WritesCsvWithHeader_RFC4180) {
    const Layout layout{
        .format = Format::csv, .columns = {"offset", "time", "payload.msg", "payload.n"}};
    LineWriter lines{layout};
    std::string out;
    lines.begin(out);
    lines.add(out, entry_of(R"({"msg":"plain","n":1.50})"));
    lines.add(out, entry_of(R"({"msg":"a \"b\", c\nd","n":null})"));
    lines.add(out, entry_of(R"({"n":{"x":[1,2]}})"));
    EXPECT_EQ(
        out,
        "offset,time,msg,n\r\n"
        "7,2023-11-14T22:13:20.000Z,plain,1.50\r\n"
        "7,2023-11-14T22:13:20.000Z,\"a \"\"b\"\", c\nd\",\r\n"
        "7,2023-11-14T22:13:20.000Z,,\"{\"\"x\"\":[1,2]}\"\r\n"
    );
}

TEST(LineWriter, TellsHowAPayloadIsEncoded) {
    const Layout layout{.format = Format::csv, .columns = {"payload", "encoding"}};
    EXPECT_EQ(written(layout, "\xff\x00"), "/w==,base64\r\n");
    EXPECT_EQ(written(layout, "[1]"), "[1],\r\n");
}

TEST(CheckLayout, SaysWhatIsWrong) {
    EXPECT_THAT(check(Layout{}), IsEmpty());
    EXPECT_THAT(
        check(Layout{.format = Format::csv, .columns = {"time", "payload.a.b"}}), IsEmpty()
    );
    EXPECT_THAT(check(Layout{.format = Format::csv}), HasSubstr("csv needs columns"));
    EXPECT_THAT(
        check(Layout{.format = Format::payload, .columns = {"time"}}), HasSubstr("no columns")
    );
    EXPECT_THAT(check(Layout{.columns = {"tme"}}), HasSubstr("perhaps 'time'"));
    EXPECT_THAT(check(Layout{.columns = {"temp"}}), HasSubstr("payload.temp"));
    EXPECT_THAT(check(Layout{.columns = {"payload.", "time"}}), HasSubstr("no column"));
    EXPECT_THAT(check(Layout{.columns = {"time", "payload.time"}}), HasSubstr("two columns"));
}

}  // namespace
}  // namespace weir::archive::detail
