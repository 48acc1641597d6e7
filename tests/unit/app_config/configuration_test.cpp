// What files say about each other.
#include <weir/app_config/configuration.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::app {
namespace {

using document::Diagnostics;
using testing::HasSubstr;

MemoryFiles tree() {
    MemoryFiles files;
    files.files["/c/weir.yaml"] = "listeners:\n  - {name: local, port: 1883}\n";
    files.files["/c/streams.d/alarms.yaml"] = "stream: alarms\n";
    files.files["/c/sinks.d/pager.yaml"] = "sink: pager\ntype: http\nurl: https://h/${topic(2)}\n";
    files.files["/c/policies.d/sensor.yaml"] =
        "policy: sensor\nmatch: {thing_type: probe}\nallow:\n  - connect: \"{thing}\"\n";
    files.files["/c/rules.d/hot.sql"] =
        "---\nto:\n  - stream: alarms\n  - http: {sink: pager}\non_error: {stream: alarms}\n---\n"
        "SELECT * FROM 'data/+/temp'\n";
    return files;
}

std::vector<document::Diagnostic> errors_of(const MemoryFiles& files) {
    Diagnostics diagnostics;
    static_cast<void>(load_configuration("/c", files, diagnostics));
    return diagnostics.sorted();
}

TEST(Configuration, HoldsPoliciesAndRules) {
    Diagnostics diagnostics;
    const auto configuration = load_configuration("/c", tree(), diagnostics);
    ASSERT_FALSE(diagnostics.has_errors()) << diagnostics.render_text();
    ASSERT_TRUE(configuration.policies);
    EXPECT_NE(configuration.policies->find("sensor"), nullptr);
    ASSERT_TRUE(configuration.rules);
    EXPECT_NE(configuration.rules->find("hot"), nullptr);
}

TEST(Configuration, SamplesAreValid) {
    for (const auto* name : {"weir.yaml", "dev.yaml"}) {
        Diagnostics diagnostics;
        static_cast<void>(load_configuration(
            std::filesystem::path{WEIR_TEST_DATA} / "../config" / name, SystemFiles{}, diagnostics
        ));
        EXPECT_EQ(diagnostics.render_text(), "") << "neither errors nor warnings";
    }
}

TEST(Configuration, NamesThePlaceOfAnUnknownStream) {
    auto files = tree();
    files.files["/c/streams.d/alarms.yaml"] = "stream: alarm\n";
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(errors[0].code, "WEIR-0413");
    EXPECT_EQ(errors[0].file, "rules.d/hot.sql");
    EXPECT_EQ(errors[0].range.begin, (document::Position{3, 13}));
    EXPECT_EQ(errors[0].help, "did you mean 'alarm'?");
}

TEST(Configuration, ReportsWhatARuleNames_WhateverElseIsWrongWithIt) {
    auto files = tree();
    files.files["/c/rules.d/hot.sql"] =
        "---\nto: [{stream: alrms}, {http: {sink: [a]}}, {republish: {topic: 'x/${@t}'}}]\n---\n"
        "SET @t = topic(2) SELECT uper(a) AS b FROM 'a'\n";
    std::string codes;
    for (const auto& it : errors_of(files)) {
        codes += std::to_string(it.range.begin.line) + ' ' + it.code + ", ";
    }
    EXPECT_EQ(codes, "2 WEIR-0413, 2 WEIR-0111, 4 WEIR-0302, ");
}

TEST(Configuration, NamesThePlaceOfAnUnknownSink) {
    auto files = tree();
    files.files.erase("/c/sinks.d/pager.yaml");
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].code, "WEIR-0414");
    EXPECT_EQ(errors[0].range.begin, (document::Position{4, 18}));
    EXPECT_THAT(errors[0].help, HasSubstr("sinks.d/pager.yaml"));
}

TEST(Configuration, ChecksExpressionsInUrls) {
    auto files = tree();
    files.files["/c/sinks.d/pager.yaml"] = "sink: pager\ntype: http\nurl: https://h/${topik(2)}\n";
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].file, "sinks.d/pager.yaml");
    EXPECT_EQ(errors[0].range.begin.line, 3U);
}

