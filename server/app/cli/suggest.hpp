/// "Did you mean" for command lines.
#pragma once

#include <CLI/CLI.hpp>

#include <span>
#include <string>

namespace weir::cli {

/// The first word of the line that is no command or option where it stands, with the nearest one
/// that is.
/// @return "unknown command 'chekc', did you mean 'check'?"; empty if that is not what is wrong.
[[nodiscard]] std::string explain_typo(const CLI::App& app, std::span<const std::string> words);

/// The command that the line has reached: "weir cert issue" and its options.
struct Reached {
    std::string words;
    const CLI::App* command;
};
[[nodiscard]] Reached reached_command(const CLI::App& app, std::span<const std::string> words);

}  // namespace weir::cli
