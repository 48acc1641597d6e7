// `weir VERB`: understands the command line and runs one command.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <weir/base/text.hpp>

#include "command.hpp"
#include "init_files.hpp"
#include "suggest.hpp"

namespace {

using namespace weir::cli;

/// Wrong usage goes to standard error with the nearest right word; asked-for help is a result.
ExitCode refuse(
    const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words
) {
    const auto typo = explain_typo(app, words);
    if (typo.empty() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
        std::ostringstream help;
        app.exit(error, help, help);
        print(help.str());
        return ExitCode::ok;
    }
    const auto reached = reached_command(app, words);
    const bool is_group =
        !reached.command->get_subcommands([](const CLI::App*) { return true; }).empty();
    if (typo.empty() && is_group && error.get_name() == "RequiredError") {
        print_error(app.help());  // Of the command that was reached: what is missing is one of its own.
        return ExitCode::usage;
    }
    print_error(fmt::format("weir: {}\n", typo.empty() ? error.what() : typo));
    print_error(fmt::format("next: {} --help\n", reached.words));
    return ExitCode::usage;
}

/// Help in lines that a terminal has room for.
class HelpText final : public CLI::Formatter {
public:
    std::string make_option_desc(const CLI::Option* option) const override {
        return beside(CLI::Formatter::make_option_desc(option));
    }
    std::string make_subcommand(const CLI::App* command) const override {
        std::ostringstream out;
        CLI::detail::format_help(
            out, command->get_display_name(true), beside(command->get_description()), get_column_width()
        );
        return out.str();
    }
    std::string make_description(const CLI::App* command) const override {
        return weir::wrapped(CLI::Formatter::make_description(command), kWidth, 0);
    }

private:
    static constexpr std::size_t kWidth = 100;

    /// For the right column, where CLI11 sets all lines below each other.
    [[nodiscard]] std::string beside(const std::string& text) const {
        return weir::wrapped(text, kWidth - get_column_width(), 0);
    }
};

/// `weir help cert issue` and `weir -c my-gw help cert issue` are `weir cert issue --help`.
std::vector<std::string> words_of(int argc, char** argv) {
    std::vector<std::string> words{argv + 1, argv + argc};
    auto first = words.begin();
    while (first != words.end() && first->starts_with('-')) {
        const bool has_value = *first == "-c" || *first == "--config";
        first += std::min(has_value ? 2 : 1, static_cast<int>(words.end() - first));
    }
    if (first != words.end() && *first == "help") {
        words.erase(first);
        words.emplace_back("--help");
    }
    return words;
}

/// Who stands in a gateway's folder means that one.
std::filesystem::path default_config() {
    std::error_code ignored;
    return std::filesystem::is_regular_file("weir.yaml", ignored) ? "." : kSystemFolder;
}

ExitCode run(int argc, char** argv) {
    CLI::App app{"weir: a self-hosted gateway for device fleets", "weir"};
    app.formatter(std::make_shared<HelpText>());
    app.footer("weir help COMMAND: what a command does, with examples\n\n" + std::string{kExitCodesText});
    app.set_version_flag("--version", "weir " WEIR_VERSION, "Print the version");
    app.require_subcommand(1);
    Globals globals{.config = default_config()};
    app.add_option(
           "-c,--config",
           globals.config,
           "weir.yaml or its folder (default: $WEIR_CONFIG, this folder if it has one, /etc/weir)"
    )
        ->envname("WEIR_CONFIG")
        ->type_name("PATH");
    Chosen chosen;
    for (const auto add :
         {add_demo,
          add_init,
          add_check,
          add_serve,
          add_reload,
          add_status,
          add_devices,
          add_sessions,
          add_retained,
          add_messages,
          add_policies,
          add_can_i,
          add_why,
          add_rules,
          add_streams,
          add_sinks,
          add_usage,
          add_storage,
          add_cert,
          add_bench,
          add_explain,
          add_version}) {
        add(app, chosen);
    }
    check_numbers(app);
    const auto words = words_of(argc, argv);
    try {
        app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
    } catch (const CLI::ParseError& error) {
        return refuse(app, error, words);
    }
    return chosen(globals);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // A reader that leaves is seen as EPIPE.
    try {
        return static_cast<int>(run(argc, argv));
    } catch (const Failure& failure) {
        print_error(fmt::format("weir: {}\n", failure.what()));
        if (!failure.next_step().empty()) {
            print_error(fmt::format("next: {}\n", failure.next_step()));
        }
        return static_cast<int>(failure.code());
    } catch (const std::exception& error) {
        print_error(fmt::format("weir: {}\n", error.what()));
        return static_cast<int>(ExitCode::failed);
    }
}
