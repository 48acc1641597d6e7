// Properties over many inputs: filter containment against brute force, and variables over every
// character.
#include <gtest/gtest.h>

#include <bitset>
#include <map>
#include <string>
#include <vector>

#include <weir/base/topic.hpp>
#include <weir/policy/explain.hpp>
#include <weir/policy/pattern.hpp>

#include "policy_fixture.hpp"
#include "support/random.hpp"

namespace weir::policy {
namespace {

std::vector<std::string> all_of(const std::vector<std::string>& symbols, std::size_t levels_max) {
    std::vector<std::string> texts;
    std::vector<std::string> last = {""};
    for (std::size_t level = 0; level < levels_max; ++level) {
        std::vector<std::string> longer;
        for (const auto& prefix : last) {
            for (const auto& symbol : symbols) {
                longer.push_back(level == 0 ? symbol : prefix + "/" + symbol);
            }
        }
        texts.insert(texts.end(), longer.begin(), longer.end());
        last = std::move(longer);
    }
    return texts;
}

bool is_filter(const std::string& text) {
    const auto at = text.find('#');
    return !text.empty() && (at == std::string::npos || at + 1 == text.size());
}

constexpr std::size_t kUniverse = 1'024;
using Topics = std::bitset<kUniverse>;

// The topics have one level more than the filters, and one name that occurs in none: enough to tell
// any two apart. The empty topic, which no peer may use, is among them.
TEST(Containment, AgreesWithBruteForce_OnEveryPairOfSmallFilters_T16) {
    const auto universe = all_of({"a", "$s", "", "z"}, 4);
    ASSERT_LE(universe.size(), kUniverse);
    auto filters = all_of({"a", "$s", "", "+", "#"}, 3);
    std::erase_if(filters, [](const auto& text) { return !is_filter(text); });
    std::vector<Topics> matched(filters.size());
    for (std::size_t i = 0; i < filters.size(); ++i) {
        for (std::size_t t = 0; t < universe.size(); ++t) {
            matched[i][t] = filter_matches(filters[i], universe[t]);
        }
    }
    const model::Principal nobody;
    const Subject subject{.principal = nobody, .client_id = ""};
    for (std::size_t p = 0; p < filters.size(); ++p) {
        const auto pattern = std::get<TopicPattern>(parse_topic_pattern(filters[p]));
        for (std::size_t f = 0; f < filters.size(); ++f) {
            const bool subset = (matched[f] & ~matched[p]).none();
            const bool overlap = (matched[f] & matched[p]).any();
            EXPECT_EQ(pattern.covers(filters[f], subject), subset ? Fit::yes : Fit::no)
                << filters[p] << " over " << filters[f];
            EXPECT_EQ(pattern.overlaps(filters[f], subject), overlap ? Fit::yes : Fit::no)
                << filters[p] << " with " << filters[f];
        }
    }
}

std::string random_filter(weir::test::Random& random, bool variables) {
    static const std::vector<std::string> kWords = {
        "a", "b", "p7", "$s", "+", "#", "{thing}", "x{thing}"
    };
    std::string filter;
    const std::size_t levels = 1 + random.below(4);
    for (std::size_t i = 0; i < levels; ++i) {
        std::string word = kWords[random.below(variables ? kWords.size() : kWords.size() - 2)];
        if (word == "#" && i + 1 != levels) {
            word = "+";
        }
        filter += (i == 0 ? "" : "/") + word;
    }
    return filter;
}

// A granted subscription may deliver nothing that no allow covers and nothing that a deny names.
TEST(Subscribe, GrantsOnlyWhatBruteForceAllows_OnRandomPolicies_T16) {
    weir::test::Random random{7};
    const auto universe = all_of({"a", "p7", "xp7", "$s", "z"}, 4);
    const auto principal = test::probe();
    const Subject subject{.principal = principal, .client_id = "p7"};
    const auto substituted = [](std::string filter) {
        for (auto at = filter.find("{thing}"); at != std::string::npos;
             at = filter.find("{thing}")) {
            filter.replace(at, 7, "p7");
        }
        return filter;
    };
    std::size_t granted = 0;
    for (int round = 0; round < 400; ++round) {
        const std::vector<std::string> allow = {
            random_filter(random, true), random_filter(random, true)
        };
        const auto deny = random_filter(random, true);
        const auto set = test::load_rules(
            "allow:\n  - subscribe: [\"" + allow[0] + "\", \"" + allow[1] +
            "\"]\ndeny:\n  - subscribe: \"" + deny + "\"\n"
        );
        const auto bundle = set->bundle_for(principal);
        for (int i = 0; i < 10; ++i) {
            const auto filter = random_filter(random, false);
            if (!bundle->subscribe(subject, filter).accepted()) {
                continue;
            }
            ++granted;
            for (const auto& topic : universe) {
                if (!filter_matches(filter, topic)) {
                    continue;
                }
                const bool allowed = filter_matches(substituted(allow[0]), topic) ||
                                     filter_matches(substituted(allow[1]), topic);
                EXPECT_TRUE(allowed) << filter << " delivers " << topic;
                EXPECT_FALSE(filter_matches(substituted(deny), topic))
                    << filter << " delivers " << topic;
            }
        }
    }
    EXPECT_GT(granted, 100U);
}

TEST(Explain, SaysWhatTheDataPathDoes_OnRandomRequests) {
    weir::test::Random random{11};
    const auto principal = test::probe();
    const Subject subject{.principal = principal, .client_id = "p7"};
    for (int round = 0; round < 300; ++round) {
        const auto set = test::load_rules(
            "allow:\n  - publish: \"" + random_filter(random, true) +
            "\"\n    shared: true\n  - subscribe: \"" + random_filter(random, true) +
            "\"\ndeny:\n  - publish: \"" + random_filter(random, true) + "\"\n"
        );
        const auto bundle = set->bundle_for(principal);
        for (int i = 0; i < 10; ++i) {
            const auto object = random_filter(random, false);
            const bool retain = random.below(2) == 0;
            const auto same = [&](const Request& request, const model::Verdict& verdict) {
                const auto explained = explain(*bundle, subject, request).verdict;
                EXPECT_EQ(explained.reason, verdict.reason) << object;
                EXPECT_EQ(explained.source, verdict.source) << object;
            };
            same(
                {.right = Right::publish, .object = object, .retain = retain},
                bundle->publish(subject, object, retain)
            );
            same({.right = Right::subscribe, .object = object}, bundle->subscribe(subject, object));
            same({.right = Right::receive, .object = object}, bundle->receive(subject, object));
            same({.right = Right::connect, .object = "p7"}, bundle->connect(subject));
        }
    }
}

// Whatever character a value has, it opens exactly the topic that it spells, or nothing.
TEST(Variables, GrantOnlyTheirLiteralText_ForEveryCharacter_T15) {
    const auto set = test::load_rules(R"(allow:
  - connect: "{thing}"
  - publish: "data/{thing}/state"
  - subscribe: "data/{thing}/state"
)");
    std::vector<std::string> others;
    for (int c = 0; c < 128; ++c) {
        others.push_back(std::string{"a"} + static_cast<char>(c) + "b");
    }
    others.insert(others.end(), {"ab", "a", "b", "+", "#", "a/b", "axxb", "-", "]"});
    for (int c = 0; c < 128; ++c) {
        const std::string value = std::string{"a"} + static_cast<char>(c) + "b";
        const bool usable =
            c >= 0x20 && c != 0x7F &&
            std::string_view{"/+#*?$"}.find(static_cast<char>(c)) == std::string_view::npos;
        const auto principal = test::probe(value);
        const auto bundle = set->bundle_for(principal);
        for (const auto& other : others) {
            const Subject subject{.principal = principal, .client_id = other};
            const bool same = usable && other == value;
            const auto topic = "data/" + other + "/state";
            EXPECT_EQ(bundle->publish(subject, topic, false).accepted(), same)
                << c << " on " << other;
            EXPECT_EQ(bundle->receive(subject, topic).accepted(), same) << c << " on " << other;
            EXPECT_EQ(bundle->subscribe(subject, topic).accepted(), same) << c << " on " << other;
            EXPECT_EQ(bundle->connect(subject).accepted(), same) << c << " on " << other;
        }
    }
}

TEST(Variables, AreNotUsed_WhenTooLong_T15) {
    const auto set = test::load_rules("allow:\n  - publish: \"{thing}\"\n");
    for (const std::size_t size : {kVariableBytesMax, kVariableBytesMax + 1}) {
        const auto principal = test::probe(std::string(size, 'x'));
        const Subject subject{.principal = principal, .client_id = "c"};
        EXPECT_EQ(
            set->bundle_for(principal)->publish(subject, principal.thing, false).accepted(),
            size <= kVariableBytesMax
        );
    }
}

}  // namespace
}  // namespace weir::policy
