#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "api_client.hpp"
#include "command.hpp"
#include "records.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> to;
    std::uint64_t limit = 100;
    std::optional<std::string> rule;
    std::optional<std::string> topic;
    std::optional<std::string> device;
    std::optional<std::string> payload;
    bool drop = false;
    Format format = Format::table;
};

constexpr auto* kSinks = "/v1/sinks";
constexpr auto* kPageMax = "1000";
constexpr std::size_t kReasonMax = 64;   ///< Bytes of what a receiver said, in a table.
constexpr std::size_t kPayloadMax = 48;  ///< Bytes of a payload, in a table.

ExitCode list(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{kSinks});
    print_rows(
        answer.at("sinks").as_array(),
        {{.name = "name"},
         {.name = "type"},
         {.name = "activity"},
         {.name = "delivered", .is_number = true},
         {.name = "objects", .is_number = true},
         {.name = "pending", .is_number = true},
         {.name = "oldest_age_ms", .is_number = true},
         {.name = "in_flight", .is_number = true},
         {.name = "breaker"},
         {.name = "attempts", .is_number = true},
         {.name = "failures", .is_number = true},
         {.name = "latency_ms", .is_number = true},
         {.name = "dead_letters", .is_number = true},
         {.name = "lost", .is_number = true},
         {.name = "last_error", .bytes_max = kReasonMax}},
        options.format
    );
    return ExitCode::ok;
}

ExitCode drop_dead(const Options& options, const Globals& globals) {
    const auto answer = post(
        *gateway_api(globals),
        Target{kSinks}.segment(options.name).segment("dead").segment("drop"),
        {{"from", options.from.value_or(1)}}
    );
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(counted(answer.at("dropped").to_number<std::uint64_t>(), "dead letter") + " dropped\n");
    }
    return ExitCode::ok;
}

ExitCode drop(const Options& options, const Globals& globals) {
    const auto answer =
        post(*gateway_api(globals), Target{kSinks}.segment(options.name).segment("drop"));
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(fmt::format(
            "{} and {} dropped\n",
            counted(answer.at("dropped").to_number<std::uint64_t>(), "undelivered record"),
            counted(answer.at("dead_letters").to_number<std::uint64_t>(), "dead letter")
        ));
    }
    return ExitCode::ok;
}

/// All of them, oldest first.
ExitCode dead(const Options& options, const Globals& globals) {
    if (options.drop) {
        return drop_dead(options, globals);
    }
    const auto api = gateway_api(globals);
    RecordPrinter printer{
        {{.name = "offset", .is_number = true},
         {.name = "given_up"},
         {.name = "attempts", .is_number = true},
         {.name = "reason", .bytes_max = kReasonMax},
         {.name = "rule"},
         {.name = "topic"},
         {.name = "payload", .bytes_max = kPayloadMax}},
        options.format
    };
    for (auto from = options.from.value_or(1);;) {
        auto target = Target{kSinks}.segment(options.name).segment("dead");
        target.query("from", fmt::to_string(from)).query("limit", kPageMax);
        const auto answer = get_text(*api, target);
        const auto records = parse_records(answer);
        if (records.empty()) {
            break;
        }
        std::ranges::for_each(records, [&](const Record& record) { printer.add(record); });
        from = records.back().offset() + 1;
    }
    printer.finish();
    return ExitCode::ok;
}

/// What waits, oldest first.
ExitCode outbox(const Options& options, const Globals& globals) {
    auto target = Target{kSinks}.segment(options.name).segment("outbox");
    target.query("from", fmt::to_string(options.from.value_or(1)))
        .query("limit", fmt::to_string(options.limit));
    const auto answer = get_text(*gateway_api(globals), target);
    RecordPrinter printer{
        {{.name = "offset", .is_number = true},
         {.name = "time"},
         {.name = "rule"},
         {.name = "topic"},
         {.name = "device"},
         {.name = "target"},
         {.name = "payload", .bytes_max = kPayloadMax}},
        options.format
    };
    for (const auto& record : parse_records(answer)) {
        printer.add(record);
    }
    printer.finish();
    return ExitCode::ok;
}

void print_probe(const json::object& answer) {
    const auto line = [&](std::string_view step, std::string_view key, const std::string& more) {
        print(fmt::format(
            "  {:<8} {:>9.1f} ms{}{}\n",
            step,
            answer.at(key).to_number<double>(),
            more.empty() ? "" : "  ",
            more
        ));
    };
    print(fmt::format("{} {}\n", cell(answer, "method"), cell(answer, "url")));
    line("resolve", "resolve_ms", {});
    line("connect", "connect_ms", cell(answer, "peer"));
    line("tls", "tls_ms", {});
    const auto status = cell(answer, "status");
    line(
        "answer",
        "answer_ms",
        status.empty() ? "none" : fmt::format("HTTP/{} {}", cell(answer, "http_version"), status)
    );
    line("total", "total_ms", {});
    if (answer.at("delivered").as_bool()) {
        print("the receiver took the record\n");
        return;
    }
    print(fmt::format(
        "failed: {}\n{}\nfix: {}\n",
        cell(answer, "error"),
        cell(answer, "meaning") == "again" ? "records like this are tried again"
                                           : "records like this become dead letters",
        cell(answer, "hint")
    ));
}

