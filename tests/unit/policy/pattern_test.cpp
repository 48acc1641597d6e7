#include <weir/policy/pattern.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::policy {
namespace {

model::Principal pump() {
    model::Principal principal;
    principal.thing = "p7";
    principal.thing_type = "pump";
    principal.groups = {"north", "old"};
    principal.attributes = {{"evil", "a/b"}, {"none", ""}, {"site", "hall-3"}};
    return principal;
}

TopicPattern topic_pattern(std::string_view text) {
    auto parsed = parse_topic_pattern(text);
    if (const auto* error = std::get_if<PatternError>(&parsed)) {
        ADD_FAILURE() << text << ": " << error->message;
        return {};
    }
    return std::get<TopicPattern>(std::move(parsed));
}

TextPattern text_pattern(std::string_view text) {
    auto parsed = parse_text_pattern(text);
    if (const auto* error = std::get_if<PatternError>(&parsed)) {
        ADD_FAILURE() << text << ": " << error->message;
        return {};
    }
    return std::get<TextPattern>(std::move(parsed));
}

struct TopicCase {
    std::string_view pattern;
    std::string_view topic;
    Fit fit;
};

TEST(TopicPattern, MatchesTopics) {
    const auto principal = pump();
    const Subject subject{.principal = principal, .client_id = "c1"};
    for (const auto& [pattern, topic, fit] : {
             TopicCase{"a/b", "a/b", Fit::yes},
             TopicCase{"a/b", "a/B", Fit::no},
             TopicCase{"a/b", "a/b/", Fit::no},
             TopicCase{"a/#", "a", Fit::yes},
             TopicCase{"a/#", "a/b/c", Fit::yes},
             TopicCase{"a/#", "ab", Fit::no},
             TopicCase{"+/x", "/x", Fit::yes},
             TopicCase{"#", "$SYS/load", Fit::no},
             TopicCase{"+/load", "$SYS/load", Fit::no},
             TopicCase{"$SYS/#", "$SYS/load", Fit::yes},
             TopicCase{"a/*", "a/b", Fit::no},
             TopicCase{"a/*", "a/*", Fit::yes},
             TopicCase{"data/{thing}/#", "data/p7/temp", Fit::yes},
             TopicCase{"data/{thing}/#", "data/p8/temp", Fit::no},
             TopicCase{"data/{thing}/#", "data/p7x/temp", Fit::no},
             TopicCase{"data/dev-{thing}.v1", "data/dev-p7.v1", Fit::yes},
             TopicCase{"data/dev-{thing}.v1", "data/dev-p7.v2", Fit::no},
             TopicCase{"{tenant}/{thing_type}/{client_id}", "default/pump/c1", Fit::yes},
             TopicCase{"site/{attr.site}", "site/hall-3", Fit::yes},
             TopicCase{"group/{group}", "group/north", Fit::yes},
             TopicCase{"group/{group}", "group/old", Fit::yes},
             TopicCase{"group/{group}", "group/south", Fit::no},
             TopicCase{"{group}/{group}", "north/old", Fit::no},
             TopicCase{"{{a}}/b", "{a}/b", Fit::yes},
             // Without a usable value: decided by what stands before the variable.
             TopicCase{"site/{attr.floor}/x", "site/1/x", Fit::unresolved},
             TopicCase{"site/{attr.floor}/x", "other/1/x", Fit::no},
             TopicCase{"site/{attr.evil}/x", "site/a/b/x", Fit::unresolved},
             TopicCase{"site/{attr.none}/x", "site//x", Fit::unresolved},
         }) {
        EXPECT_EQ(topic_pattern(pattern).matches(topic, subject), fit)
            << pattern << " on " << topic;
    }
}

TEST(TopicPattern, CoversAndOverlapsFilters) {
    struct Case {
        std::string_view pattern;
        std::string_view filter;
        Fit covers;
        Fit overlaps;
    };
    const auto principal = pump();
    const Subject subject{.principal = principal, .client_id = "c1"};
    for (const auto& [pattern, filter, covers, overlaps] : {
             Case{"a/+", "a/#", Fit::no, Fit::yes},
             Case{"a/#", "a/+", Fit::yes, Fit::yes},
             Case{"a/#", "a", Fit::yes, Fit::yes},
             Case{"a", "a/#", Fit::no, Fit::yes},
             Case{"+/#", "#", Fit::yes, Fit::yes},
             Case{"#", "$SYS/#", Fit::no, Fit::no},
             Case{"$SYS/x", "#", Fit::no, Fit::no},
             Case{"cmd/{thing}/#", "cmd/p7/#", Fit::yes, Fit::yes},
             Case{"cmd/{thing}/#", "cmd/p7/set", Fit::yes, Fit::yes},
             Case{"cmd/{thing}/#", "cmd/+/set", Fit::no, Fit::yes},
             Case{"cmd/{thing}/#", "cmd/p8/#", Fit::no, Fit::no},
             Case{"cmd/{thing}/#", "#", Fit::no, Fit::yes},
             Case{"cmd/{attr.floor}/#", "cmd/+/x", Fit::no, Fit::unresolved},
             Case{"cmd/{attr.floor}/#", "cmd/7/x", Fit::unresolved, Fit::unresolved},
             Case{"cmd/{attr.floor}/#", "data/7/x", Fit::no, Fit::no},
         }) {
        EXPECT_EQ(topic_pattern(pattern).covers(filter, subject), covers)
            << pattern << " over " << filter;
        EXPECT_EQ(topic_pattern(pattern).overlaps(filter, subject), overlaps)
            << pattern << " with " << filter;
    }
}

TEST(TopicPattern, HasNoGroup_WhenThingIsInNone) {
    const model::Principal principal;
    const Subject subject{.principal = principal, .client_id = "c1"};
    EXPECT_EQ(topic_pattern("g/{group}").matches("g/north", subject), Fit::unresolved);
}

TEST(TextPattern, MatchesWholeTexts) {
    const auto principal = pump();
    const Subject subject{.principal = principal, .client_id = "c1"};
    for (const auto& [pattern, text, fit] : {
             TopicCase{"{thing}", "p7", Fit::yes},
             TopicCase{"{thing}", "p7x", Fit::no},
             TopicCase{"{thing}-*", "p7-", Fit::yes},
             TopicCase{"{thing}-*", "p7-a/b", Fit::yes},
             TopicCase{"{thing}-*", "p8-a", Fit::no},
             TopicCase{"*-{thing}", "p7-p7-p7", Fit::yes},
             TopicCase{"*ab*ab", "abab", Fit::yes},
             TopicCase{"*ab*ab", "ab", Fit::no},
             TopicCase{"a*b*c", "axbxbc", Fit::yes},
             TopicCase{"a*b*c", "axbxbcd", Fit::no},
             TopicCase{"**", "", Fit::yes},
             TopicCase{"x{attr.floor}y", "x1y", Fit::unresolved},
             TopicCase{"x{attr.floor}y", "z1y", Fit::no},
         }) {
        EXPECT_EQ(text_pattern(pattern).matches(text, subject), fit) << pattern << " on " << text;
    }
}

TEST(TextPattern, StaysLinear_WhenRunsRepeat) {
    const auto principal = pump();
    const Subject subject{.principal = principal, .client_id = ""};
    std::string pattern;
    for (int i = 0; i < 100; ++i) {
        pattern += "*a";
    }
    EXPECT_EQ(text_pattern(pattern + "b").matches(std::string(256, 'a'), subject), Fit::no);
}

TEST(ParseTopicPattern, TellsWhatIsWrongAndWhere) {
    struct Case {
        std::string text;
        std::string_view message;
        std::size_t offset;
        std::size_t size;
    };
    for (const auto& [text, message, offset, size] : {
             Case{"a/#/b", "'#' may only be the last level", 2, 1},
             Case{"a/b+", "'+' must stand alone between slashes", 3, 1},
             Case{"a/{thng}/b", "unknown variable '{thng}'", 2, 6},
             Case{"a/{attr.}/b", "unknown variable '{attr.}'", 2, 7},
             Case{"a/{thing", "'{' without '}'", 2, 1},
             Case{"a/thing}", "'}' without '{'", 7, 1},
             Case{
                 "$share/g/a",
                 "a policy names the topic filter, without '$share' and the group",
                 0,
                 7
             },
             Case{"a/\n", "the topic filter contains a control character", 2, 1},
             Case{"", "the topic filter is empty", 0, 0},
             Case{std::string(32, '/'), "the topic filter has more than 32 levels", 0, 32},
             Case{std::string(1'025, 'a'), "the topic filter is longer than 1024 bytes", 0, 1'025},
         }) {
        const auto parsed = parse_topic_pattern(text);
        const auto* const error = std::get_if<PatternError>(&parsed);
        ASSERT_NE(error, nullptr) << text;
        EXPECT_EQ(error->message, message);
        EXPECT_EQ(error->offset, offset) << text;
        EXPECT_EQ(error->size, size) << text;
    }
}

TEST(ParseTopicPattern, SuggestsTheVariable) {
    const auto parsed = parse_topic_pattern("{client-id}");
    ASSERT_TRUE(std::holds_alternative<PatternError>(parsed));
    EXPECT_EQ(std::get<PatternError>(parsed).help, "did you mean '{client_id}'?");
}

TEST(Expand, PutsValuesInPlaceOfVariables) {
    const auto principal = pump();
    const Subject subject{.principal = principal, .client_id = "c1"};
    EXPECT_EQ(topic_pattern("a/{thing}/{attr.floor}/+/#").expand(subject), "a/p7/{attr.floor}/+/#");
    EXPECT_EQ(text_pattern("{thing}-*").expand(subject), "p7-*");
}

}  // namespace
}  // namespace weir::policy
