#include <weir/model/reason.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace weir::model {
namespace {

bool is_snake_case(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

TEST(Reasons, HaveDistinctStableNamesAndTexts) {
    std::set<std::string_view> names;
    for (const auto& reason : all_reasons()) {
        EXPECT_TRUE(is_snake_case(reason.name)) << reason.name;
        EXPECT_TRUE(names.insert(reason.name).second) << reason.name;
        EXPECT_FALSE(reason.text.empty()) << reason.name;
        EXPECT_EQ(&info(reason.reason), &reason);
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Reason::count_));
}

TEST(Reasons, HaveAnAmqpConditionExactlyWhenTheyAreFailures) {
    for (const auto& reason : all_reasons()) {
        EXPECT_EQ(reason.amqp.empty(), reason.mqtt5 < 0x80) << reason.name;
        EXPECT_TRUE(reason.amqp.empty() || reason.amqp.starts_with("amqp:")) << reason.name;
    }
}

TEST(Reasons, TellDevicesWhatMqtt5Says) {
    EXPECT_EQ(info(Reason::bad_credentials).mqtt5, 0x86);
    EXPECT_EQ(info(Reason::publish_denied).mqtt5, 0x87);
    EXPECT_EQ(info(Reason::taken_over).mqtt5, 0x8E);
    EXPECT_EQ(info(Reason::keep_alive_timeout).mqtt5, 0x8D);
    EXPECT_EQ(info(Reason::packet_too_large).mqtt5, 0x95);
    EXPECT_EQ(info(Reason::no_subscriber).mqtt5, 0x10);
}

TEST(Verdict, IsAcceptedUnlessThereIsAReason) {
    EXPECT_TRUE(Verdict{}.accepted());
    EXPECT_FALSE((Verdict{.reason = Reason::publish_denied}.accepted()));
}

TEST(Actions, HaveNames) {
    EXPECT_EQ(name(Action::connect), "connect");
    EXPECT_EQ(name(Action::disconnect), "disconnect");
}

}  // namespace
}  // namespace weir::model
