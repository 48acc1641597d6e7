#include <gtest/gtest.h>

#include <weir/amqp/address.hpp>
#include <weir/amqp/conditions.hpp>

namespace weir::amqp::test {
namespace {

struct AddressCase {
    std::string_view name;
    std::string_view text;
    AddressKind kind;
    std::string_view parsed;
    std::string_view group = {};
    bool as_target = true;
};
class ParseAddress : public testing::TestWithParam<AddressCase> {};

TEST_P(ParseAddress, FollowsTable) {
    const auto& row = GetParam();
    const auto address = parse_address(row.text);
    ASSERT_TRUE(address) << address.error().message();
    EXPECT_EQ(address->kind, row.kind);
    EXPECT_EQ(address->name, row.parsed);
    EXPECT_EQ(address->group, row.group);
    const auto target = parse_target(row.text);
    EXPECT_EQ(target.has_value(), row.as_target);
    if (!target) {
        EXPECT_EQ(target.error(), errc::address_not_allowed);
        EXPECT_EQ(condition_of(target.error()), condition::kNotAllowed);
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, ParseAddress, testing::Values(
    AddressCase{"null",               "",                     AddressKind::none,   ""},
    AddressCase{"plain",              "data/probe",           AddressKind::topic,  "data/probe"},
    AddressCase{"plain_dots",         "data.probe",           AddressKind::topic,  "data.probe"},
    AddressCase{"plain_percent",      "data/50%25",           AddressKind::topic,  "data/50%25"},
    AddressCase{"plain_slash",        "/data",                AddressKind::topic,  "/data"},
    AddressCase{"topic",              "topic/data/probe",     AddressKind::topic,  "data/probe"},
    AddressCase{"topic_slash",        "/topic/data",          AddressKind::topic,  "data"},
    AddressCase{"topic_encoded",      "topic/a%20b%2Fc",      AddressKind::topic,  "a b/c"},
    AddressCase{"topic_named_topic",  "topic/topic/x",        AddressKind::topic,  "topic/x"},
    AddressCase{"topics",             "topics/x",             AddressKind::topic,  "topics/x"},
    AddressCase{"filter",             "data/+/temp",          AddressKind::topic,  "data/+/temp", "", false},
    AddressCase{"filter_prefixed",    "topic/data/#",         AddressKind::topic,  "data/#",      "", false},
    AddressCase{"filter_encoded",     "topic/data/%23",       AddressKind::topic,  "data/#",      "", false},
    AddressCase{"queue",              "queue/jobs",           AddressKind::queue,  "jobs"},
    AddressCase{"queue_slash",        "/queue/jobs",          AddressKind::queue,  "jobs"},
    AddressCase{"queues",             "/queues/a%2Fb",        AddressKind::queue,  "a/b"},
    AddressCase{"shared",             "$share/pool/data/#",   AddressKind::shared, "data/#",      "pool", false},
    AddressCase{"cbs",                "$cbs",                 AddressKind::cbs,    "$cbs"},
    AddressCase{"reserved",           "$shadow/probe/update", AddressKind::topic,  "$shadow/probe/update"},
    AddressCase{"reply",              "$reply/7/1",           AddressKind::topic,  "$reply/7/1"},
    AddressCase{"umlaut",             "topic/k%C3%BCche",     AddressKind::topic,  "k\u00FCche"}),
    [](const auto& row) { return std::string{row.param.name}; });

class BadAddress : public testing::TestWithParam<std::string> {};

TEST_P(BadAddress, IsRefused) {
    const auto address = parse_address(GetParam());
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error(), errc::bad_address);
    EXPECT_EQ(condition_of(address.error()), condition::kInvalidField);
    EXPECT_EQ(parse_target(GetParam()).error(), errc::bad_address);
}

INSTANTIATE_TEST_SUITE_P(Table, BadAddress, testing::Values(
    "topic/", "/topic/", "queue/", "queues/", "queue/a/b", "topic/%", "topic/%2", "topic/%zz", "topic/a%00b",
    "topic/%FF", std::string{"a\0b", 3}, "a\xFF", "$share/", "$share/pool", "$share/pool/", "$share//x", "$share/a+/x"));
// clang-format on

TEST(FormatTopicAddress, IsParsedBack) {
    for (const std::string_view topic :
         {"data/probe", "50%", "a%2Fb", "topic/x", "/lead", "k\u00FCche"}) {
        const auto address = parse_address(format_topic_address(topic));
        ASSERT_TRUE(address) << topic;
        EXPECT_EQ(address->kind, AddressKind::topic);
        EXPECT_EQ(address->name, topic);
    }
}

TEST(ConditionOf, IsInternalError_ForOtherCategories) {
    EXPECT_EQ(
        condition_of(make_error_code(boost::system::errc::io_error)), condition::kInternalError
    );
}

}  // namespace
}  // namespace weir::amqp::test
