#include "command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdint>

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

void check_numbers(CLI::App& app) {
    for (auto* const option : app.get_options()) {
        if (option->get_type_name().starts_with("UINT")) {
            option->check([](const std::string& text) {
                std::uint64_t number = 0;
                const char* const end = text.data() + text.size();
                const auto read = std::from_chars(text.data(), end, number);
                return read.ec == std::errc{} && read.ptr == end
                           ? std::string{}
                           : fmt::format("'{}' is no whole number from 0 on", text);
            });
        }
    }
    for (auto* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
        check_numbers(*command);
    }
}

void add_format(CLI::App& command, Format& format) {
    const Words<Format> names = {
        {"table", Format::table}, {"json", Format::json}, {"csv", Format::csv}
    };
    command.add_option("-o,--output", format, "table, json or csv")
        ->transform(one_of(names))
        ->type_name("FORMAT");
}

void add_format_without_csv(CLI::App& command, Format& format) {
    const Words<Format> names = {{"table", Format::table}, {"json", Format::json}};
    command.add_option("-o,--output", format, "table or json")
        ->transform(one_of(names))
        ->type_name("FORMAT");
}

}  // namespace weir::cli
