#include <fmt/format.h>

#include <memory>

#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string device;
    std::string since;
    Format format = Format::table;
};

/// "x12 since 10:41:07" behind a decision that fell more than once.
std::string repetition(const json::object& decision) {
    const auto count = cell(decision, "count");
    return count == "1" ? std::string{}
                        : fmt::format("  x{} since {}", count, cell(decision, "time"));
}

/// "publish_denied: no policy allows this publish (what the reason leaves open)  x12 since 10:41:07".
std::string told(const json::object& decision) {
    const auto detail = cell(decision, "detail");
    return fmt::format(
        "{}: {}{}{}",
        cell(decision, "reason"),
        cell(decision, "text"),
        detail.empty() ? "" : " (" + detail + ")",
        repetition(decision)
    );
}

/// "10.0.0.7", with a mark if whoever came from there only claimed the name.
std::string origin(const json::object& decision) {
    const bool is_known = decision.at("authenticated").as_bool();
    const auto peer = cell(decision, "peer");
    return is_known ? peer : peer + (peer.empty() ? "not authenticated" : ", not authenticated");
}

ExitCode why(const Options& options, const Globals& globals) {
    auto target = Target{"/v1/why"}.segment(options.device);
    if (!options.since.empty()) {
        const auto from = SystemClock{}.wall() - parse_duration(options.since).value();
        target.query("since", std::to_string(from.count()));
    }
    const auto answer = get(*gateway_api(globals), target);
    if (options.format == Format::json) {
        print_json(answer);
        return ExitCode::ok;
    }
    const auto& decisions = answer.at("decisions").as_array();
    if (decisions.empty()) {
        print(fmt::format(
            "nothing to tell about {}: {}, all that it did was accepted\n",
            options.device,
            options.since.empty() ? "since the gateway started" : "in the last " + options.since
        ));
        return ExitCode::ok;
    }
    Table table{
        {{.name = "time"},
         {.name = "what"},
         {.name = "reason"},
         {.name = "where"},
         {.name = "from"}}};
    for (const auto& item : decisions) {
        const auto& decision = item.as_object();
        table.add(
            {cell(decision, "last"),
             fmt::format("{} {}", cell(decision, "action"), cell(decision, "topic")),
             told(decision),
             cell(decision, "source"),
             origin(decision)}
        );
    }
    print(table.render(Format::table));
    return ExitCode::ok;
}

}  // namespace

void add_why(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "why",
        "What the gateway refused, dropped or ended for a device, and which line decided it",
        "weir why probe-1\nweir why probe-1 --since 1h\nweir why 203.0.113.7 -o json"
    );
    const auto options = std::make_shared<Options>();
    command
        ->add_option(
            "device", options->device, "Name of the device; a client id or an address where no device is known"
        )
        ->required();
    command->add_option("--since", options->since, "How far back, such as 1h")
        ->check([](const std::string& text) {
            return parse_duration(text) ? std::string{}
                                        : "'" + text + "' is not a duration such as 1h";
        });
    add_format_without_csv(*command, options->format);
    choose(*command, chosen, options, why);
}

}  // namespace weir::cli
