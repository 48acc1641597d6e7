#include <fmt/format.h>

#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

constexpr std::uint16_t kNotApplied = 422;

ExitCode reload(Format format, const Globals& globals) {
    const auto api = gateway_api(globals);
    const auto answer = api->ask("POST", "/v1/reload", {});
    boost::system::error_code error;
    const auto outcome = json::parse(answer.body, error);
    if (error || !outcome.is_object() || (answer.status != 200 && answer.status != kNotApplied)) {
        throw Failure{fmt::format("the gateway could not reload: status {}", answer.status)};
    }
    const auto& members = outcome.get_object();
    const bool applied = answer.status == 200;
    if (format == Format::json) {
        print_json(outcome);
        return applied ? ExitCode::ok : ExitCode::bad_config;
    }
    print_error(cell(members, "text"));
    if (!applied) {
        print_error("nothing was changed: the gateway goes on with the old configuration\n");
        return ExitCode::bad_config;
    }
    print("reloaded\n");
    if (const auto settings = cell(members, "needs_restart"); !settings.empty()) {
        print(fmt::format("changed, but in force only after a restart: {}\n", settings));
    }
    return ExitCode::ok;
}

}  // namespace

void add_reload(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "reload",
        "Let the running gateway read its configuration again: all of it, or nothing",
        "weir reload\nweir reload -o json"
    );
    const auto format = std::make_shared<Format>(Format::table);
    add_format(*command, *format, false);
    command->callback([&chosen, format] {
        chosen = [format](const Globals& globals) { return reload(*format, globals); };
    });
}

}  // namespace weir::cli
