#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {

void add_policies(CLI::App& app, Chosen& chosen) {
    auto& policies = *add_command(app, "policies", "The policies in force", "");
    policies.require_subcommand(1);
    auto& list = *add_command(
        policies,
        "list",
        "All policies, and how they come to apply to a device",
        "weir policies list\nweir policies list -o json"
    );
    const auto format = std::make_shared<Format>(Format::table);
    add_format(list, *format);
    list.callback([&chosen, format] {
        chosen = [format](const Globals& globals) {
            const auto answer = get(*registry_api(globals), Target{"/v1/policies"});
            print_rows(
                answer.at("policies").as_array(),
                {{.name = "name"},
                 {.name = "applies"},
                 {.name = "lines", .is_number = true},
                 {.name = "source"}},
                *format
            );
            return ExitCode::ok;
        };
    });
}

}  // namespace weir::cli
