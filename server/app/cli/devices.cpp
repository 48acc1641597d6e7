#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "api_client.hpp"
#include "command.hpp"
#include "device_files.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::string type;
    std::string policy;
    std::string user;
    std::vector<std::string> groups;
    std::vector<std::string> policies;
    std::vector<std::string> attributes;
    std::string out;
    bool password_stdin = false;
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;
using Run = ExitCode (*)(const Options&, const Globals&);

constexpr auto* kDevices = "/v1/devices";
constexpr std::size_t kPasswordBytesMax = 64 * 1024;  ///< Of what is read; the gateway has its own.

/// One line; a line end is not part of it.
std::string password_from_stdin() {
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n' && line.size() < kPasswordBytesMax;
         c = std::getchar()) {
        line += static_cast<char>(c);
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

json::array texts(const std::vector<std::string>& values) {
    json::array out;
    for (const auto& value : values) {
        out.emplace_back(value);
    }
    return out;
}

json::object pairs(const std::vector<std::string>& written) {
    json::object out;
    for (const auto& pair : written) {
        const auto mark = pair.find('=');
        out[std::string_view{pair}.substr(0, mark)] = pair.substr(mark + 1);
    }
    return out;
}

Target target_of(const Options& options) {
    return Target{kDevices}.segment(options.name);
}

void print_device(const json::object& device, Format format) {
    if (format == Format::json) {
        print_json(device);
        return;
    }
    for (const auto& [key, value] : device) {
        const auto text =
            value.is_object() ? json::serialize(value) : cell(device, std::string_view{key});
        print(fmt::format("{:<14}{}\n", std::string_view{key}, text));
    }
}

ExitCode create(const Options& options, const Globals& globals) {
    json::object request{
        {"name", options.name},
        {"type", options.type},
        {"groups", texts(options.groups)},
        {"policies", texts(options.policies)},
        {"attributes", pairs(options.attributes)},
    };
    if (options.password_stdin) {
        request["password"] = password_from_stdin();
    }
    const auto api = registry_api(globals);
    const bool only_password = options.password_stdin && options.out.empty();
    if (only_password) {
        const auto made = post(*api, Target{kDevices}, request);
        print_device(made, options.format);
        return ExitCode::ok;
    }
    const auto folder = options.out.empty() ? options.name : options.out;
    DeviceFiles files{folder, certificate_folder(globals), options.name};
    request["certificate"] = files.fingerprint();
    const auto made = post(*api, Target{kDevices}, request);
    files.keep();
    if (options.format == Format::json) {
        print_json(made);
    } else {
        print(fmt::format(
            "created {0}\n"
            "  {1}/device.key  its private key: only the device needs it\n"
            "  {1}/device.crt  its certificate\n"
            "  {1}/ca.crt      what it trusts\n",
            options.name,
            folder
        ));
    }
    return ExitCode::ok;
}

ExitCode list(const Options& options, const Globals& globals) {
    const auto api = registry_api(globals);
    json::array rows;
    for (std::string after;;) {
        Target target{kDevices};
        target.query("limit", "1000");
        if (!after.empty()) {
            target.query("after", after);
        }
        auto page = get(*api, target);
        auto& devices = page.at("devices").as_array();
        std::move(devices.begin(), devices.end(), std::back_inserter(rows));
        after = cell(page, "next");
        if (after.empty()) {
            break;
        }
    }
    print_rows(
        rows,
        {{.name = "name"},
         {.name = "type"},
         {.name = "enabled"},
         {.name = "groups"},
         {.name = "policies"},
         {.name = "created"}},
        options.format
    );
    return ExitCode::ok;
}

ExitCode show(const Options& options, const Globals& globals) {
    print_device(get(*registry_api(globals), target_of(options)), options.format);
    return ExitCode::ok;
}

/// "3 of 100": how much of a limit is in use.
std::string use_of(const json::object& session, std::string_view name) {
    const auto& use = session.at(name).as_object();
    const auto limit = cell(use, "limit");
    return limit.empty() ? cell(use, "now") : fmt::format("{} of {}", cell(use, "now"), limit);
}

ExitCode sessions(const Options& options, const Globals& globals) {
    const auto answer =
        get(*gateway_api(globals), Target{"/v1/sessions"}.query("device", options.name));
    if (options.format == Format::json) {
        print_json(answer);
        return ExitCode::ok;
    }
    const auto& rows = answer.at("sessions").as_array();
    if (rows.empty()) {
        print(fmt::format("{} has no session\n", options.name));
    }
    for (const auto& row : rows) {
        const auto& session = row.as_object();
        print(fmt::format(
            "session        {}, {}\n",
            cell(session, "client_id"),
            session.at("online").as_bool() ? "online" : "offline"
        ));
        for (const auto& [label, name] : {
                 std::pair{"queued", "queued"},
                 std::pair{"queued bytes", "queued_bytes"},
                 std::pair{"in flight", "in_flight"},
                 std::pair{"subscriptions", "subscriptions"},
             }) {
            print(fmt::format("{:<15}{}\n", label, use_of(session, name)));
        }
        print(fmt::format("{:<15}{}\n", "unreleased", cell(session, "unreleased")));
        if (const auto reached = cell(session, "limits_reached"); !reached.empty()) {
            print(fmt::format("{:<15}{}\n", "limits reached", reached));
        }
        if (const auto* const limits = session.if_contains("lost_by_limit")) {
            for (const auto& [limit, hits] : limits->as_object()) {
                print(fmt::format(
                    "{:<15}{} by {}, last {}\n",
                    "lost",
                    cell(hits.as_object(), "lost"),
                    std::string_view{limit.data(), limit.size()},
                    cell(hits.as_object(), "last")
                ));
            }
        }
        for (const auto& filter : session.at("filters").as_array()) {
            const auto& each = filter.as_object();
            print(fmt::format("  QoS {}  {}\n", cell(each, "qos"), cell(each, "filter")));
        }
    }
    return ExitCode::ok;
}

ExitCode remove_device(const Options& options, const Globals& globals) {
    remove(*registry_api(globals), target_of(options));
    if (options.format == Format::table) {
        print(fmt::format("deleted {}\n", options.name));
    }
    return ExitCode::ok;
}

/// Posts to a verb of the device and shows what it became.
ExitCode change(
    const Options& options, const Globals& globals, std::string_view verb, const json::object& body
) {
    auto target = target_of(options);
    print_device(post(*registry_api(globals), target.segment(verb), body), options.format);
    return ExitCode::ok;
}

ExitCode enable(const Options& options, const Globals& globals) {
    return change(options, globals, "enable", {});
}

ExitCode disable(const Options& options, const Globals& globals) {
    return change(options, globals, "disable", {});
}

ExitCode attach(const Options& options, const Globals& globals) {
    return change(options, globals, "attach", {{"policy", options.policy}});
}

ExitCode detach(const Options& options, const Globals& globals) {
    return change(options, globals, "detach", {{"policy", options.policy}});
}

ExitCode set_password(const Options& options, const Globals& globals) {
    json::object body{{"password", password_from_stdin()}};
    if (!options.user.empty()) {
        body["user"] = options.user;
    }
    return change(options, globals, "password", body);
}

ExitCode make_token(const Options& options, const Globals& globals) {
    auto target = target_of(options);
    const auto made = post(*registry_api(globals), target.segment("token"));
    if (options.format == Format::json) {
        print_json(made);
    } else {
        print(cell(made, "token") + '\n');
    }
    return ExitCode::ok;
}

/// A sub-command of `weir devices`.
CLI::App& add(
    CLI::App& devices,
    Chosen& chosen,
    const OptionsPtr& options,
    Run run,
    const std::string& verb,
    const std::string& help,
    const std::string& examples
) {
    auto* command = add_command(devices, verb, help, examples);
    add_format(*command, options->format, verb == "list");
    command->callback([&chosen, options, run] {
        chosen = [options, run](const Globals& globals) { return run(*options, globals); };
    });
    return *command;
}

CLI::App& with_name(CLI::App& command, const OptionsPtr& options) {
    command.add_option("name", options->name, "Name of the device")->required();
    return command;
}

void add_create(CLI::App& devices, Chosen& chosen, const OptionsPtr& options) {
    auto& command = with_name(
        add(devices,
            chosen,
            options,
            create,
            "create",
            "Register a device, with a key and a certificate of its own",
            "weir devices create probe-1 --policy sensor\nweir devices create probe-2 --type probe "
            "--attribute site=north --out keys/probe-2"),
        options
    );
    command.add_option("--type", options->type, "Type, for policies that match it");
    command.add_option("--group", options->groups, "Group; may be repeated");
    command.add_option("--policy", options->policies, "Policy to attach; may be repeated");
    command.add_option("--attribute", options->attributes, "key=value; may be repeated")
        ->check([](const std::string& pair) {
            return pair.find('=') == std::string::npos ? "'" + pair + "' is not key=value"
                                                       : std::string{};
        });
    command.add_option(
        "--out",
        options->out,
        "Folder for device.key, device.crt and ca.crt (default: the name; with --password-stdin: "
        "no "
        "certificate)"
    );
    command.add_flag(
        "--password-stdin", options->password_stdin, "Read a password from standard input"
    );
}

}  // namespace

