#include <fmt/format.h>

#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string device;
    std::string action;
    std::string object;
    std::string client_id;
    bool retain = false;
    Format format = Format::table;
};

ExitCode can_i(const Options& options, const Globals& globals) {
    Target target{"/v1/can-i"};
    target.query("device", options.device).query("action", options.action);
    if (!options.object.empty()) {
        target.query("object", options.object);
    }
    if (!options.client_id.empty()) {
        target.query("client_id", options.client_id);
    }
    if (options.retain) {
        target.query("retain", "true");
    }
    const auto answer = get(*registry_api(globals), target);
    if (options.format == Format::json) {
        print_json(answer);
    } else {
        print(cell(answer, "explanation"));
    }
    return answer.at("allowed").as_bool() ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_can_i(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "can-i",
        "May a device do it, and which line says so? Exit code 1: no",
        "weir can-i probe-1 publish data/probe-1/temp\nweir can-i probe-1 subscribe 'cmd/#' -o json"
    );
    const auto options = std::make_shared<Options>();
    command->add_option("device", options->device, "Name of the device")->required();
    command->add_option("action", options->action, "connect, publish, subscribe or receive")
        ->required()
        ->check(CLI::IsMember({"connect", "publish", "subscribe", "receive"}).description(""));
    command->add_option("object", options->object, "Topic, filter, or client id of a connect");
    command->add_option(
        "--client-id", options->client_id, "Under which it connects (default: its name)"
    );
    command->add_flag("--retain", options->retain, "Of a publish");
    add_format_without_csv(*command, options->format);
    command->callback([&chosen, options] {
        if (options->action != "connect" && options->object.empty()) {
            throw CLI::RequiredError{fmt::format(
                "the {} (weir can-i {} {} OBJECT)",
                options->action == "subscribe" ? "filter to subscribe" : "topic to " + options->action,
                options->device,
                options->action
            )};
        }
        chosen = [options](const Globals& globals) { return can_i(*options, globals); };
    });
}

}  // namespace weir::cli
