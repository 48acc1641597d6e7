/// The commands of `weir`: one file each, which adds its options to the command line and runs it.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "exit_code.hpp"
#include "output.hpp"

namespace weir::cli {

/// A command that cannot go on: printed as `weir: message`, with the next step on a line of its
/// own.
class Failure : public std::runtime_error {
public:
    explicit Failure(
        const std::string& message, std::string next_step = {}, ExitCode code = ExitCode::failed
    )
        : std::runtime_error{message}, next_step_{std::move(next_step)}, code_{code} {}

    [[nodiscard]] const std::string& next_step() const noexcept { return next_step_; }
    [[nodiscard]] ExitCode code() const noexcept { return code_; }

private:
    std::string next_step_;
    ExitCode code_;
};

/// What stands on the line for every command.
struct Globals {
    std::filesystem::path config;  ///< weir.yaml or its folder.
};

/// Set by the command that was chosen; main() runs it after the whole line was understood.
using Chosen = std::function<ExitCode(const Globals&)>;

/// Has `command` run `run(*options, globals)`, or `run(*options)`, when it is the one on the line.
template <class Options, class Run>
void choose(CLI::App& command, Chosen& chosen, const std::shared_ptr<Options>& options, Run run) {
    command.callback([&chosen, options, run] {
        chosen = [options, run](const Globals& globals) {
            if constexpr (std::is_invocable_v<Run, const Options&, const Globals&>) {
                return run(*options, globals);
            } else {
                return run(*options);
            }
        };
    });
}

/// Adds a sub-command. `examples` are shown by `--help`, one per line, and run by the tests of the
/// documentation.
CLI::App* add_command(
    CLI::App& parent, const std::string& name, const std::string& help, const std::string& examples
);
/// The words of an option whose values are enumerators, in the order in which they are told.
template <class E>
using Words = std::vector<std::pair<std::string, E>>;

/// "'yaml' is none of table, json, csv"
[[nodiscard]] std::string none_of(const std::string& word, const std::vector<std::string>& words);

/// For Option::transform(): takes one of the words, in any case.
template <class E>
[[nodiscard]] CLI::Validator one_of(const Words<E>& words) {
    const auto take = [words](std::string& value) {
        std::vector<std::string> known;
        for (const auto& [word, meaning] : words) {
            if (CLI::detail::to_lower(value) == word) {
                value = CLI::detail::value_string(meaning);
                return std::string{};
            }
            known.push_back(word);
        }
        return none_of(value, known);
    };
    return {take, ""};
}

/// Options that count something refuse what is no number of theirs: CLI11 takes "-1" and numbers beyond 64 bits for
/// 2^64 - 1. To be called when all commands are there.
void check_numbers(CLI::App& app);
/// Adds `-o table|json|csv`.
void add_format(CLI::App& command, Format& format);
/// Adds `-o table|json`: for what is no table of rows.
void add_format_without_csv(CLI::App& command, Format& format);

void add_bench(CLI::App& app, Chosen& chosen);
void add_can_i(CLI::App& app, Chosen& chosen);
void add_cert(CLI::App& app, Chosen& chosen);
void add_check(CLI::App& app, Chosen& chosen);
void add_demo(CLI::App& app, Chosen& chosen);
void add_devices(CLI::App& app, Chosen& chosen);
void add_explain(CLI::App& app, Chosen& chosen);
void add_init(CLI::App& app, Chosen& chosen);
void add_messages(CLI::App& app, Chosen& chosen);
void add_policies(CLI::App& app, Chosen& chosen);
void add_reload(CLI::App& app, Chosen& chosen);
void add_retained(CLI::App& app, Chosen& chosen);
void add_rules(CLI::App& app, Chosen& chosen);
void add_sessions(CLI::App& app, Chosen& chosen);
void add_serve(CLI::App& app, Chosen& chosen);
void add_sinks(CLI::App& app, Chosen& chosen);
void add_status(CLI::App& app, Chosen& chosen);
void add_storage(CLI::App& app, Chosen& chosen);
void add_streams(CLI::App& app, Chosen& chosen);
void add_usage(CLI::App& app, Chosen& chosen);
void add_version(CLI::App& app, Chosen& chosen);
void add_why(CLI::App& app, Chosen& chosen);

}  // namespace weir::cli
