#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "cert_files.hpp"
#include "command.hpp"
#include "file_io.hpp"
#include "init_files.hpp"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string folder;
    std::vector<std::string> names;
};

constexpr std::chrono::days kCaDays{3'650};
constexpr std::chrono::days kServerDays{825};

/// The gateway is reached under the names given, and always as this machine itself.
std::vector<std::string> all_names(std::vector<std::string> names) {
    std::array<char, 256> host{};
    if (names.empty() && ::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
        names.emplace_back(host.data());
    }
    for (const auto* name : {"localhost", "127.0.0.1", "::1"}) {
        if (std::ranges::find(names, name) == names.end()) {
            names.emplace_back(name);
        }
    }
    return names;
}

void write_all(const fs::path& folder, const std::vector<std::string>& names) {
    for (const auto& [path, text] : init_files(folder)) {
        write_text(folder / path, text);
    }
    const auto ca = create_ca(folder / "certs", "weir devices CA", kCaDays);
    write_issued(
        folder / "certs",
        "weir",
        value_or_fail(
            ca.issue_server(server_names(names), valid_for(kServerDays)),
            fmt::format("cannot issue a certificate for {}", fmt::join(names, ", "))
        )
    );
}

ExitCode init(const Options& options) {
    const fs::path folder{options.folder};
    std::error_code error;
    const bool was_there = fs::exists(folder, error);
    if (was_there && !fs::is_empty(folder, error)) {
        throw Failure{fmt::format("'{}' is not empty", options.folder), "weir init ANOTHER-DIR"};
    }
    const auto names = all_names(options.names);
    try {
        write_all(folder, names);
    } catch (const std::exception&) {  // It was empty: all that is there is half of a configuration.
        for (const auto& entry : fs::directory_iterator{folder, error}) {
            fs::remove_all(entry.path(), error);
        }
        if (!was_there) {
            fs::remove(folder, error);
        }
        throw;
    }
    print(fmt::format(
        "wrote a first configuration to {0}\n"
        "  {0}/weir.yaml             one TLS port, 8883, for all protocols\n"
        "  {0}/policies.d            what devices may do\n"
        "  {0}/rules.d               what happens with their messages\n"
        "  {0}/certs                 a CA for devices, and the gateway's certificate for {1}\n"
        "next: weir check {0}\n"
        "      weir serve --config {0}\n",
        options.folder,
        fmt::join(names, ", ")
    ));
    return ExitCode::ok;
}

}  // namespace

void add_init(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "init",
        "Write a first configuration with certificates",
        "weir init my-gw\nweir init my-gw --name gw.example --name 10.0.0.5"
    );
    const auto options = std::make_shared<Options>();
    command->add_option("dir", options->folder, "A new or empty folder")->required();
    command->add_option(
        "--name",
        options->names,
        "Name or address under which devices reach the gateway; may be repeated"
    );
    choose(*command, chosen, options, init);
}

}  // namespace weir::cli
