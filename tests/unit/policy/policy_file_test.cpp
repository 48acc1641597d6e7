#include <weir/policy/policy_file.hpp>

#include <gtest/gtest.h>

#include <set>

#include <weir/policy/codes.hpp>

#include "policy_fixture.hpp"

namespace weir::policy {
namespace {

using document::Severity;

TEST(ParsePolicy, ReadsTheNativeForm) {
    document::Diagnostics diagnostics;
    const auto policy = parse_policy(
        R"(policy: sensor
match: {thing_type: [probe, pump], group: north}
allow:
  - connect: "{thing}"
  - publish: ["data/{thing}/#"]
    retain: true
  - subscribe: ["cmd/{thing}/#"]
deny:
  - publish: ["data/{thing}/admin/#"]
on_violation: drop
standing: application
limits: {publish_rate: 20/s, byte_rate: 64KiB/s}
)",
        "sensor.yaml",
        diagnostics
    );
    ASSERT_TRUE(policy) << diagnostics.render_text();
    EXPECT_EQ(diagnostics.warnings(), 0U);
    EXPECT_EQ(policy->name, "sensor");
    EXPECT_EQ(policy->match->thing_types, (std::vector<std::string>{"probe", "pump"}));
    EXPECT_EQ(policy->match->groups, (std::vector<std::string>{"north"}));
    ASSERT_EQ(policy->rules.size(), 5U) << "a subscription is two rules";
    EXPECT_EQ(policy->rules[1].retained, Retained::any);
    EXPECT_EQ(policy->rules[2].right, Right::subscribe);
    EXPECT_EQ(policy->rules[3].right, Right::receive);
    EXPECT_EQ(policy->rules[4].effect, Effect::deny);
    EXPECT_EQ(policy->rules[4].source.line, 9U);
    EXPECT_EQ(policy->rules[4].text, "data/{thing}/admin/#");
    EXPECT_EQ(policy->on_violation, OnViolation::drop);
    EXPECT_EQ(policy->standing, Standing::application);
    EXPECT_EQ(policy->rates.publish_rate, (document::Rate{.amount = 20}));
    EXPECT_EQ(policy->rates.byte_rate, (document::Rate{.amount = 65'536}));
}

struct LintCase {
    std::string_view name;
    std::string_view text;
    Severity severity;
    std::string_view code;
    document::Position place;
    std::string_view message;
};

class PolicyLint : public testing::TestWithParam<LintCase> {};

TEST_P(PolicyLint, TellsPlaceAndReason) {
    document::Diagnostics diagnostics;
    const auto policy = parse_policy(GetParam().text, "p.yaml", diagnostics);
    EXPECT_EQ(policy.has_value(), GetParam().severity == Severity::warning);
    const auto found = diagnostics.sorted();
    ASSERT_EQ(found.size(), 1U) << diagnostics.render_text();
    EXPECT_EQ(found[0].severity, GetParam().severity);
    EXPECT_EQ(found[0].code, GetParam().code);
    EXPECT_EQ(found[0].message, GetParam().message);
    EXPECT_EQ(found[0].file, "p.yaml");
    EXPECT_EQ(found[0].range.begin, GetParam().place)
        << found[0].range.begin.line << ":" << found[0].range.begin.column;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    PolicyLint,
    testing::Values(
        LintCase{
            "connect_as_oneself",
            "policy: p\nallow:\n  - connect: \"{client_id}\"\n",
            Severity::error,
            code::kEveryClientId,
            {3, 15},
            "'{client_id}' here would allow every client id"
        },
        LintCase{
            "deny_connect_as_oneself",
            "policy: p\ndeny:\n  - connect: \"{client_id}\"\n",
            Severity::error,
            code::kEveryClientId,
            {3, 15},
            "'{client_id}' here would deny every client id"
        },
        LintCase{
            "wide_connect",
            "policy: p\nallow:\n  - connect: \"app-*\"\n",
            Severity::warning,
            code::kWide,
            {3, 15},
            "'app-*' is not tied to the device: devices could connect under each other's client id"
        },
        LintCase{
            "wide_publish",
            "policy: p\nallow:\n  - publish: [\"data/#\"]\n",
            Severity::warning,
            code::kWide,
            {3, 16},
            "'data/#' is not tied to the device: each device could publish as any other"
        },
        LintCase{
            "star",
            "policy: p\nallow:\n  - publish: \"data/{thing}/*\"\n",
            Severity::warning,
            code::kStar,
            {3, 15},
            "'*' is an ordinary character in a topic filter"
        },
        LintCase{
            "unbound_client_id",
            "policy: p\nallow:\n  - connect: \"*\"\n    shared: true\n  - publish: "
            "\"d/{client_id}\"\n",
            Severity::warning,
            code::kUnboundClientId,
            {5, 15},
            "'{client_id}' is what the peer says, and 'connect' does not tie it to the device"
        },
        LintCase{
            "bad_wildcard",
            "policy: p\nallow:\n  - publish: \"d/#/x\"\n",
            Severity::error,
            code::kBadPattern,
            {3, 17},
            "'#' may only be the last level"
        },
        LintCase{
            "unknown_variable",
            "policy: p\nallow:\n  - publish: d/ä/{thin}\n",
            Severity::error,
            code::kBadPattern,
            {3, 18},
            "unknown variable '{thin}'"
        },
        LintCase{
            "unknown_key",
            "policy: p\nallow:\n  - publich: d/{thing}\n    publish: x\n",
            Severity::error,
            document::code::kUnknownKey,
            {3, 5},
            "unknown key 'publich'"
        },
        LintCase{
            "shared_deny",
            "policy: p\ndeny:\n  - publish: x\n    shared: true\n",
            Severity::error,
            document::code::kUnknownKey,
            {4, 5},
            "unknown key 'shared'"
        },
        LintCase{
            "empty_match",
            "policy: p\nmatch: {}\n",
            Severity::error,
            code::kEmptyMatch,
            {2, 8},
            "the match is empty"
        },
        LintCase{
            "empty_list",
            "policy: p\nmatch: {thing: []}\n",
            Severity::error,
            code::kEmptyMatch,
            {2, 16},
            "'thing' is an empty list"
        },
        LintCase{
            "anonymous_thing",
            "policy: p\nmatch: {anonymous: true, thing: x}\n",
            Severity::error,
            code::kEmptyMatch,
            {2, 8},
            "'anonymous' excludes the other keys: an anonymous peer is no thing"
        },
        LintCase{
            "no_right",
            "policy: p\nallow:\n  - {shared: true}\n",
            Severity::error,
            code::kNoRight,
            {3, 5},
            "the entry has nothing to allow"
        },
        LintCase{
            "no_patterns",
            "policy: p\nallow:\n  - publish: []\n",
            Severity::error,
            code::kNoRight,
            {3, 14},
            "'publish' is an empty list"
        },
        LintCase{
            "retain_alone",
            "policy: p\nallow:\n  - subscribe: x\n    retain: true\n",
            Severity::error,
            code::kRetain,
            {4, 13},
            "'retain' needs a 'publish' in the same entry"
        },
        LintCase{
            "deny_retain_false",
            "policy: p\ndeny:\n  - publish: x\n    retain: false\n",
            Severity::error,
            code::kRetain,
            {4, 13},
            "a deny cannot say 'retain: false'"
        },
        LintCase{
            "bad_name",
            "policy: a/b\n",
            Severity::error,
            code::kBadName,
            {1, 9},
            "the name of a policy has letters, digits, '.', '_' and '-' only"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(ParsePolicy, StaysQuiet_WhenTheAuthorSaidShared) {
    document::Diagnostics diagnostics;
    EXPECT_TRUE(parse_policy(
        "policy: p\nallow:\n  - publish: \"data/#\"\n    shared: true\n", "p.yaml", diagnostics
    ));
    EXPECT_EQ(diagnostics.warnings(), 0U) << diagnostics.render_text();
}

TEST(ParsePolicy, ReportsAllErrorsOfAFile) {
    document::Diagnostics diagnostics;
    EXPECT_FALSE(parse_policy(
        "match: 3\nallow: x\ndeny:\n  - publish: [a/#/b, \"{x}\"]\n  - 7\non_violation: "
        "explode\nlimits: {publish_rate: fast}\n",
        "p.yaml",
        diagnostics
    ));
    EXPECT_EQ(diagnostics.errors(), 8U) << diagnostics.render_text();
}

TEST(ParsePolicy, RefusesTooManyPatterns) {
    std::string text = "policy: p\nallow:\n  - publish:\n";
    for (std::size_t i = 0; i <= kRulesMax; ++i) {
        text += "    - t" + std::to_string(i) + "\n";
    }
    document::Diagnostics diagnostics;
    EXPECT_FALSE(parse_policy(text, "p.yaml", diagnostics));
    ASSERT_EQ(diagnostics.errors(), 1U);
    EXPECT_EQ(diagnostics.sorted()[0].code, code::kTooManyRules);
}

TEST(LoadPolicies, RefusesTheWholeSet_WhenOneFileIsBad_T23) {
    const std::vector<PolicyFile> files = {
        {.path = "good.yaml", .text = "policy: a\nallow:\n  - connect: \"{thing}\"\n"},
        {.path = "bad.yaml", .text = "policy: b\nalow: []\n"},
    };
    document::Diagnostics diagnostics;
    EXPECT_EQ(load_policies(files, diagnostics), nullptr);
    EXPECT_EQ(diagnostics.errors(), 1U);
}

TEST(LoadPolicies, RefusesTwoPoliciesOfOneName) {
    const std::vector<PolicyFile> files = {
        {.path = "one.yaml", .text = "policy: a\n"}, {.path = "two.yaml", .text = "\npolicy: a\n"}
    };
    document::Diagnostics diagnostics;
    EXPECT_EQ(load_policies(files, diagnostics), nullptr);
    ASSERT_EQ(diagnostics.errors(), 1U);
    const auto found = diagnostics.sorted()[0];
    EXPECT_EQ(found.code, code::kSameName);
    EXPECT_EQ(found.file, "two.yaml");
    EXPECT_EQ(found.range.begin.line, 2U);
    EXPECT_EQ(found.help, "one.yaml:1 has it too");
}

TEST(LoadPolicies, GrantsNothing_WhenThereAreNoFiles) {
    document::Diagnostics diagnostics;
    const auto set = load_policies({}, diagnostics);
    ASSERT_NE(set, nullptr);
    EXPECT_TRUE(set->policies().empty());
}

TEST(Codes, AreDistinctAndExplained) {
    std::set<std::string_view> seen;
    for (const auto& info : codes()) {
        EXPECT_TRUE(seen.insert(info.code).second) << info.code;
        EXPECT_TRUE(info.code.starts_with("WEIR-02")) << info.code;
        EXPECT_FALSE(info.title.empty());
        EXPECT_FALSE(info.explanation.empty());
    }
}

}  // namespace
}  // namespace weir::policy
