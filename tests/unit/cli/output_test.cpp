// The forms in which commands print rows.
#include <gtest/gtest.h>

#include <app/cli/output.hpp>

namespace weir::cli {
namespace {

Table devices() {
    Table table{{{.name = "device"}, {.name = "messages_in", .is_number = true}}};
    table.add({"p7", "12"});
    table.add({"größe, \"7\"", ""});
    return table;
}

TEST(Table, AlignsColumnsForPeople) {
    EXPECT_EQ(
        devices().render(Format::table),
        "DEVICE      MESSAGES IN\n"
        "p7                   12\n"
        "größe, \"7\"\n"
    );
}

TEST(Table, IsAnArrayOfObjectsInJson) {
    EXPECT_EQ(
        devices().render(Format::json),
        "[\n"
        "  {\"device\": \"p7\", \"messages_in\": 12},\n"
        "  {\"device\": \"größe, \\\"7\\\"\", \"messages_in\": null}\n"
        "]\n"
    );
    EXPECT_EQ(Table{{{.name = "device"}}}.render(Format::json), "[]\n");
}

TEST(Table, QuotesCellsInCsv_WhereNeeded) {
    EXPECT_EQ(
        devices().render(Format::csv),
        "device,messages_in\r\n"
        "p7,12\r\n"
        "\"größe, \"\"7\"\"\",\r\n"
    );
}

TEST(Table, HasNoFormulasInCsv) {
    Table table{{{.name = "device"}, {.name = "change", .is_number = true}}};
    for (const char* device : {"=1+1", "+1", "-1", "@x", "\tx", "a=1"}) {
        table.add({device, "-3"});
    }
    EXPECT_EQ(
        table.render(Format::csv),
        "device,change\r\n'=1+1,-3\r\n'+1,-3\r\n'-1,-3\r\n'@x,-3\r\n'\tx,-3\r\na=1,-3\r\n"
    );
}

TEST(Table, KeepsControlCharactersFromTheTerminal) {
    Table table{{{.name = "device"}}};
    table.add({"p\x1B[2J7"});
    EXPECT_EQ(table.render(Format::table), "DEVICE\np\uFFFD[2J7\n");
    EXPECT_EQ(table.render(Format::json), "[\n  {\"device\": \"p\\u001b[2J7\"}\n]\n");
}

TEST(Table, LeavesOutColumnsOfNothing_ForPeople) {
    Table table{{{.name = "sink"}, {.name = "objects", .is_number = true}, {.name = "dead", .is_number = true}}};
    EXPECT_EQ(table.render(Format::table), "SINK  OBJECTS  DEAD\n");
    table.add({"pager", "", "0"});
    EXPECT_EQ(table.render(Format::table), "SINK   DEAD\npager     0\n");
    EXPECT_EQ(table.render(Format::csv), "sink,objects,dead\r\npager,,0\r\n");
}

TEST(Table, CutsCells_ForPeople) {
    Table table{{{.name = "payload", .bytes_max = 3}, {.name = "n"}}};
    table.add({"abcdef", "1"});
    table.add({"abc", "2"});
    EXPECT_EQ(table.render(Format::table), "PAYLOAD  N\nabc...   1\nabc      2\n");
    EXPECT_EQ(table.render(Format::json), "[\n  {\"payload\": \"abcdef\", \"n\": \"1\"},\n  {\"payload\": \"abc\", \"n\": \"2\"}\n]\n");
}

TEST(Table, AlignsWhatIsNoText) {
    Table table{{{.name = "topic"}, {.name = "qos"}}};
    table.add({"\x80\x80\x80\x80\x80\xC2\x9B", "1"});
    table.add({"a\n  b", "2"});
    EXPECT_EQ(
        table.render(Format::table),
        "TOPIC   QOS\n"
        "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD  1\n"
        "a b     2\n"
    );
}

}  // namespace
}  // namespace weir::cli
