// The tables of policies, rule heads and price lists say what their readers accept: every key, and every bound of a number.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>
#include <weir/app_config/config_schema.hpp>
#include <weir/app_config/detail/written.hpp>
#include <weir/metering/price_list.hpp>
#include <weir/policy/policy_file.hpp>
#include <weir/rules/document.hpp>

namespace weir::app {
namespace {

/// A document in which each key stands once: the end of its line says which one it is.
struct Sample {
    FileKind kind;
    std::string_view text;
};

constexpr Sample kSamples[] = {
    {FileKind::policy, R"(
policy: all                 # policy
match:                      # match
  thing: [a, b]             # match.thing
  thing_type: pump          # match.thing_type
  group: [north]            # match.group
allow:                      # allow
  - connect: "{thing}"      # allow[].connect
    publish: ["d/{thing}"]  # allow[].publish
    subscribe: "c/{thing}"  # allow[].subscribe
    receive: "c/{thing}"    # allow[].receive
    retain: true            # allow[].retain
    shared: true            # allow[].shared
deny:                       # deny
  - connect: "x*"           # deny[].connect
    publish: "x"            # deny[].publish
    subscribe: "x"          # deny[].subscribe
    receive: "x"            # deny[].receive
    retain: true            # deny[].retain
on_violation: drop          # on_violation
standing: application       # standing
limits:                     # limits
  publish_rate: 20/s        # limits.publish_rate
  byte_rate: unlimited      # limits.byte_rate
)"},
    {FileKind::policy, R"(
policy: anybody             # policy
match:                      # match
  anonymous: true           # match.anonymous
)"},
    {FileKind::rule, R"(---
description: all            # description
profile: native             # profile
enabled: true               # enabled
to:                         # to
  - stream: alarms          # to[].stream
  - http:                   # to[].http
      sink: pager           # to[].http.sink
      body: json            # to[].http.body
      batch:                # to[].http.batch
        messages: 10        # to[].http.batch.messages
        bytes: 4KiB         # to[].http.batch.bytes
        wait: 1s            # to[].http.batch.wait
  - republish:              # to[].republish
      topic: a/b            # to[].republish.topic
      qos: 1                # to[].republish.qos
      retain: true          # to[].republish.retain
      payload_format: utf8  # to[].republish.payload_format
      content_type: text    # to[].republish.content_type
      response_topic: a/c   # to[].republish.response_topic
      correlation_data: x   # to[].republish.correlation_data
      message_expiry: 1h    # to[].republish.message_expiry
      user_properties: {a: b}  # to[].republish.user_properties
  - log:                    # to[].log
      level: warn           # to[].log.level
      message: hot          # to[].log.message
      rate: 1/s             # to[].log.rate
  - alert:                  # to[].alert
      sink: pager           # to[].alert.sink
      text: hot             # to[].alert.text
      key: a                # to[].alert.key
      interval: 1m          # to[].alert.interval
state:                      # state
  key: topic(2)             # state.key
  keys: 10                  # state.keys
  bytes: 1MiB               # state.bytes
  age: 1h                   # state.age
deduplicate:                # deduplicate
  by: id                    # deduplicate.by
  within: 1m                # deduplicate.within
  keys: 10                  # deduplicate.keys
  bytes: 1MiB               # deduplicate.bytes
---
SELECT last(temp) AS before FROM 'data/+/temp'
)"},
    {FileKind::price_list, R"(
plan: cloud                 # plan
currency: EUR               # currency
prices:                     # prices
  - meter: aws-5k           # prices[].meter
    per: 1000               # prices[].per
    tiers:                  # prices[].tiers
      - up_to: 10           # prices[].tiers[].up_to
        price: 1            # prices[].tiers[].price
      - {price: 0.5}
  - {meter: aws-5k, per: 1,
    of: busiest_day,        # prices[].of
    price: 25}              # prices[].price
)"},
};

std::string errors_of(FileKind kind, const std::string& text) {
    document::Diagnostics diagnostics;
    switch (kind) {
        case FileKind::policy:
            static_cast<void>(policy::parse_policy(text, "p.yaml", diagnostics));
            break;
        case FileKind::rule:
            static_cast<void>(rules::parse_rule("r.sql", text, diagnostics));
            break;
        default:
            static_cast<void>(metering::parse_price_list(text, "l.yaml", diagnostics));
            break;
    }
    return diagnostics.has_errors() ? diagnostics.render_text() : std::string{};
}

/// The sample with another value at the key.
std::string with_value(std::string_view text, std::string_view path, std::string_view value) {
    std::string out;
    const auto mark = fmt::format("# {}", path);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        auto line = std::string{text.substr(at, end - at)};
        if (line.ends_with(mark)) {
            line = fmt::format("{}: {}", line.substr(0, line.find(':')), value);
        }
        out += line + '\n';
        at = end + 1;
    }
    return out;
}

std::string written(const Key& key, std::uint64_t value) {
    if (key.type == Type::size) {
        return detail::written_size(value);
    }
    if (key.type == Type::duration) {
        return detail::written_duration(std::chrono::milliseconds{static_cast<std::int64_t>(value)});
    }
    return std::to_string(value);
}

bool stands_in(const Sample& sample, const Key& key) {
    return sample.text.find(fmt::format("# {}\n", key.path)) != std::string_view::npos;
}

TEST(DocumentSchema, EveryKeyIsAcceptedByTheReader) {
    std::set<std::pair<FileKind, std::string>> seen;
    for (const auto& sample : kSamples) {
        EXPECT_EQ(errors_of(sample.kind, std::string{sample.text}), "");
        for (const auto& key : schema(sample.kind)) {
            if (stands_in(sample, key)) {
                seen.emplace(sample.kind, key.path);
            }
        }
    }
    for (const auto kind : {FileKind::policy, FileKind::rule, FileKind::price_list}) {
        for (const auto& key : schema(kind)) {
            if (!key.path.starts_with("on_error")) {  // Has the keys of to[].
                EXPECT_TRUE(seen.contains({kind, key.path})) << "no sample has " << key.path;
            }
        }
    }
}

TEST(DocumentSchema, BoundsOfNumbersAreThoseOfTheReader) {
    std::size_t bounds = 0;
    for (const auto& sample : kSamples) {
        for (const auto& key : schema(sample.kind)) {
            const bool is_number = key.type == Type::integer || key.type == Type::size ||
                                   key.type == Type::duration;
            if (!is_number || !stands_in(sample, key)) {
                continue;
            }
            const auto errors = [&](std::uint64_t value) {
                return errors_of(
                    sample.kind, with_value(sample.text, key.path, written(key, value))
                );
            };
            EXPECT_EQ(errors(key.min), "") << key.path;
            EXPECT_EQ(errors(key.max), "") << key.path;
            EXPECT_NE(errors(key.max + 1), "") << key.path << " above " << key.max;
            if (key.min > 0) {
                EXPECT_NE(errors(key.min - 1), "") << key.path << " below " << key.min;
            }
            ++bounds;
        }
    }
    EXPECT_GE(bounds, 10U);
}

TEST(DocumentSchema, WordsAndDefaultsAreThoseOfTheReader) {
    std::size_t words = 0;
    for (const auto& sample : kSamples) {
        for (const auto& key : schema(sample.kind)) {
            if (key.type != Type::word || !stands_in(sample, key)) {
                continue;
            }
            const auto end = key.path == "prices[].of" ? "," : "";  // Inside braces.
            for (const auto word : key.words) {
                const auto text =
                    with_value(sample.text, key.path, std::string{word} + end);
                if (key.path != "profile") {  // The sample's statement is in one of them.
                    EXPECT_EQ(errors_of(sample.kind, text), "") << key.path << ": " << word;
                }
                ++words;
            }
            const auto text = with_value(sample.text, key.path, std::string{"colour"} + end);
            EXPECT_NE(errors_of(sample.kind, text), "") << key.path;
            EXPECT_TRUE(
                key.fallback.empty() || std::ranges::find(key.words, key.fallback) != key.words.end()
            ) << key.path;
        }
    }
    EXPECT_GE(words, 10U);
}

}  // namespace
}  // namespace weir::app
