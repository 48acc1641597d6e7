#include "command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weir::cli {

CLI::App* add_command(
    CLI::App& parent, const std::string& name, const std::string& help, const std::string& examples
) {
    auto* command = parent.add_subcommand(name, help);
    command->fallthrough();  // Options of every command may stand behind it, too.
    std::string footer;
    if (!examples.empty()) {
        footer = "Examples:\n  ";
        for (const char c : examples) {
            footer += c == '\n' ? "\n  " : std::string{c};
        }
        footer += "\n\n";
    }
    command->footer(footer + std::string{kExitCodesText});
    return command;
}

std::string none_of(const std::string& word, const std::vector<std::string>& words) {
    return fmt::format("'{}' is none of {}", word, fmt::join(words, ", "));
}

void add_format(CLI::App& command, Format& format, bool with_csv) {
    Words<Format> names = {{"table", Format::table}, {"json", Format::json}};
    if (with_csv) {
        names.emplace_back("csv", Format::csv);
    }
    command.add_option("-o,--output", format, with_csv ? "table, json or csv" : "table or json")
        ->transform(one_of(names))
        ->type_name("FORMAT");
}

}  // namespace weir::cli
