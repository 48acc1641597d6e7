// `weir rules try`: what a rule would make of messages that were stored, or that are published now. It sends nothing.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "following.hpp"
#include "live_messages.hpp"
#include "records.hpp"
#include "rule_commands.hpp"
#include "rule_fields.hpp"
#include "rule_files.hpp"
#include "rule_run.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string rule;
    std::string stream;
    std::uint64_t last = 100;
    bool follow = false;
    bool live = false;
    LiveOptions live_options;
    Format format = Format::table;
};

constexpr std::uint64_t kPageMax = 1'000;
constexpr std::chrono::milliseconds kPollPeriod{500};

/// What is tried, and how it is told apart from others.
struct Seen {
    RuleMessage message;
    std::string_view place_name;
    json::value place;
    std::string text;  ///< Of the place.
};

Seen seen_of(const Record& record) {
    RuleMessage message;
    message.topic = cell(record.members, "topic");
    message.principal.thing = cell(record.members, "device");
    message.client_id = message.principal.thing;
    message.now_ms = parse_time(cell(record.members, "time")).value_or(0);
    if (cell(record.members, "encoding") == "base64") {
        const auto bytes = from_base64(cell(record.members, "payload"));
        message.set_payload(bytes ? as_text(*bytes) : std::string_view{});
    } else {
        message.set_payload(record.payload());
    }
    return {std::move(message), "offset", record.offset(), fmt::to_string(record.offset())};
}

Seen seen_of(const json::object& live) {
    auto time = cell(live, "time");
    return {live_message_of(live), "time", json::value(time), time};
}

struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t on_topic = 0;
    std::uint64_t matched = 0;
    std::uint64_t failed = 0;
    std::uint64_t undefined = 0;  ///< WHERE had no value.
    std::string first_undefined;
};

/// The innermost expression of WHERE that has no value, if that is why the whole has none.
const RuleStep* undefined_where(const RuleRun& run) {
    const RuleStep* last = nullptr;
    const RuleStep* first = nullptr;
    for (const auto& step : run.steps) {
        if (step.clause == "WHERE") {
            last = &step;
            first = first == nullptr && step.is_undefined ? &step : first;
        }
    }
    return last != nullptr && last->is_undefined ? first : nullptr;
}

class Trial {
public:
    Trial(const RuleFile& file, Format format)
        : file_{file}, format_{format}, runner_{file.requests}, fields_{*file.rule.program} {}

    void add(const Seen& seen) {
        const auto& message = seen.message;
        const auto run = runner_.run(file_.rule, message);
        ++totals_.messages;
        if (!run.topic_matches) {
            return;
        }
        ++totals_.on_topic;
        fields_.see(message.payload());
        totals_.matched += run.deliveries.empty() ? 0 : 1;
        totals_.failed += run.failures.empty() ? 0 : 1;
        if (const auto* step = undefined_where(run)) {
            ++totals_.undefined;
            if (totals_.first_undefined.empty()) {
                totals_.first_undefined = fmt::format(
                    "`{}` has no value at {} {}", step->expression, seen.place_name, seen.text
                );
            }
        }
        show(seen, run);
    }

    void finish() const {
        if (format_ == Format::json) {
            print_json(json::object{
                {"messages", totals_.messages},
                {"on_topic", totals_.on_topic},
                {"matched", totals_.matched},
                {"failed", totals_.failed},
                {"where_undefined", totals_.undefined}
            });
        } else {
            print(fmt::format(
                "matched {} of {} messages, {} of them on the topic; {} failed; WHERE had no value for "
                "{}{}\n",
                totals_.matched,
                totals_.messages,
                totals_.on_topic,
                totals_.failed,
                totals_.undefined,
                totals_.first_undefined.empty() ? "" : ", first: " + totals_.first_undefined
            ));
        }
        for (const auto& unknown : fields_.unknown()) {
            print_error("warning: " + unknown.text + '\n');
        }
    }

private:
    void show(const Seen& seen, const RuleRun& run) const {
        for (const auto& delivery : run.deliveries) {
            const auto payload =
                delivery.is_json ? delivery.payload : to_base64(as_bytes(delivery.payload));
            if (format_ == Format::json) {
                print_json(json::object{
                    {seen.place_name, seen.place},
                    {"topic", seen.message.topic},
                    {"to", delivery.to},
                    {"payload", payload}
                });
            } else {
                print(fmt::format(
                    "{}  {}  ->  {}  {}\n",
                    seen.text,
                    seen.message.topic,
                    delivery.to,
                    payload
                ));
            }
        }
        for (const auto& failure : run.failures) {
            print_error(fmt::format("{}  failed: {}\n", seen.text, failure));
        }
    }

