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
    std::string ca = ".";
    std::string out;
    std::string name;
    bool server = false;
    std::vector<std::string> dns;
    std::vector<std::string> ip;
    std::string file;
    int days = 0;
    bool force = false;
    Format format = Format::table;

    [[nodiscard]] Existing existing() const { return force ? Existing::replace : Existing::refuse; }
};
using OptionsPtr = std::shared_ptr<Options>;

constexpr int kCaDays = 3'650;
constexpr int kLeafDays = 365;
constexpr int kDaysMax = 36'500;

ExitCode make_ca(const Options& options) {
    const auto folder = options.out.empty() ? "." : options.out;
    create_ca(
        folder,
        options.name.empty() ? "weir devices CA" : options.name,
        std::chrono::days{options.days},
        options.existing()
    );
    print(fmt::format("wrote {0}/ca.crt and {0}/ca.key\n", folder));
    return ExitCode::ok;
}

ExitCode issue(const Options& options) {
    const auto ca = load_ca(options.ca);
    const auto validity = valid_for(std::chrono::days{options.days});
    const auto issued = options.server
                            ? ca.issue_server({.dns = options.dns, .ip = options.ip}, validity)
                            : ca.issue_device(options.name, validity);
    const auto stem = options.server ? options.name : std::string{"device"};
    const auto folder = options.out.empty() ? options.ca : options.out;
    write_issued(
        folder,
        stem,
        value_or_fail(issued, fmt::format("cannot issue a certificate for '{}'", options.name)),
        options.existing()
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

void add_issue(CLI::App& cert, Chosen& chosen, const OptionsPtr& options) {
    auto& command = *add_command(
        cert,
        "issue",
        "Issue a certificate for a device or for the gateway",
        "weir cert issue --ca certs --name probe-1 --out probe-1\nweir cert issue --ca certs "
        "--server --name weir --dns gw.example --ip 10.0.0.5"
    );
    command.add_option("--ca", options->ca, "Folder of the CA (default: .)");
    command
        .add_option(
            "--name", options->name, "Of the device; with --server: of the files, such as weir"
        )
        ->required()
        ->check([](const std::string& name) {
            return identity::is_valid_name(name) ? std::string{}
                                                 : "'" + name + "' is not a name of a device";
        });
    auto* server = command.add_flag("--server", options->server, "For the gateway");
    command.add_option("--dns", options->dns, "Name of the gateway; may be repeated")
        ->needs(server);
    command.add_option("--ip", options->ip, "Address of the gateway; may be repeated")
        ->needs(server);
    command.add_option(
        "--out",
        options->out,
        "Folder for device.crt and device.key, or NAME.crt and NAME.key (default: that of the CA)"
    );
    command.add_flag("--force", options->force, "Replace files that are there");
    add_days(command, options, kLeafDays);
    choose(command, chosen, options, issue);
}

}  // namespace

void add_cert(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& cert =
        *add_command(app, "cert", "A small certificate authority for fleets that have none", "");
    cert.require_subcommand(1);

    auto& ca = *add_command(
        cert,
        "ca",
        "Create a CA",
        "weir cert ca --out certs\nweir cert ca --out certs --name \"plant 7\""
    );
    ca.add_option("--out", options->out, "Folder for ca.crt and ca.key (default: .)");
    ca.add_option("--name", options->name, "Common name of the CA");
    ca.add_flag("--force", options->force, "Replace files that are there");
    add_days(ca, options, kCaDays);
    choose(ca, chosen, options, make_ca);

    add_issue(cert, chosen, options);

    auto& inspect_command = *add_command(
        cert,
        "inspect",
        "Show what a certificate says",
        "weir cert inspect certs/weir.crt\nweir cert inspect certs/weir.crt -o json"
    );
    inspect_command.add_option("file", options->file, "Certificate (PEM)")->required();
    add_format_without_csv(inspect_command, options->format);
    choose(inspect_command, chosen, options, inspect);
}

}  // namespace weir::cli
