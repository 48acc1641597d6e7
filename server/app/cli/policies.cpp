// What policies say, and who has them.
#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    Format format = Format::table;
};

constexpr auto* kPolicies = "/v1/policies";
constexpr std::size_t kDevicesShown = 20;

ExitCode list(const Options& options, const Globals& globals) {
    const auto answer = get(*registry_api(globals), Target{kPolicies});
    print_rows(
        answer.at("policies").as_array(),
        {{.name = "name"},
         {.name = "applies"},
         {.name = "lines", .is_number = true},
         {.name = "devices", .is_number = true},
         {.name = "source"}},
        options.format
    );
    return ExitCode::ok;
}

void print_line(std::string_view label, std::string_view text) {
    if (!text.empty()) {
        print(fmt::format("{:<15}{}\n", label, text));
    }
}

/// "thing_type probe, group a, b"; empty: by attachment only.
std::string match_text(const json::object& policy) {
    const auto& match = policy.at("match");
    if (match.is_null()) {
        return {};
    }
    if (match.at("anonymous").as_bool()) {
        return "anonymous";
    }
    std::string text;
    for (const auto* key : {"thing", "thing_type", "group"}) {
        if (const auto values = cell(match.as_object(), key); !values.empty()) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, values);
        }
    }
    return text;
}

/// What a publish line says of RETAIN, where that is not what one would expect of it.
std::string_view retain_text(const json::object& line) {
    const auto retain = cell(line, "retain");
    if (retain == "any" && cell(line, "effect") == "allow") {
        return "  also with RETAIN";
    }
    return retain == "only" ? "  with RETAIN only" : "";
}

void print_lines(const json::object& policy) {
    for (const auto& each : policy.at("lines").as_array()) {
        const auto& line = each.as_object();
        print(fmt::format(
            "  {} {} {} \"{}\"{}\n",
            cell(line, "source"),
            cell(line, "effect"),
            cell(line, "right"),
            cell(line, "pattern"),
            retain_text(line)
        ));
    }
}

void print_devices(const json::object& policy) {
    print_line("devices", cell(policy, "devices"));
    const auto& held_by = policy.at("held_by").as_array();
    for (const auto& each : held_by) {
        print(fmt::format("  {}  {}\n", cell(each.as_object(), "name"), cell(each.as_object(), "by")));
    }
    if (!cell(policy, "next").empty()) {
        print("  ...  all of them: -o json\n");
    }
}

void print_policy(const json::object& policy) {
    print_line("policy", cell(policy, "name"));
    if (const auto source = cell(policy, "source"); source.empty()) {
        print_line("file", "none: it allows nothing until there is one");
    } else {
        const auto match = match_text(policy);
        print_line("file", source);
        print_line("applies", match.empty() ? "where it is attached" : match + ", or attached");
        print_line("on violation", cell(policy, "on_violation"));
        print_line("standing", cell(policy, "standing"));
        print_line("publish rate", cell(policy, "publish_rate"));
        print_line("byte rate", cell(policy, "byte_rate"));
        print_lines(policy);
    }
    print_devices(policy);
}

ExitCode show(const Options& options, const Globals& globals) {
    const auto api = registry_api(globals);
    const bool is_json = options.format == Format::json;
    const auto page = [&](std::string_view after) {
        Target target{kPolicies};
        target.segment(options.name)
            .query("limit", fmt::to_string(is_json ? 1'000 : kDevicesShown))
            .query("after", after);
        return get(*api, target);
    };
    auto policy = page("");
    if (!is_json) {
        print_policy(policy);
        return ExitCode::ok;
    }
    auto& devices = policy.at("held_by").as_array();
    for (auto after = cell(policy, "next"); !after.empty();) {
        auto more = page(after);
        auto& next = more.at("held_by").as_array();
        std::move(next.begin(), next.end(), std::back_inserter(devices));
        after = cell(more, "next");
    }
    policy.erase("next");
    print_json(policy);
    return ExitCode::ok;
}

}  // namespace

void add_policies(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& policies = *add_command(app, "policies", "What policies say, and which devices have them", "");
    policies.require_subcommand(1);

    auto& all = *add_command(
        policies,
        "list",
        "All policies, how they come to apply to a device, and to how many they do",
        "weir policies list\nweir policies list -o json"
    );
    add_format(all, options->format);
    choose(all, chosen, options, list);

    auto& one = *add_command(
        policies,
        "show",
        "What a policy allows and denies, line by line, where its file is, and which devices have it",
        "weir policies show sensor\nweir policies show sensor -o json"
    );
    one.add_option("name", options->name, "Name of the policy")->required();
    add_format_without_csv(one, options->format);
    choose(one, chosen, options, show);
}

}  // namespace weir::cli
