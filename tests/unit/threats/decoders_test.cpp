// T-05, T-06, T-14: small inputs that ask for much work.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <weir/amqp/error.hpp>
#include <weir/amqp/value.hpp>
#include <weir/base/topic_index.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/document/yaml.hpp>
#include <weir/model/message.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/rules/detail/json.hpp>
#include <weir/rules/document.hpp>

namespace weir::test {
namespace {

// --- T-05: counts ----------------------------------------------------------------------------------------------------

struct Compound {
    std::string_view name;
    Byte code;
    bool wide;  ///< Size and count have four bytes.
    bool is_array;
};

Bytes compound_of(const Compound& kind, std::uint32_t count, Byte element, std::size_t elements) {
    Bytes body;
    if (kind.wide) {
        append_be(body, count);
    } else {
        body.push_back(static_cast<Byte>(count));
    }
    body.insert(body.end(), kind.is_array ? 1 : elements, element);
    Bytes out{kind.code};
    if (kind.wide) {
        append_be(out, static_cast<std::uint32_t>(body.size()));
    } else {
        out.push_back(static_cast<Byte>(body.size()));
    }
    append(out, body);
    return out;
}

constexpr Compound kCompounds[] = {
    {"list8", 0xC0, false, false},
    {"list32", 0xD0, true, false},
    {"map8", 0xC1, false, false},
    {"map32", 0xD1, true, false},
    {"array8", 0xE0, false, true},
    {"array32", 0xF0, true, true},
};
/// null, true, false, uint 0, ulong 0, the empty list: no bytes but the constructor.
constexpr Byte kWithoutBytes[] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45};

TEST(ThreatT05, RefusesMoreElementsThanThereAreBytes) {
    for (const Compound& kind : kCompounds) {
        for (const Byte element : kWithoutBytes) {
            for (const std::uint32_t count : {16U, 255U, 65'537U, 0x7FFF'FFFFU, 0xFFFF'FFFFU}) {
                if (!kind.wide && count > 255) {
                    continue;
                }
                const Bytes bytes = compound_of(kind, count, element, 10);
                EXPECT_FALSE(amqp::ValueReader{bytes}.read()) << kind.name << " of " << count;
            }
        }
    }
}

TEST(ThreatT05, BoundsTheElementsOfAWholeValue) {
    const Compound list = kCompounds[1];
    const auto nulls = [&](std::uint32_t count) { return compound_of(list, count, 0x40, count); };
    EXPECT_TRUE(amqp::ValueReader{nulls(amqp::kElementsMax - 1)}.read());
    EXPECT_EQ(
        amqp::ValueReader{nulls(amqp::kElementsMax)}.read().error(), amqp::errc::too_many_elements
    );
    // The same in parts, each of them small.
    const Bytes part = compound_of(kCompounds[0], 200, 0x40, 200);
    Bytes body;
    constexpr std::uint32_t kParts = amqp::kElementsMax / 200 + 1;
    append_be(body, kParts);
    for (std::uint32_t i = 0; i < kParts; ++i) {
        append(body, part);
    }
    Bytes whole{list.code};
    append_be(whole, static_cast<std::uint32_t>(body.size()));
    append(whole, body);
    EXPECT_EQ(amqp::ValueReader{whole}.read().error(), amqp::errc::too_many_elements);
}

// --- T-06: depth -----------------------------------------------------------------------------------------------------

std::string repeated(std::string_view part, std::size_t times) {
    std::string out;
    out.reserve(part.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out += part;
    }
    return out;
}

bool takes_amqp(std::size_t depth) {
    Bytes inner{0x45};
    for (std::size_t i = 1; i < depth; ++i) {
        Bytes outer{0xD0};
        append_be(outer, static_cast<std::uint32_t>(inner.size() + 4));
        append_be(outer, std::uint32_t{1});
        append(outer, inner);
        inner = std::move(outer);
    }
    return amqp::ValueReader{inner}.read().has_value();
}

bool takes_descriptors(std::size_t depth) {
    Bytes bytes(depth, 0x00);
    bytes.push_back(0x40);
    return amqp::ValueReader{bytes}.read_any().has_value();
}

bool takes_json(std::size_t depth) {
    const std::string text = repeated("[", depth) + repeated("]", depth);
    std::string padded = text + std::string(model::Message::kSpareBytes, '\0');
    rules::detail::Json json;
    return json.parse(as_bytes(std::string_view{padded}.substr(0, text.size())));
}

bool takes_rule(std::string_view expression) {
    document::Diagnostics diagnostics;
    return rules::parse_rule(
               "bomb.sql",
               "---\nto: [{stream: s}]\n---\nSELECT " + std::string{expression} +
                   " AS a FROM 'a'\n",
               diagnostics
    )
        .has_value();
}

bool takes_sql(std::size_t depth) {
    return takes_rule(repeated("(", depth - 1) + "1" + repeated(")", depth - 1));
}

bool takes_yaml(const std::string& text) {
    document::Diagnostics diagnostics;
    return document::Document::parse(text, "bomb.yaml", diagnostics).has_value();
}

bool takes_flow_yaml(std::size_t depth) {
    return takes_yaml(repeated("[", depth) + repeated("]", depth));
}

bool takes_block_yaml(std::size_t depth) {
    return takes_yaml(repeated("- ", depth) + "x\n");
}

bool takes_topic(std::size_t depth) {
    return mqtt::is_within("a" + repeated("/a", depth - 1), {.bytes = 0xFFFF, .levels = 32});
}

struct Bomb {
    std::string_view name;
    bool (*takes)(std::size_t depth);
    std::size_t depth_max;
};

TEST(ThreatT06, TakesTheLimit_AndNothingDeeper) {
    const Bomb bombs[] = {
        {"topic", takes_topic, 32},
        {"amqp", takes_amqp, amqp::kDepthMax},
        {"json", takes_json, 64},
        {"sql", takes_sql, 100},
        {"yaml_flow", takes_flow_yaml, document::Document::kDepthMax},
        {"yaml_block", takes_block_yaml, document::Document::kDepthMax},
    };
    for (const Bomb& bomb : bombs) {
        EXPECT_TRUE(bomb.takes(bomb.depth_max)) << bomb.name;
        EXPECT_FALSE(bomb.takes(bomb.depth_max + 1)) << bomb.name;
        EXPECT_FALSE(bomb.takes(5'000)) << bomb.name;
    }
    for (const auto takes :
         {takes_json, takes_sql, takes_flow_yaml, takes_topic, takes_descriptors}) {
        EXPECT_FALSE(takes(100'000));
    }
}

TEST(ThreatT06, RefusesEveryKindOfDeepExpression) {
    constexpr std::size_t kDepth = 20'000;
    for (const std::string& bomb : {
             repeated("NOT ", kDepth) + "true",
             repeated("- ", kDepth) + "1",
             repeated("abs(", kDepth) + "1" + repeated(")", kDepth),
             repeated("[", kDepth) + repeated("]", kDepth),
             repeated("(1 + ", kDepth) + "1" + repeated(")", kDepth),
             repeated("1 = ", kDepth) + "1",
             "a" + repeated(".a", kDepth),
         }) {
        EXPECT_FALSE(takes_rule(bomb)) << bomb.substr(0, 12);
    }
}

TEST(ThreatT06, RefusesAliases_WhichWouldMultiply) {
    EXPECT_FALSE(takes_yaml("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"));
}

TEST(ThreatT06, IndexesNoTopicThatIsTooDeep) {
    TopicIndex<std::uint32_t> index;
    EXPECT_FALSE(index.insert("+" + repeated("/+", 100'000), 1));
    EXPECT_TRUE(index.insert("#", 2));
    std::size_t found = 0;
    const auto looked_at =
        index.match("a" + repeated("/a", 100'000), [&](std::uint32_t) { ++found; });
    EXPECT_EQ(found, 1U);
    EXPECT_LE(looked_at, kTopicLevelsMax);
}

// --- T-14: wildcards -------------------------------------------------------------------------------------------------

constexpr std::size_t kLevels = 32;
constexpr std::uint32_t kFilters = 10'000;

std::string topic_of_32_levels() {
    return "a" + repeated("/a", kLevels - 1);
}

TEST(ThreatT14, LooksAtEachLevelOnce_WhenPlusFiltersDifferInTheirLastLevel) {
    TopicIndex<std::uint32_t> index;
    for (std::uint32_t i = 0; i < kFilters; ++i) {
        ASSERT_TRUE(index.insert(repeated("+/", kLevels - 1) + "miss-" + std::to_string(i), i));
    }
    std::size_t found = 0;
    const auto looked_at = index.match(topic_of_32_levels(), [&](std::uint32_t) { ++found; });
    EXPECT_EQ(found, 0U);
    EXPECT_LE(looked_at, kLevels + 1);
}

TEST(ThreatT14, DoesWorkForItsMatches_WhenPlusFiltersOfEachLengthMatch) {
    TopicIndex<std::uint32_t> index;
    for (std::uint32_t i = 0; i < kFilters; ++i) {
        const std::size_t levels = 1 + i % kLevels;
        ASSERT_TRUE(index.insert(repeated("+/", levels - 1) + (levels < kLevels ? "#" : "+"), i));
    }
    std::size_t found = 0;
    const auto looked_at = index.match(topic_of_32_levels(), [&](std::uint32_t) { ++found; });
    EXPECT_EQ(found, kFilters);
    EXPECT_LE(looked_at, kLevels + 1);
}

TEST(ThreatT14, LooksAtLevelsTimesFiltersAtMost_WhenPlusAndTextAlternate) {
    TopicIndex<std::uint32_t> index;
    for (std::uint32_t bits = 0; bits < kFilters; ++bits) {
        std::string filter;
        for (std::size_t level = 0; level + 1 < kLevels; ++level) {
            filter += level < 14 && ((bits >> level) & 1U) != 0 ? "a/" : "+/";
        }
        ASSERT_TRUE(index.insert(filter + "miss", bits));
    }
    std::size_t found = 0;
    const auto looked_at = index.match(topic_of_32_levels(), [&](std::uint32_t) { ++found; });
    EXPECT_EQ(found, 0U);
    EXPECT_LE(looked_at, kLevels * kFilters);
}

}  // namespace
}  // namespace weir::test