    const RuleFile& file_;
    Format format_;
    RuleRunner runner_;
    RuleFields fields_;
    Totals totals_;
};

/// Offset of the first of the last `count` records.
std::uint64_t begin_of(Api& api, const std::string& stream, std::uint64_t count) {
    const auto all = get(api, Target{"/v1/streams"});
    for (const auto& row : all.at("streams").as_array()) {
        const auto& members = row.as_object();
        if (cell(members, "name") == stream) {
            auto target = Target{"/v1/streams"}.segment(stream).segment("offset");
            target.query("last", fmt::to_string(count));
            return get(api, target).at("offset").to_number<std::uint64_t>();
        }
    }
    throw Failure{fmt::format("there is no stream '{}'", stream), "weir streams list"};
}

void try_live(const Options& options, const RuleFile& file, const Globals& globals, Trial& trial) {
    const auto& program = *file.rule.program;
    const auto api = gateway_api(globals);
    const LiveQuery query{
        .filters = program.filters,
        .profile = program.profile == rules::Profile::native ? TopicProfile::mqtt
                                                             : TopicProfile::aws,
    };
    watch_live(*api, options.live_options, query, [&trial](const json::object& row) {
        trial.add(seen_of(row));
    });
}

void try_stored(const Options& options, const Globals& globals, Trial& trial) {
    const auto api = registry_api(globals);
    auto next = begin_of(*api, options.stream, options.last);
    const auto following = options.follow ? std::optional<Following>{std::in_place} : std::nullopt;
    for (std::uint64_t left = options.last; left > 0 || options.follow;) {
        auto target = Target{"/v1/streams"}.segment(options.stream);
        const auto limit = options.follow ? kPageMax : std::min(left, kPageMax);
        target.query("from", fmt::to_string(next)).query("limit", fmt::to_string(limit));
        const auto answer = get_text(*api, target);
        const auto records = parse_records(answer);
        for (const auto& record : records) {
            trial.add(seen_of(record));
            next = record.offset() + 1;
        }
        left -= std::min<std::uint64_t>(left, records.size());
        const bool goes_on =
            following ? following->goes_on(records.empty() ? kPollPeriod : std::chrono::milliseconds{0})
                      : !records.empty();
        if (!goes_on) {
            break;
        }
    }
}

ExitCode run(const Options& options, const Globals& globals) {
    const auto file = load_rule_file(options.rule, globals);
    Trial trial{file, options.format};
    if (options.live) {
        try_live(options, file, globals, trial);
    } else {
        try_stored(options, globals, trial);
    }
    trial.finish();
    return ExitCode::ok;
}

}  // namespace

void add_rules_try(CLI::App& rules, Chosen& chosen) {
    auto& command = *add_command(
        rules,
        "try",
        "What a rule would make of the messages in a stream, or of those published now; sends nothing",
        "weir rules try hot --stream raw --last 1000\n"
        "weir rules try rules.d/hot.sql --stream raw --follow\n"
        "weir rules try rules.d/hot.sql --live --for 30s"
    );
    const auto options = std::make_shared<Options>();
    command.add_option("rule", options->rule, "File or name of a rule")->required();
    auto* const stream = command.add_option("--stream", options->stream, "Where the messages are");
    command.add_option("--last", options->last, "The last so many of them (default: 100)")->needs(stream);
    command
        .add_flag("--follow", options->follow, "Go on with new ones as they come, until Ctrl-C; needs a running gateway")
        ->needs(stream);
    auto* const live =
        command
            .add_flag("--live", options->live, "Messages that are published now, stored or not; needs a running gateway")
            ->excludes(stream);
    for (auto* const option : add_live_options(command, options->live_options)) {
        option->needs(live);
    }
    add_format_without_csv(command, options->format);
    command.callback([&chosen, options] {
        if (options->stream.empty() && !options->live) {
            throw CLI::RequiredError{"one of --stream and --live"};
        }
        chosen = [options](const Globals& globals) { return run(*options, globals); };
    });
}

}  // namespace weir::cli
