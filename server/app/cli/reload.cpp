#include <fmt/format.h>

#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

constexpr std::uint16_t kNotApplied = 422;

/// What an operator may not have meant.
void print_consequences(const json::object& outcome) {
    const auto number = [](const json::value& row, std::string_view name) {
        return row.at(name).to_number<std::uint64_t>();
    };
    if (const auto settings = cell(outcome, "needs_restart"); !settings.empty()) {
        print(fmt::format("restart needed for: {}\n", settings));
    }
    if (const auto policies = cell(outcome, "removed_policies"); !policies.empty()) {
        print(fmt::format("policies that are gone: {}\n", policies));
    }
    for (const auto& policy : outcome.at("missing_policies").as_array()) {
        print(fmt::format(
            "policy {} is attached to {} and defined in no file\n",
            cell(policy.as_object(), "name"),
            counted(number(policy, "devices"), "device")
        ));
    }
    if (const auto ended = outcome.at("sessions_ended").to_number<std::uint64_t>(); ended > 0) {
        print(fmt::format("{} ended: no policy lets their devices connect\n", counted(ended, "session")));
    }
    for (const auto& sink : outcome.at("removed_sinks").as_array()) {
        const auto name = cell(sink.as_object(), "name");
        print(fmt::format(
            "sink {0} is gone with {1} and {2}; put its file back to deliver them, or weir sinks drop "
            "{0} to drop them\n",
            name,
            counted(number(sink, "pending"), "undelivered record"),
            counted(number(sink, "dead_letters"), "dead letter")
        ));
    }
}

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
    print_consequences(members);
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
    add_format_without_csv(*command, *format);
    choose(*command, chosen, format, reload);
}

}  // namespace weir::cli
