#include <weir/document/diagnostic.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::document {
namespace {

Diagnostic at(std::string file, std::uint32_t line, std::string message) {
    return {
        .code = "WEIR-0102",
        .message = std::move(message),
        .file = std::move(file),
        .range = {{line, 1}, {line, 2}},
    };
}

TEST(Diagnostics, AreSortedByFileAndLine_WhateverTheOrderOfFinding) {
    Diagnostics diagnostics;
    diagnostics.add(at("b.yaml", 1, "third"));
    diagnostics.add(at("a.yaml", 9, "second"));
    diagnostics.add(at("a.yaml", 2, "first"));
    const auto sorted = diagnostics.sorted();
    ASSERT_EQ(sorted.size(), 3U);
    EXPECT_EQ(sorted[0].message, "first");
    EXPECT_EQ(sorted[1].message, "second");
    EXPECT_EQ(sorted[2].message, "third");
}

TEST(Diagnostics, CountsButDoesNotKeep_BeyondTheLimit) {
    Diagnostics diagnostics;
    for (std::uint32_t i = 0; i < Diagnostics::kKeptMax + 3; ++i) {
        diagnostics.add(at("a.yaml", i + 1, "wrong"));
    }
    EXPECT_EQ(diagnostics.errors(), Diagnostics::kKeptMax + 3);
    EXPECT_EQ(diagnostics.sorted().size(), Diagnostics::kKeptMax);
    EXPECT_TRUE(diagnostics.render_text().ends_with("3 more are not shown\n"));
}

TEST(Diagnostics, HasNoErrors_WhenThereAreOnlyWarnings) {
    Diagnostics diagnostics;
    diagnostics.add({.severity = Severity::warning, .code = "WEIR-0405", .message = "expires soon"}
    );
    EXPECT_FALSE(diagnostics.has_errors());
    EXPECT_EQ(diagnostics.warnings(), 1U);
    EXPECT_EQ(diagnostics.render_text(), "warning[WEIR-0405]: expires soon\n\n");
}

TEST(Diagnostics, ShowsLabelAndEveryLineOfHelp) {
    Diagnostics diagnostics;
    diagnostics.add_source("weir.yaml", "listeners:\r\n  - max_conections: 10\r\n");
    diagnostics.add({
        .code = "WEIR-0102",
        .message = "unknown key 'max_conections'",
        .file = "weir.yaml",
        .range = {{2, 5}, {2, 19}},
        .label = "not a listener setting",
        .help = "did you mean 'max_connections'?\nsee weir explain listeners",
    });
    EXPECT_EQ(
        diagnostics.render_text(),
        R"(error[WEIR-0102]: unknown key 'max_conections'
  --> weir.yaml:2:5
   |
 2 |   - max_conections: 10
   |     ^^^^^^^^^^^^^^ not a listener setting
   = help: did you mean 'max_connections'?
   = help: see weir explain listeners

)"
    );
}

TEST(Diagnostics, ShowsPartOfLine_WhenItIsLong) {
    Diagnostics diagnostics;
    diagnostics.add_source("a.yaml", std::string(500, 'x') + "HERE" + std::string(500, 'y'));
    diagnostics.add({.code = "C", .message = "m", .file = "a.yaml", .range = {{1, 501}, {1, 505}}});
    const auto text = diagnostics.render_text();
    EXPECT_NE(
        text.find(std::string(60, 'x') + "HERE" + std::string(56, 'y') + "\n"), std::string::npos
    );
    EXPECT_NE(text.find("| " + std::string(60, ' ') + "^^^^\n"), std::string::npos);
}

TEST(Diagnostics, KeepsControlCharactersFromTheTerminal) {
    Diagnostics diagnostics;
    diagnostics.add_source("a.yaml", "k\x1B[2J: \xC2\x9B\n");
    diagnostics.add(at("a.yaml", 1, "unknown key 'k\x1B[2J'"));
    const auto text = diagnostics.render_text();
    EXPECT_EQ(text.find('\x1B'), std::string::npos);
    EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
}

TEST(Diagnostics, RendersJson) {
    Diagnostics diagnostics;
    diagnostics.add({
        .code = "WEIR-0101",
        .message = "a \"quoted\" text",
        .file = "weir.yaml",
        .range = {{1, 2}, {1, 4}},
        .label = "here",
        .help = "one\ntwo",
    });
    EXPECT_EQ(
        diagnostics.render_json(),
        R"({"errors":1,"warnings":0,"diagnostics":[{"severity":"error","code":"WEIR-0101",)"
        R"("message":"a \"quoted\" text","file":"weir.yaml",)"
        R"("range":{"begin":{"line":1,"column":2},"end":{"line":1,"column":4}},)"
        R"("label":"here","help":"one\ntwo"}]})"
    );
}

TEST(Diagnostics, KeepsTheFirstSourceOfAFile) {
    Diagnostics diagnostics;
    diagnostics.add_source("a.sql", "---\nwhole: file\n");
    diagnostics.add_source("a.sql", "whole: file\n");
    diagnostics.add(at("a.sql", 2, "m"));
    EXPECT_NE(diagnostics.render_text().find("2 | whole: file"), std::string::npos);
}

}  // namespace
}  // namespace weir::document
