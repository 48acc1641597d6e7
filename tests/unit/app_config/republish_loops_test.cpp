#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <weir/app_config/republish_loops.hpp>

namespace weir::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct File {
    std::string_view name;
    std::string_view topic;  ///< That it publishes to; empty: none.
    std::string_view from;
    std::string_view errors_to = {};  ///< Topic of its error action; empty: it has none.
};

/// The names of rules that are warned of.
std::vector<std::string> warned(const std::vector<File>& files) {
    std::vector<rules::RuleDefinition> definitions;
    document::Diagnostics diagnostics;
    for (const File& file : files) {
        const std::string to = file.topic.empty()
                                   ? std::string{"{stream: s}"}
                                   : "{republish: {topic: \"" + std::string{file.topic} + "\"}}";
        const std::string errors =
            file.errors_to.empty()
                ? std::string{}
                : "\non_error: {republish: {topic: \"" + std::string{file.errors_to} + "\"}}";
        auto rule = rules::parse_rule(
            "rules.d/" + std::string{file.name} + ".sql",
            "---\nto: " + to + errors + "\n---\nSELECT * FROM '" + std::string{file.from} + "'\n",
            diagnostics
        );
        EXPECT_TRUE(rule) << diagnostics.render_text();
        definitions.push_back(std::move(*rule));
    }
    std::vector<const rules::RuleDefinition*> pointers;
    for (const auto& definition : definitions) {
        pointers.push_back(&definition);
    }
    warn_of_loops(pointers, diagnostics);
    std::vector<std::string> names;
    for (const auto& each : diagnostics.sorted()) {
        const std::size_t from = each.message.find('\'') + 1;
        names.push_back(each.message.substr(from, each.message.find('\'', from) - from));
    }
    return names;
}

TEST(RepublishLoops, AreFound_ThroughErrorActions) {
    EXPECT_THAT(warned({{"a", "", "data/#", "data/failed"}}), ElementsAre("a"));
    EXPECT_THAT(warned({{"a", "", "one", "two"}, {"b", "one", "two"}}), ElementsAre("a", "b"));
    EXPECT_THAT(warned({{"a", "", "data/#", "failed/x"}}), IsEmpty());
}

TEST(RepublishLoops, AreFound_OfOneRuleAndOfSeveral) {
    EXPECT_THAT(warned({{"a", "data/x", "data/#"}}), ElementsAre("a"));
    EXPECT_THAT(warned({{"a", "${topic()}", "data/#"}}), ElementsAre("a"));
    EXPECT_THAT(warned({{"a", "data/${id}/out", "data/+/in"}}), IsEmpty());
    EXPECT_THAT(
        warned({{"a", "two", "one"}, {"b", "three", "two"}, {"c", "one", "three"}, {"d", "", "one"}}),
        ElementsAre("a", "b", "c")
    );
    EXPECT_THAT(warned({{"a", "two", "one"}, {"b", "three", "two"}}), IsEmpty());
}

TEST(RepublishLoops, KnowThatWildcardsInFrontDoNotTakeDollarTopics) {
    EXPECT_THAT(warned({{"a", "$$internal/x", "#"}}), IsEmpty());
    EXPECT_THAT(warned({{"a", "$$internal/x", "$internal/#"}}), ElementsAre("a"));
}

TEST(RepublishLoops, FollowTopicsThatNameARule) {
    EXPECT_THAT(warned({{"a", "$$aws/rules/a/x", "one"}}), ElementsAre("a"));
    EXPECT_THAT(warned({{"a", "$$aws/rules/b/x", "#"}, {"b", "", "two"}}), IsEmpty());
    EXPECT_THAT(warned({{"a", "$$aws/rules/b/x", "one"}, {"b", "one", "two"}}), ElementsAre("a", "b"));
    EXPECT_THAT(warned({{"a", "$$aws/rules/${name}/x", "one"}, {"b", "", "two"}}), ElementsAre("a"));
}

}  // namespace
}  // namespace weir::app