void add_devices(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& devices = *add_command(
        app, "devices", "The devices, their credentials and policies; works without a gateway", ""
    );
    devices.require_subcommand(1);
    add_create(devices, chosen, options);
    add(devices,
        chosen,
        options,
        list,
        "list",
        "All devices",
        "weir devices list\nweir devices list -o csv");

    struct OnOne {
        Run run;
        std::string verb;
        std::string help;
    };
    for (const auto& [run, verb, help] : {
             OnOne{show, "show", "A device with its credentials"},
             OnOne{
                 sessions,
                 "sessions",
                 "A device's sessions: what it subscribes to, what waits, which limits are "
                 "reached"},
             OnOne{remove_device, "delete", "Remove a device with all its credentials"},
             OnOne{enable, "enable", "Let a disabled device connect again"},
             OnOne{disable, "disable", "Disconnect a device and refuse it from now on"},
             OnOne{make_token, "token", "Make a bearer token, which is shown only this once"},
         }) {
        const auto examples =
            fmt::format("weir devices {0} probe-1\nweir devices {0} probe-1 -o json", verb);
        with_name(add(devices, chosen, options, run, verb, help, examples), options);
    }
    for (const auto& [run, verb, help] : {
             OnOne{attach, "attach", "Attach a policy to a device"},
             OnOne{detach, "detach", "Take a policy away from a device"},
         }) {
        const auto examples = fmt::format("weir devices {} probe-1 --policy sensor", verb);
        with_name(add(devices, chosen, options, run, verb, help, examples), options)
            .add_option("--policy", options->policy, "Name of the policy")
            ->required();
    }
    with_name(
        add(devices,
            chosen,
            options,
            set_password,
            "password",
            "Set a password, read from standard input",
            "weir devices password probe-1 < secret\nweir devices password probe-1 --user p1 < "
            "secret"),
        options
    )
        .add_option("--user", options->user, "User name (default: that of the device)");
}

}  // namespace weir::cli