TEST(Configuration, NamesThePlaceOfABrokenExpression_InHeadersAndOrderBy) {
    auto files = tree();
    files.files["/c/sinks.d/pager.yaml"] =
        "sink: pager\ntype: http\nurl: https://h/\nheaders:\n  X-Site: north\n"
        "  X-Device: a${topik(2)}\norder_by: ${top(1)}\n";
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(errors[0].range.begin, (document::Position{6, 16}));
    EXPECT_EQ(errors[1].range.begin, (document::Position{7, 13}));
}

TEST(Configuration, KnowsWhichRequestsDifferFromMessageToMessage) {
    auto files = tree();
    files.files["/c/sinks.d/a.yaml"] = "sink: a\ntype: http\nurl: https://h/\nheaders: {X: y}\n";
    Diagnostics diagnostics;
    const auto configuration = load_configuration("/c", files, diagnostics);
    ASSERT_EQ(configuration.requests.size(), 2U);
    EXPECT_TRUE(configuration.requests[0].constant());
    EXPECT_FALSE(configuration.requests[1].constant());
}

TEST(Configuration, RefusesTwoRulesOfOneName) {
    auto files = tree();
    files.files["/c/weir.yaml"] += "include: [streams.d, sinks.d, rules.d, more/rules.d]\n";
    files.files["/c/more/rules.d/hot.sql"] = files.files["/c/rules.d/hot.sql"];
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].code, "WEIR-0402");
    EXPECT_EQ(errors[0].file, "more/rules.d/hot.sql");
    EXPECT_THAT(errors[0].label, HasSubstr("rules.d/hot.sql"));
}

TEST(Configuration, ReportsPoliciesRulesAndGatewayInOneRun) {
    auto files = tree();
    files.files["/c/weir.yaml"] += "storag: {}\n";
    files.files["/c/policies.d/sensor.yaml"] = "policy: sensor\nalow: []\n";
    files.files["/c/rules.d/hot.sql"] = "---\nto: [{stream: alarms}]\n---\nSELEC * FROM 'a'\n";
    Diagnostics diagnostics;
    const auto configuration = load_configuration("/c", files, diagnostics);
    EXPECT_FALSE(configuration.policies);
    EXPECT_FALSE(configuration.rules);
    EXPECT_EQ(diagnostics.errors(), 3U) << diagnostics.render_text();
}

TEST(Configuration, ChecksTheFoldersBesideAMainFileThatCannotBeParsed) {
    for (const auto* main : {"listeners: [\n", "limits: {}\nlimits: {}\n"}) {
        auto files = tree();
        files.files["/c/weir.yaml"] = main;
        files.files["/c/policies.d/sensor.yaml"] = "policy: sensor\nalow: []\n";
        files.files["/c/rules.d/hot.sql"] = "---\nto: [{stream: alarms}]\n---\nSELEC * FROM 'a'\n";
        files.files["/c/streams.d/alarms.yaml"] = "stream: alarms\nretenton: {}\n";
        std::vector<std::string> named;
        for (const auto& error : errors_of(files)) {
            named.push_back(error.file);
        }
        EXPECT_THAT(
            named,
            testing::IsSupersetOf(
                {"policies.d/sensor.yaml", "rules.d/hot.sql", "streams.d/alarms.yaml", "weir.yaml"}
            )
        ) << main;
    }
}

TEST(Configuration, MissesNothingThatAMainFileOutOfReachMayInclude) {
    auto files = tree();
    files.files["/c/weir.yaml"] = "include: [/shared/sinks.d, rules.d]\nlisteners: [\n";
    files.files.erase("/c/sinks.d/pager.yaml");
    files.files.erase("/c/policies.d/sensor.yaml");
    const auto errors = errors_of(files);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].file, "weir.yaml");
}

TEST(Configuration, WarnsWithoutAnyPolicy) {
    auto files = tree();
    files.files.erase("/c/policies.d/sensor.yaml");
    const auto found = errors_of(files);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].code, "WEIR-0418");
    EXPECT_EQ(found[0].severity, document::Severity::warning);
}

}  // namespace
}  // namespace weir::app
