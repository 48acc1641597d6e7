#include <fmt/format.h>

#include <memory>
#include <weir/identity/thing.hpp>
#include <weir/identity/x509.hpp>

#include "cert_files.hpp"
#include "command.hpp"
#include "file_io.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string folder = ".";
    std::string out;
    std::string name = "weir devices CA";
    std::string thing;
    std::vector<std::string> server;
    std::string file;
    int days = 0;
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;

constexpr int kCaDays = 3'650;
constexpr int kLeafDays = 365;
constexpr int kDaysMax = 36'500;

ExitCode make_ca(const Options& options) {
    create_ca(options.folder, options.name, std::chrono::days{options.days});
    print(fmt::format("wrote {0}/devices-ca.crt and {0}/devices-ca.key\n", options.folder));
    return ExitCode::ok;
}

ExitCode issue(const Options& options) {
    const auto ca = load_ca(options.folder);
    const auto validity = valid_for(std::chrono::days{options.days});
    const bool for_device = !options.thing.empty();
    const auto issued = for_device ? ca.issue_device(options.thing, validity)
                                   : ca.issue_server(server_names(options.server), validity);
    const auto stem = for_device ? options.thing : std::string{"weir"};
    const auto folder = options.out.empty() ? options.folder : options.out;
    write_issued(
        folder,
        stem,
        value_or_fail(issued, fmt::format("cannot issue a certificate for '{}'", stem))
    );
    print(fmt::format("wrote {0}/{1}.crt and {0}/{1}.key\n", folder, stem));
    return ExitCode::ok;
}

ExitCode inspect(const Options& options) {
    const auto facts = value_or_fail(
        identity::parse_certificate_pem(read_text(options.file)),
        fmt::format("'{}' is no certificate", options.file)
    );
    auto text =
        options.format == Format::json ? identity::to_json(facts) : identity::to_text(facts);
    if (!text.ends_with('\n')) {
        text += '\n';
    }
    print(text);
    return ExitCode::ok;
}

void add_days(CLI::App& command, const OptionsPtr& options, int days) {
    command
        .add_option("--days", options->days, fmt::format("Days of validity (default: {})", days))
        ->check(CLI::Range(1, kDaysMax).description(""));
    command.preparse_callback([options, days](std::size_t) { options->days = days; });
}

}  // namespace

void add_cert(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto* cert =
        add_command(app, "cert", "A small certificate authority for fleets that have none", "");
    cert->require_subcommand(1);

    auto* ca = add_command(
        *cert,
        "ca",
        "Create a CA",
        "weir cert ca --dir certs\nweir cert ca --dir certs --name \"plant 7\""
    );
    ca->add_option(
        "--dir", options->folder, "Folder of devices-ca.crt and devices-ca.key (default: .)"
    );
    ca->add_option("--name", options->name, "Common name of the CA");
    add_days(*ca, options, kCaDays);
    ca->callback([&chosen, options] { chosen = [options] { return make_ca(*options); }; });

    auto* issue_command = add_command(
        *cert,
        "issue",
        "Issue a certificate for a device or for the gateway",
        "weir cert issue --dir certs --thing probe-1 --out probe-1\nweir cert issue --dir certs "
        "--server gw.example --server 10.0.0.5"
    );
    issue_command->add_option("--dir", options->folder, "Folder of the CA (default: .)");
    issue_command->add_option(
        "--out", options->out, "Folder for the new files (default: that of the CA)"
    );
    auto* which = issue_command->add_option_group("for");
    which->add_option("--thing", options->thing, "Name of a device")
        ->check([](const std::string& name) {
            return identity::is_valid_name(name) ? std::string{}
                                                 : "'" + name + "' is not a name of a device";
        });
    which->add_option(
        "--server", options->server, "Name or address of the gateway; may be repeated"
    );
    which->require_option(1);
    add_days(*issue_command, options, kLeafDays);
    issue_command->callback([&chosen, options] { chosen = [options] { return issue(*options); }; });

    auto* inspect_command = add_command(
        *cert,
        "inspect",
        "Show what a certificate says",
        "weir cert inspect certs/weir.crt\nweir cert inspect certs/weir.crt -o json"
    );
    inspect_command->add_option("file", options->file, "Certificate (PEM)")->required();
    add_format(*inspect_command, options->format, false);
    inspect_command->callback([&chosen, options] {
        chosen = [options] { return inspect(*options); };
    });
}

}  // namespace weir::cli
