#include <fmt/format.h>

#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string device;
    Format format = Format::table;
};

/// "x12 since 10:41:07" behind a decision that fell more than once.
std::string repetition(const json::object& decision) {
    const auto count = cell(decision, "count");
    return count == "1" ? std::string{}
                        : fmt::format("  x{} since {}", count, cell(decision, "time"));
}

ExitCode why(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{"/v1/why"}.segment(options.device));
    if (options.format == Format::json) {
        print_json(answer);
        return ExitCode::ok;
    }
    const auto& decisions = answer.at("decisions").as_array();
    if (decisions.empty()) {
        print(fmt::format(
            "nothing to tell about {}: since the gateway started, all that it did was accepted\n",
            options.device
        ));
        return ExitCode::ok;
    }
    Table table{{{.name = "time"}, {.name = "what"}, {.name = "reason"}, {.name = "where"}}};
    for (const auto& item : decisions) {
        const auto& decision = item.as_object();
        table.add(
            {cell(decision, "last"),
             fmt::format("{} {}", cell(decision, "action"), cell(decision, "topic")),
             fmt::format(
                 "{}: {}{}", cell(decision, "reason"), cell(decision, "text"), repetition(decision)
             ),
             cell(decision, "source")}
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
        "weir why probe-1\nweir why probe-1 -o json"
    );
    const auto options = std::make_shared<Options>();
    command
        ->add_option(
            "device", options->device, "Name of the device; a client id where no device is known"
        )
        ->required();
    add_format(*command, options->format, false);
    command->callback([&chosen, options] {
        chosen = [options](const Globals& globals) { return why(*options, globals); };
    });
}

}  // namespace weir::cli
