#include <fmt/format.h>

#include <memory>
#include <weir/app_config/config_reference.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string topic = "weir.yaml";
    bool list = false;
    bool markdown = false;
    app::FileKind schema = app::FileKind::gateway;
};

ExitCode explain_topic(const std::string& topic) {
    if (const auto text = app::explain(topic)) {
        print(*text);
        return ExitCode::ok;
    }
    std::vector<std::string> commands;
    for (const auto& like : app::topics_like(topic)) {
        commands.push_back("weir explain " + like);
    }
    throw Failure{
        fmt::format("nothing is known about '{}'", topic),
        commands.empty() ? "weir explain --list" : fmt::format("{}", fmt::join(commands, ", "))
    };
}

ExitCode list_topics() {
    std::string out;
    for (const auto& topic : app::topics()) {
        out += topic + '\n';
    }
    print(out);
    return ExitCode::ok;
}

}  // namespace

void add_explain(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "explain",
        "Explain a key of any file, an error code or a reason",
        "weir explain listeners.tls\nweir explain policies\nweir explain policies.allow.publish\n"
        "weir explain publish_denied\nweir explain WEIR-0401\n"
        "weir explain --json-schema policy > policy.schema.json"
    );
    const auto options = std::make_shared<Options>();
    command->add_option(
        "topic",
        options->topic,
        "A key, such as listeners.tls.cert; a code; a reason, such as publish_denied; weir.yaml, "
        "policies, rules, sinks, file-sinks, s3-sinks, streams, pricing"
    );
    auto* list = command->add_flag("--list", options->list, "Everything that can be explained");
    auto* markdown =
        command->add_flag("--markdown", options->markdown, "The reference of all keys");
    const Words<app::FileKind> kinds = {
        {"gateway", app::FileKind::gateway},
        {"sink", app::FileKind::sink},
        {"file-sink", app::FileKind::file_sink},
        {"s3-sink", app::FileKind::s3_sink},
        {"stream", app::FileKind::stream},
        {"policy", app::FileKind::policy},
        {"rule", app::FileKind::rule},
        {"price-list", app::FileKind::price_list}
    };
    auto* schema =
        command
            ->add_option(
                "--json-schema", options->schema, "JSON Schema of files: gateway, policy, rule (its head), sink, file-sink, s3-sink, stream or price-list"
            )
            ->transform(one_of(kinds))
            ->type_name("KIND");
    list->excludes(markdown)->excludes(schema);
    markdown->excludes(schema);
    command->callback([&chosen, options, schema] {
        chosen = [options, use_schema = schema->count() > 0](const Globals&) {
            if (options->list) {
                return list_topics();
            }
            if (options->markdown || use_schema) {
                print(
                    options->markdown ? app::reference_markdown()
                                      : app::json_schema(options->schema) + '\n'
                );
                return ExitCode::ok;
            }
            return explain_topic(options->topic);
        };
    });
}

}  // namespace weir::cli