/// Of a sink that writes objects.
void print_written(const json::object& answer) {
    print(fmt::format(
        "{}  {}\n  {:<8} {:>9.1f} ms\n",
        cell(answer, "url"),
        cell(answer, "object"),
        "total",
        answer.at("total_ms").to_number<double>()
    ));
    const auto left = cell(answer, "left");
    if (!answer.at("delivered").as_bool()) {
        print(fmt::format(
            "failed: {}\nrecords wait in the stream, and are tried again\n", cell(answer, "error")
        ));
        if (const auto hint = cell(answer, "hint"); !hint.empty()) {
            print(fmt::format("fix: {}\n", hint));
        }
    } else if (left.empty()) {
        print("the object was written, and taken away again\n");
    } else {
        print(fmt::format("the object was written, and is still there: {}\n", left));
    }
}

ExitCode test(const Options& options, const Globals& globals) {
    json::object message;
    for (const auto& [name, value] :
         {std::pair{"rule", &options.rule},
          std::pair{"topic", &options.topic},
          std::pair{"device", &options.device},
          std::pair{"payload", &options.payload}}) {
        if (*value) {
            message[name] = **value;
        }
    }
    const auto answer =
        post(*gateway_api(globals), Target{kSinks}.segment(options.name).segment("test"), message);
    if (options.format == Format::json) {
        print_json(answer);
    } else if (answer.contains("object")) {
        print_written(answer);
    } else {
        print_probe(answer);
    }
    return answer.at("delivered").as_bool() ? ExitCode::ok : ExitCode::failed;
}

ExitCode retry(const Options& options, const Globals& globals) {
    json::object range;
    if (options.from) {
        range["from"] = *options.from;
    }
    if (options.to) {
        range["to"] = *options.to;
    }
    const auto answer =
        post(*gateway_api(globals), Target{kSinks}.segment(options.name).segment("retry"), range);
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(
            counted(answer.at("requeued").to_number<std::uint64_t>(), "dead letter") +
            " put back into the outbox\n"
        );
    }
    return ExitCode::ok;
}

}  // namespace

void add_sinks(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& sinks = *add_command(app, "sinks", "Where rules send messages, and what got stuck", "");
    sinks.require_subcommand(1);
    auto& list_command =
        *add_command(sinks, "list", "All sinks", "weir sinks list\nweir sinks list -o json");
    add_format(list_command, options->format);
    choose(list_command, chosen, options, list);

    auto& dead_command = *add_command(
        sinks,
        "dead",
        "Messages that a sink gave up. The table shows the start of each payload, -o json and csv all of it",
        "weir sinks dead pager\nweir sinks dead pager -o json\nweir sinks dead pager --drop"
    );
    dead_command.add_option("name", options->name, "Name of the sink")->required();
    dead_command.add_option("--from", options->from, "First offset");
    dead_command.add_flag("--drop", options->drop, "Forget them, instead of listing them");
    add_format(dead_command, options->format);
    choose(dead_command, chosen, options, dead);

    auto& drop_command = *add_command(
        sinks,
        "drop",
        "Forget what a sink left behind whose file was removed; its records count as lost",
        "weir sinks drop pager"
    );
    drop_command.add_option("name", options->name, "Name of the sink")->required();
    add_format_without_csv(drop_command, options->format);
    choose(drop_command, chosen, options, drop);

    auto& outbox_command = *add_command(
        sinks,
        "outbox",
        "What waits for delivery. The table shows the start of each payload, -o json and csv all of it",
        "weir sinks outbox pager\nweir sinks outbox pager --limit 10 -o json"
    );
    outbox_command.add_option("name", options->name, "Name of the sink")->required();
    outbox_command.add_option("--from", options->from, "First offset");
    outbox_command.add_option("--limit", options->limit, "At most so many")
        ->check(CLI::Range(1, 1'000));
    add_format(outbox_command, options->format);
    choose(outbox_command, chosen, options, outbox);

    auto& test_command = *add_command(
        sinks,
        "test",
        "Send one record now, as a rule would, and tell what came of it; of sinks that write objects: write one and "
        "take it away again",
        "weir sinks test pager\n"
        "weir sinks test pager --topic data/p1/temp --payload '{\"temp\": 91}'\n"
        "weir sinks test lake"
    );
    test_command.add_option("name", options->name, "Name of the sink")->required();
    test_command.add_option("--rule", options->rule, "Rule whose body is used");
    test_command.add_option("--topic", options->topic, "Topic of the message (default: weir/test)");
    test_command.add_option("--device", options->device, "Its publisher (default: weir-test)");
    test_command.add_option("--payload", options->payload, "The record's body (default: JSON)");
    add_format_without_csv(test_command, options->format);
    choose(test_command, chosen, options, test);

    auto& retry_command = *add_command(
        sinks,
        "retry",
        "Put dead letters back into the outbox",
        "weir sinks retry pager\nweir sinks retry pager --from 10 --to 20"
    );
    retry_command.add_option("name", options->name, "Name of the sink")->required();
    retry_command.add_option("--from", options->from, "First offset (default: the oldest)");
    retry_command.add_option("--to", options->to, "Last offset (default: the newest)");
    add_format_without_csv(retry_command, options->format);
    choose(retry_command, chosen, options, retry);
}

}  // namespace weir::cli
