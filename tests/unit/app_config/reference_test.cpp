// The table itself, and what is made from it.
#include <weir/app_config/config_reference.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <weir/app_config/config.hpp>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/reason_reference.hpp>
#include <weir/document/yaml.hpp>

namespace weir::app {
namespace {

using testing::HasSubstr;

class Schema : public testing::TestWithParam<FileKind> {};

TEST_P(Schema, RowsAreUniqueExplainedAndBelowTheirParent) {
    std::set<std::string> seen;
    for (const auto& key : schema(GetParam())) {
        EXPECT_TRUE(seen.insert(key.path).second) << key.path;
        EXPECT_TRUE(key.help.ends_with('.')) << key.path;
        EXPECT_FALSE(key.required && !key.fallback.empty()) << key.path;
        EXPECT_TRUE(key.max == 0 || key.min <= key.max) << key.path;
        const auto dot = key.path.rfind('.');
        if (dot != std::string::npos) {
            auto parent = key.path.substr(0, dot);
            if (parent.ends_with("[]")) {
                parent.resize(parent.size() - 2);
            }
            EXPECT_TRUE(seen.contains(parent)) << key.path << " is in front of its parent";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    Schema,
    testing::Values(
        FileKind::gateway,
        FileKind::sink,
        FileKind::stream,
        FileKind::file_sink,
        FileKind::s3_sink,
        FileKind::policy,
        FileKind::rule,
        FileKind::price_list
    )
);

TEST(LimitKeys, CoverPresetsWithinTheirBounds) {
    for (const auto preset : {Preset::standard, Preset::cloud, Preset::none}) {
        const auto limits = limits_of(preset);
        for (const auto& key : limit_keys()) {
            // What a preset says can also be written into a file.
            MemoryFiles files;
            const auto text = written(limits, key);
            files.files["/c/weir.yaml"] =
                "listeners: [{name: a, port: 1}]\nlimits: {session_expiry_max: 365d, " +
                (key.name == "session_expiry_max" ? "" : std::string{key.name} + ": " + text) +
                "}\n";
            document::Diagnostics diagnostics;
            static_cast<void>(load_config("/c", files, diagnostics));
            EXPECT_FALSE(diagnostics.has_errors()) << key.name << ": " << diagnostics.render_text();
        }
    }
}

TEST(LimitKeys, AreWrittenInTheLargestUnit) {
    const auto limits = limits_of(Preset::standard);
    const auto text = [&](std::string_view name) {
        for (const auto& key : limit_keys()) {
            if (key.name == name) {
                return written(limits, key);
            }
        }
        return std::string{"no such limit"};
    };
    EXPECT_EQ(text("packet_bytes"), "256KiB");
    EXPECT_EQ(text("session_expiry"), "1h");
    EXPECT_EQ(text("session_expiry_max"), "7d");
    EXPECT_EQ(text("connections"), "unlimited");
    EXPECT_EQ(text("publish_rate"), "unlimited");
}

TEST(Explain, TellsEverythingAboutAKey) {
    const auto text = explain("storage.group_size");
    ASSERT_TRUE(text);
    EXPECT_EQ(
        *text,
        "storage.group_size\n"
        "    Bytes that share an fsync at most.\n"
        "\n"
        "    value    size, 64KiB to 64MiB\n"
        "    default  4MiB\n"
        "    change   needs a restart\n"
        "    since    0.1\n"
    );
}

TEST(Explain, KnowsEveryTopic) {
    for (const auto& topic : topics()) {
        EXPECT_TRUE(explain(topic)) << topic;
    }
    EXPECT_THAT(*explain("listeners.tls"), HasSubstr("client_auth"));
    EXPECT_THAT(*explain("sinks.outbox.on_full"), HasSubstr("block | dead_letter | drop_oldest"));
    EXPECT_THAT(*explain("WEIR-0102"), HasSubstr("unknown key"));
    EXPECT_THAT(*explain("WEIR-0401"), HasSubstr("allow_plaintext"));
    EXPECT_THAT(*explain("policies.allow[].publish"), HasSubstr("policies.allow.publish\n"));
    EXPECT_FALSE(explain("listeners.colour"));
}

TEST(Explain, ListsAllKeysOfAFileWithTypeRangeAndDefault) {
    const auto policies = *explain("policies");
    EXPECT_THAT(policies, HasSubstr("[drop | nack | disconnect; default nack]"));
    EXPECT_THAT(policies, HasSubstr("      policy                   Name by which"));
    EXPECT_THAT(policies, HasSubstr("        publish_rate"));
    const auto rules = *explain("rules");
    EXPECT_THAT(rules, HasSubstr("[duration, 1s to 31d; default 5m]"));
    EXPECT_THAT(*explain("pricing"), HasSubstr("[list; required]"));
    EXPECT_THAT(*explain("sinks"), HasSubstr("[size, 64KiB to 1TiB; default 1GiB]"));
}

TEST(Explain, TellsOfEveryReasonWhatTheDeviceSeesAndWhatToDo) {
    for (const auto& info : model::all_reasons()) {
        EXPECT_FALSE(help(info.reason).device.empty()) << info.name;
        EXPECT_TRUE(help(info.reason).remedy.ends_with('.')) << info.name;
    }
    const auto text = *explain("publish_denied");
    EXPECT_THAT(text, HasSubstr("no policy allows this publish"));
    EXPECT_THAT(text, HasSubstr("MQTT 5   0x87"));
    EXPECT_THAT(text, HasSubstr("AMQP     amqp:unauthorized-access"));
    EXPECT_THAT(text, HasSubstr("weir can-i DEVICE"));
}

TEST(Explain, SuggestsKeysOfThatNameButNoOtherCode) {
    EXPECT_THAT(topics_like("on_violation"), testing::ElementsAre("policies.on_violation"));
    EXPECT_THAT(
        topics_like("deduplicate.by"), testing::ElementsAre("rules.deduplicate.by")
    );
    EXPECT_THAT(topics_like("publish_deneid"), testing::ElementsAre("publish_denied"));
    EXPECT_THAT(topics_like("WEIR-0213"), testing::IsEmpty());
}

TEST(Explain, HasNoTopicTwice) {
    std::set<std::string> seen;
    for (const auto& topic : topics()) {
        EXPECT_TRUE(seen.insert(topic).second) << topic;
    }
}

TEST(Codes, AreUniqueAndSorted) {
    std::string_view previous;
    for (const auto& info : codes()) {
        EXPECT_LT(previous, info.code);
        EXPECT_TRUE(info.code.starts_with("WEIR-04"));
        previous = info.code;
    }
}

TEST_P(Schema, IsValidJson) {
    document::Diagnostics diagnostics;
    const auto text = json_schema(GetParam());
    const auto parsed = document::Document::parse(
        text, "schema.json", diagnostics, {.syntax = document::Syntax::json}
    );
    ASSERT_TRUE(parsed) << diagnostics.render_text();
    EXPECT_TRUE(parsed->root().get("$schema"));
}

TEST(Reference, HasARowForEveryKey) {
    const auto text = reference_markdown();
    EXPECT_THAT(
        text, HasSubstr("| `listeners[].tls.client_auth` | none \\| optional \\| required |")
    );
    EXPECT_THAT(text, HasSubstr("| `outbox.size` | size, 64KiB to 1TiB | `1GiB` | live |"));
}

}  // namespace
}  // namespace weir::app
