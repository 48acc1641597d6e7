#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <weir/base/text.hpp>

#include "command.hpp"
#include "device_command.hpp"
#include "device_files.hpp"
#include "file_io.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::string type;
    std::string policy;
    std::vector<std::string> groups;
    std::vector<std::string> policies;
    std::vector<std::string> attributes;
    std::string certificate;
    std::string out;
    bool password_stdin = false;
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;
using Run = ExitCode (*)(const Options&, const Globals&);

constexpr auto* kDevices = "/v1/devices";

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
    if (!options.certificate.empty()) {
        request["certificate"] = read_text(options.certificate);
    }
    const bool has_proof = options.password_stdin || !options.certificate.empty();
    if (has_proof && options.out.empty()) {
        print_device(post(*api, Target{kDevices}, request), options.format);
        warn_of_unknown(*api, options.policies);
        return ExitCode::ok;
    }
    const auto folder = options.out.empty() ? options.name : options.out;
    DeviceFiles files{folder, certificate_folder(globals), options.name};
    request["certificate"] = files.certificate();
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
    warn_of_unknown(*api, options.policies);
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
    print_device(get(*registry_api(globals), device_target(options.name)), options.format);
    return ExitCode::ok;
}

ExitCode remove_device(const Options& options, const Globals& globals) {
    remove(*registry_api(globals), device_target(options.name));
    if (options.format == Format::table) {
        print(fmt::format("deleted {}\n", options.name));
    }
    return ExitCode::ok;
}

/// Posts to a verb of the device and shows what it became.
void change(
    Api& api, const Options& options, std::string_view verb, const json::object& body = {}
) {
    auto target = device_target(options.name);
    print_device(post(api, target.segment(verb), body), options.format);
}

ExitCode enable(const Options& options, const Globals& globals) {
    change(*registry_api(globals), options, "enable");
    return ExitCode::ok;
}

ExitCode disable(const Options& options, const Globals& globals) {
    change(*registry_api(globals), options, "disable");
    return ExitCode::ok;
}

ExitCode attach(const Options& options, const Globals& globals) {
    const auto api = registry_api(globals);
    change(*api, options, "attach", {{"policy", options.policy}});
    warn_of_unknown(*api, {options.policy});
    return ExitCode::ok;
}

ExitCode detach(const Options& options, const Globals& globals) {
    change(*registry_api(globals), options, "detach", {{"policy", options.policy}});
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
    const auto add_its_format = verb == "list" ? add_format : add_format_without_csv;
    add_its_format(*command, options->format);
    choose(*command, chosen, options, run);
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
            "--attribute site=north --out keys/probe-2\nweir devices create probe-3 --certificate "
            "probe-3.crt"),
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
    auto* const certificate = command.add_option(
        "--certificate",
        options->certificate,
        "Register this certificate (PEM) of another CA, instead of issuing one; TLS must trust "
        "that CA: client_ca"
    );
    command
        .add_option(
            "--out",
            options->out,
            "Folder for device.key, device.crt and ca.crt (default: the name; with "
            "--password-stdin: no certificate)"
        )
        ->excludes(certificate);
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
             OnOne{remove_device, "delete", "Remove a device with all its credentials"},
             OnOne{enable, "enable", "Let a disabled device connect again"},
             OnOne{disable, "disable", "Disconnect a device and refuse it from now on"},
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
    add_device_credentials(devices, chosen);
    add_device_import(devices, chosen);
}

}  // namespace weir::cli
