// What proves a device: adding, renewing and revoking it.
#include <fmt/format.h>

#include <chrono>
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
    bool issue = false;
    std::string out;
    std::string add;
    std::string remove;
    std::string expires;
    std::string user;
    bool remove_user = false;
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;

Target verb_of(const Options& options, std::string_view verb) {
    auto target = device_target(options.name);
    target.segment(verb);
    return target;
}

bool has_credentials(const json::object& device) {
    for (const auto* kind : {"certificates", "users", "tokens"}) {
        if (!device.at(kind).as_array().empty()) {
            return true;
        }
    }
    return false;
}

/// Prints what is left of a device's credentials.
ExitCode removed(const Options& options, const json::object& device) {
    print_device(device, options.format);
    if (!has_credentials(device)) {
        print_error(fmt::format(
            "warning: {} has no credential left and cannot connect\n", options.name
        ));
    }
    return ExitCode::ok;
}

ExitCode issue(const Options& options, const Globals& globals) {
    const auto api = registry_api(globals);
    DeviceFiles files{options.out, certificate_folder(globals), options.name};
    const auto device =
        post(*api, verb_of(options, "certificate"), {{"certificate", files.certificate()}});
    files.keep();
    if (options.format == Format::json) {
        print_json(device);
        return ExitCode::ok;
    }
    print(fmt::format(
        "issued a certificate for {0}: {1}/device.key, {1}/device.crt, {1}/ca.crt\n"
        "those that it had stay valid; when it connects with the new one, remove them:\n"
        "weir devices certificate {0} --remove SHA256\n",
        options.name,
        options.out
    ));
    print_device(device, options.format);
    return ExitCode::ok;
}

ExitCode certificate(const Options& options, const Globals& globals) {
    if (options.issue) {
        return issue(options, globals);
    }
    if (!options.add.empty()) {
        const auto pem = read_text(options.add);
        const auto api = registry_api(globals);
        print_device(
            post(*api, verb_of(options, "certificate"), {{"certificate", pem}}), options.format
        );
        return ExitCode::ok;
    }
    return removed(
        options,
        remove(*registry_api(globals), verb_of(options, "certificate").segment(options.remove))
    );
}

ExitCode token(const Options& options, const Globals& globals) {
    const auto api = registry_api(globals);
    if (options.remove == "all") {
        return removed(options, remove(*api, verb_of(options, "token")));
    }
    if (!options.remove.empty()) {
        return removed(options, remove(*api, verb_of(options, "token").segment(options.remove)));
    }
    json::object body;
    if (!options.expires.empty()) {
        const auto valid = parse_duration(options.expires).value();
        body["valid_s"] = std::chrono::ceil<std::chrono::seconds>(valid).count();
    }
    const auto made = post(*api, verb_of(options, "token"), body);
    if (options.format == Format::json) {
        print_json(made);
    } else {
        print(cell(made, "token") + '\n');
    }
    return ExitCode::ok;
}

ExitCode password(const Options& options, const Globals& globals) {
    const auto& user = options.user.empty() ? options.name : options.user;
    if (options.remove_user) {
        return removed(
            options, remove(*registry_api(globals), verb_of(options, "password").segment(user))
        );
    }
    const json::object body{{"user", user}, {"password", password_from_stdin()}};
    print_device(
        post(*registry_api(globals), verb_of(options, "password"), body), options.format
    );
    return ExitCode::ok;
}

CLI::App& add(
    CLI::App& devices,
    const OptionsPtr& options,
    const std::string& verb,
    const std::string& help,
    const std::string& examples
) {
    auto& command = *add_command(devices, verb, help, examples);
    add_format_without_csv(command, options->format);
    command.add_option("name", options->name, "Name of the device")->required();
    return command;
}

void add_certificate(CLI::App& devices, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& command =
        add(devices,
            options,
            "certificate",
            "Renew a device's certificate, register one of another CA, or revoke one",
            "weir devices certificate probe-1 --issue --out keys/probe-1-new\n"
            "weir devices certificate probe-1 --add probe-1.crt\n"
            "weir devices certificate probe-1 --remove 9f86d081");
    auto* const issues = command.add_flag(
        "--issue", options->issue, "A new key and certificate by the CA of weir init"
    );
    auto* const out = command.add_option(
        "--out", options->out, "Folder for device.key, device.crt and ca.crt; nothing is replaced"
    );
    auto* const adds = command.add_option(
        "--add", options->add, "Register this certificate (PEM); TLS must trust its CA: client_ca"
    );
    auto* const removes = command.add_option(
        "--remove",
        options->remove,
        "Revoke the certificate with this SHA-256; its first 8 digits are enough. Connections that "
        "it proved end within a second, and so do their sessions"
    );
    issues->needs(out)->excludes(adds)->excludes(removes);
    out->needs(issues);
    adds->excludes(removes);
    command.callback([&chosen, options] {
        if (!options->issue && options->add.empty() && options->remove.empty()) {
            throw CLI::RequiredError{"one of --issue, --add and --remove"};
        }
        chosen = [options](const Globals& globals) { return certificate(*options, globals); };
    });
}

void add_token(CLI::App& devices, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& command =
        add(devices,
            options,
            "token",
            "Make a bearer token, which is shown only this once; those that there are stay valid",
            "weir devices token probe-1\nweir devices token probe-1 --expires 30d\nweir devices token "
            "probe-1 --remove all");
    auto* const expires = command.add_option(
        "--expires", options->expires, "Valid for so long, such as 30d (default: until it is removed)"
    );
    expires->check([](const std::string& text) {
        const auto valid = parse_duration(text);
        return valid && valid->count() > 0 ? std::string{}
                                           : "'" + text + "' is not a duration such as 30d";
    });
    auto* const removes = command.add_option(
        "--remove",
        options->remove,
        "Revoke this one, by its id in `weir devices show`, or `all`. The next request that bears "
        "it is refused"
    );
    expires->excludes(removes);
    choose(command, chosen, options, token);
}

void add_password(CLI::App& devices, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& command =
        add(devices,
            options,
            "password",
            "Set a password, read from standard input, or remove the user",
            "weir devices password probe-1 < secret\nweir devices password probe-1 --user p1 < "
            "secret\nweir devices password probe-1 --user p1 --remove");
    command.add_option("--user", options->user, "User name (default: that of the device)");
    command.add_flag(
        "--remove",
        options->remove_user,
        "Remove the user with its password. Connections that it proved end within a second, and "
        "so do their sessions"
    );
    choose(command, chosen, options, password);
}

}  // namespace

void add_device_credentials(CLI::App& devices, Chosen& chosen) {
    add_certificate(devices, chosen);
    add_token(devices, chosen);
    add_password(devices, chosen);
}

}  // namespace weir::cli
