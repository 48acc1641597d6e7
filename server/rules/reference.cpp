#include <weir/rules/reference.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::rules {
namespace {

std::string_view profiles(const Function& function) {
    switch (function.profiles) {
        case kNativeOnly:
            return "native";
        case kSince2016:
            return "native, 2016";
        default:
            return "all";
    }
}

std::string in_code(std::string_view text) {
    std::string cell = "`";
    for (const char c : text) {
        cell += c == '|' ? "\\|" : std::string{c};
    }
    return cell + '`';
}

std::string example_cell(const Function& function) {
    std::string cell;
    for (const Example& example : examples()) {
        if (example.function != function.name) {
            continue;
        }
        cell += cell.empty() ? "" : "; ";
        cell += in_code(example.expression);
        if (!example.result.empty()) {
            cell += " is " + (example.result == "Undefined" ? std::string{example.result}
                                                            : in_code(example.result));
        }
    }
    return cell;
}

}  // namespace

std::string reference_markdown() {
    std::string out;
    for (const FunctionGroup& group : function_groups()) {
        const Function& any = group.functions.front();
        const bool callable = any.call != nullptr || any.remembers;
        out += fmt::format("### {}\n\n", group.title);
        out += callable ? "| Call | Gives | Profiles | Example |\n|---|---|---|---|\n"
                        : "| Call | Write instead |\n|---|---|\n";
        std::vector<const Function*> sorted;
        for (const Function& function : group.functions) {
            sorted.push_back(&function);
        }
        std::ranges::sort(sorted, {}, &Function::name);
        for (const Function* function : sorted) {
            out += fmt::format("| {} | {} |", in_code(function->signature), function->help);
            out += callable ? fmt::format(" {} | {} |\n", profiles(*function), example_cell(*function))
                            : "\n";
        }
        out += '\n';
    }
    out.pop_back();
    return out;
}

std::string describe(const Function& function) {
    std::string out = fmt::format("{}\n  {}\n", function.signature, function.help);
    if (function.call == nullptr && !function.remembers) {
        return out + "  Not available: it calls a service of AWS.\n";
    }
    out += fmt::format("  Profiles: {}\n", profiles(function));
    for (const Example& example : examples()) {
        if (example.function == function.name) {
            out += fmt::format(
                "  {}{}{}\n", example.expression, example.result.empty() ? "" : "  ->  ", example.result
            );
        }
    }
    return out;
}

}  // namespace weir::rules
