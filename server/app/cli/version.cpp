#include <fmt/format.h>

#include <memory>

#include "command.hpp"

namespace weir::cli {
namespace {

ExitCode version(Format format) {
    print(
        format == Format::json ? fmt::format(
                                     "{{\"version\": \"{}\", \"compiler\": \"{}\"}}\n",
                                     WEIR_VERSION,
                                     __VERSION__
                                 )
                               : fmt::format("weir {}\n", WEIR_VERSION)
    );
    return ExitCode::ok;
}

}  // namespace

void add_version(CLI::App& app, Chosen& chosen) {
    auto* command =
        add_command(app, "version", "Print the version", "weir version\nweir version -o json");
    const auto format = std::make_shared<Format>(Format::table);
    add_format_without_csv(*command, *format);
    choose(*command, chosen, format, version);
}

}  // namespace weir::cli
