#include <weir/rules/head_schema.hpp>

#include <string>
#include <utility>

#include <weir/rules/document.hpp>
#include <weir/rules/profile.hpp>

namespace weir::rules {
namespace {

using document::Key;
using document::Schema;
using enum document::Type;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kDay = 24 * 3'600 * kSecond;

// clang-format off
/// What an action may say; `prefix` is "to[]." or "on_error.".
void append_action(Schema& keys, const std::string& prefix) {
    const Schema action = {
        {.path = "stream", .type = text, .max = 256, .help = "Appends the output to this stream."},

        {.path = "http", .type = mapping, .help = "Sends the output to an HTTP sink."},
        {.path = "http.sink", .type = text, .max = 256, .required = true, .help = "The sink's name."},
        {.path = "http.body", .type = word, .words = {"json", "json-lines", "array", "cloudevents", "raw"}, .help = "Form of the request; the sink's, if it is not said."},
        {.path = "http.batch", .type = mapping, .help = "Several outputs in one request, which is sent when the first bound is reached; the sink's, if it is not said."},
        {.path = "http.batch.messages", .type = integer, .fallback = "1", .min = 1, .max = 10'000, .help = "Outputs of a request."},
        {.path = "http.batch.bytes", .type = size, .fallback = "256KiB", .min = kKiB, .max = 16 * kMiB, .help = "Bytes of a request."},
        {.path = "http.batch.wait", .type = duration, .fallback = "0s", .max = 60 * kSecond, .help = "Longest wait for more outputs."},

        {.path = "republish", .type = mapping, .help = "Publishes the output."},
        {.path = "republish.topic", .type = text, .max = 4'096, .required = true, .help = "Topic with ${...}; no wildcards. $$ at its beginning stands for $."},
        {.path = "republish.qos", .type = integer, .fallback = "0", .max = 1, .help = "QoS."},
        {.path = "republish.retain", .type = boolean, .fallback = "false", .help = "Whether the message is retained."},
        {.path = "republish.payload_format", .type = word, .words = {"utf8", "bytes"}, .help = "MQTT 5: Payload Format Indicator."},
        {.path = "republish.content_type", .type = text, .max = 4'096, .help = "MQTT 5: Content Type, with ${...}."},
        {.path = "republish.response_topic", .type = text, .max = 4'096, .help = "MQTT 5: Response Topic, with ${...}."},
        {.path = "republish.correlation_data", .type = text, .max = 4'096, .help = "MQTT 5: Correlation Data, with ${...}."},
        {.path = "republish.message_expiry", .type = text, .max = 4'096, .help = "MQTT 5: 1h, 90s, seconds, or ${...} that gives one."},
        {.path = "republish.user_properties", .type = headers, .max = 32, .help = "MQTT 5: names, and values with ${...}."},

        {.path = "log", .type = mapping, .help = "Writes a line into the log (event `rule_log`)."},
        {.path = "log.level", .type = word, .fallback = "info", .words = {"info", "warn", "error"}, .help = "Its level."},
        {.path = "log.message", .type = text, .max = 4'096, .help = "Text with ${...}; the output, if it is not said."},
        {.path = "log.rate", .type = rate, .fallback = "10/s", .help = "More lines than that are counted instead."},

        {.path = "alert", .type = mapping, .help = "Sends a text for people to an HTTP sink, at most once per key and interval."},
        {.path = "alert.sink", .type = text, .max = 256, .required = true, .help = "The sink's name."},
        {.path = "alert.text", .type = text, .max = 4'096, .required = true, .help = "Text with ${...}."},
        {.path = "alert.key", .type = text, .max = 1'024, .help = "Text with ${...}: alerts with another key have an interval of their own; without it, the rule has one."},
        {.path = "alert.interval", .type = duration, .fallback = "5m", .min = kSecond, .max = 31 * kDay, .help = "Time in which there is one."},
    };
    for (Key key : action) {
        key.path.insert(0, prefix);
        keys.push_back(std::move(key));
    }
}

Schema make() {
    Schema keys = {
        {.path = "description", .type = text, .max = 4'096, .help = "For people."},
        {.path = "profile", .type = word, .fallback = "native", .words = {kProfileNames.begin(), kProfileNames.end()}, .help = "Which language the statement is in: that of weir, or of AWS IoT in one of its versions."},
        {.path = "enabled", .type = boolean, .fallback = "true", .help = "false: the rule is read and checked, and not run."},
        {.path = "to", .type = mappings, .min = 1, .max = kActionsMax, .required = true, .help = "Where the output goes. An action has one of the keys stream, http, republish, log, alert."},
    };
    append_action(keys, "to[].");
    keys.push_back({.path = "on_error", .type = mapping, .help = "One action, which gets a report when the evaluation or an action fails, and when a sink gives up what the rule sent it."});
    append_action(keys, "on_error.");
    const Schema memory = {
        {.path = "state", .type = mapping, .help = "How much last() and changed() remember."},
        {.path = "state.key", .type = text, .fallback = "topic()", .max = 4'096, .help = "Expression: messages for which it is the same share one memory."},
        {.path = "state.keys", .type = integer, .fallback = "10000", .min = 1, .max = 1'000'000, .help = "Keys that are kept; beyond, what was not written for the longest time goes."},
        {.path = "state.bytes", .type = size, .fallback = "4MiB", .min = 64 * kKiB, .max = 256 * kMiB, .help = "Bytes of them; likewise."},
        {.path = "state.age", .type = duration, .fallback = "7d", .min = kSecond, .max = 366 * kDay, .help = "A key that is not written for so long is forgotten."},
        {.path = "deduplicate", .type = mapping, .help = "Of the messages with one value of `by`, the first one within a time has an output."},
        {.path = "deduplicate.by", .type = text, .max = 4'096, .required = true, .help = "Expression."},
        {.path = "deduplicate.within", .type = duration, .min = kSecond, .max = 366 * kDay, .required = true, .help = "That time."},
        {.path = "deduplicate.keys", .type = integer, .fallback = "100000", .min = 1, .max = 1'000'000, .help = "Values that are kept; beyond, the oldest goes."},
        {.path = "deduplicate.bytes", .type = size, .fallback = "16MiB", .min = 64 * kKiB, .max = 256 * kMiB, .help = "Bytes of them; likewise."},
    };
    keys.insert(keys.end(), memory.begin(), memory.end());
    return keys;
}
// clang-format on

}  // namespace

const Schema& head_schema() {
    static const Schema keys = make();
    return keys;
}

}  // namespace weir::rules
