// The actions that write for people, and the properties of a republish, as files say them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <weir/rules/document.hpp>

namespace weir::rules {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string file_of(const std::string& to) {
    return "---\nto:\n" + to + "---\nSET @d = topic(2) SELECT * FROM 'data/#'\n";
}

RuleDefinition read(const std::string& to) {
    document::Diagnostics diagnostics;
    auto rule = parse_rule("r.sql", file_of(to), diagnostics);
    EXPECT_TRUE(rule) << diagnostics.render_text();
    return rule ? std::move(*rule) : RuleDefinition{};
}

std::string reported(const std::string& to) {
    document::Diagnostics diagnostics;
    EXPECT_FALSE(parse_rule("r.sql", file_of(to), diagnostics));
    return diagnostics.render_text();
}

TEST(LogAction, IsRead) {
    const auto rule =
        read("  - log: {level: warn, message: 'hot: ${@d}', rate: 5/m}\n  - log: {}\n");
    const auto& log = std::get<LogAction>(rule.actions[0]);
    EXPECT_EQ(log.level, log::Level::warn);
    EXPECT_EQ(log.message->source(), "hot: ${@d}");
    EXPECT_EQ(log.rate, (document::Rate{5, 60s}));
    const auto& plain = std::get<LogAction>(rule.actions[1]);
    EXPECT_EQ(plain.level, log::Level::info);
    EXPECT_FALSE(plain.message);
    EXPECT_EQ(plain.rate, (document::Rate{10, 1s}));
}

TEST(AlertAction, IsRead) {
    const auto rule = read(
        "  - alert: {sink: chat, text: 'Probe ${topic(2)}: ${temp} C', key: '${topic(2)}', "
        "interval: 10m}\n"
        "  - alert: {sink: chat, text: hot}\n"
    );
    const auto& alert = std::get<AlertAction>(rule.actions[0]);
    EXPECT_EQ(alert.sink, "chat");
    EXPECT_EQ(alert.key->source(), "${topic(2)}");
    EXPECT_EQ(alert.interval, 10min);
    EXPECT_EQ(std::get<AlertAction>(rule.actions[1]).interval, 5min);
    EXPECT_FALSE(std::get<AlertAction>(rule.actions[1]).key);
}

TEST(Targets, ReportWhatIsWrong) {
    EXPECT_THAT(reported("  - log: {level: debug}\n"), HasSubstr("debug"));
    EXPECT_THAT(reported("  - log: {rate: 0/s}\n"), HasSubstr("never writes"));
    EXPECT_THAT(reported("  - log: {message: '${'}\n"), HasSubstr("closing brace"));
    EXPECT_THAT(reported("  - alert: {sink: chat}\n"), HasSubstr("'text'"));
    EXPECT_THAT(reported("  - alert: {text: x}\n"), HasSubstr("'sink'"));
    EXPECT_THAT(reported("  - alert: {sink: a, text: x, interval: 1ms}\n"), HasSubstr("1ms"));
    EXPECT_THAT(reported("  - mail: {}\n"), HasSubstr("mail"));
    EXPECT_THAT(
        reported("  - republish: {topic: x, message_expiry: soon}\n"), HasSubstr("expires after")
    );
    EXPECT_THAT(reported("  - republish: {topic: x, payload_format: text}\n"), HasSubstr("utf8"));
    EXPECT_THAT(
        reported("  - republish: {topic: x, content_type: '${nosuch(}'}\n"), HasSubstr("r.sql:3")
    );
}

TEST(ParseExpiry, TakesSecondsAndDurations) {
    EXPECT_EQ(parse_expiry("90"), 90s);
    EXPECT_EQ(parse_expiry("1h30m"), 5'400s);
    EXPECT_EQ(parse_expiry("1500ms"), 2s) << "never earlier";
    EXPECT_EQ(parse_expiry("4294967295"), std::chrono::seconds{UINT32_MAX});
    for (const auto* wrong : {"", "0", "0s", "-1", "4294967296", "x", "1.5", "999999999d"}) {
        EXPECT_EQ(parse_expiry(wrong), std::nullopt) << wrong;
    }
}

}  // namespace
}  // namespace weir::rules
