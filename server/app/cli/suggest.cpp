#include "suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>
#include <weir/base/text.hpp>

namespace weir::cli {
namespace {

std::string unknown(
    std::string_view what, std::string_view word, const std::vector<std::string>& known
) {
    const std::vector<std::string_view> candidates{known.begin(), known.end()};
    if (const auto near = nearest(word, candidates)) {
        return fmt::format("unknown {} '{}', did you mean '{}'?", what, word, *near);
    }
    return fmt::format("unknown {} '{}'", what, word);
}

/// Of the command and of those around it.
std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command = &app; command != nullptr; command = command->get_parent()) {
        for (const auto* option : command->get_options()) {
            for (const auto& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
    }
    return names;
}

/// True for an option whose value is the next word.
bool takes_next(const CLI::App& app, const std::string& word) {
    for (const auto* command = &app; command != nullptr; command = command->get_parent()) {
        if (const auto* const option = command->get_option_no_throw(word)) {
            return option->get_items_expected_max() > 0;
        }
    }
    return false;
}

/// Null if there is none of that name.
const CLI::App* find_command(const CLI::App& app, std::string_view name) {
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (command->get_name() == name) {
            return command;
        }
    }
    return nullptr;
}

}  // namespace

Reached reached_command(const CLI::App& app, std::span<const std::string> words) {
    Reached reached{"weir", &app};
    bool is_value = false;
    for (const auto& word : words) {
        if (std::exchange(
                is_value, word.starts_with('-') && takes_next(*reached.command, word)
            )) {
            continue;
        }
        if (const auto* const next = find_command(*reached.command, word)) {
            reached = {reached.words + " " + word, next};
        }
    }
    return reached;
}

std::string explain_typo(const CLI::App& app, std::span<const std::string> words) {
    const CLI::App* current = &app;
    bool is_value = false;
    for (const auto& word : words) {
        if (std::exchange(is_value, word.starts_with('-') && takes_next(*current, word))) {
            continue;
        }
        if (word == "--") {
            return {};
        }
        if (word.starts_with("--")) {
            const auto name = word.substr(0, word.find('='));
            const auto names = option_names(*current);
            if (std::ranges::find(names, name) == names.end()) {
                return unknown("option", name, names);
            }
        } else if (!word.starts_with('-')) {
            const auto commands = current->get_subcommands([](const CLI::App*) { return true; });
            if (commands.empty()) {
                continue;
            }
            const auto found = std::ranges::find(commands, word, &CLI::App::get_name);
            if (found == commands.end()) {
                std::vector<std::string> names;
                std::ranges::transform(commands, std::back_inserter(names), &CLI::App::get_name);
                return unknown("command", word, names);
            }
            current = *found;
        }
    }
    return {};
}

}  // namespace weir::cli
