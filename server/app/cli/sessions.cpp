// The sessions that clients have now.
#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::string device;
    bool online = false;
    Format format = Format::table;
};

constexpr auto* kSessions = "/v1/sessions";

json::array all_sessions(Api& api, const Options& options) {
    json::array rows;
    for (std::string after;;) {
        Target target{kSessions};
        target.query("limit", "1000");
        if (!options.device.empty()) {
            target.query("device", options.device);
        }
        if (options.online) {
            target.query("online", "true");
        }
        if (!after.empty()) {
            target.query("after", after);
        }
        auto page = get(api, target);
        auto& sessions = page.at("sessions").as_array();
        std::move(sessions.begin(), sessions.end(), std::back_inserter(rows));
        after = cell(page, "next");
        if (after.empty()) {
            return rows;
        }
    }
}

ExitCode list(const Options& options, const Globals& globals) {
    auto rows = all_sessions(*gateway_api(globals), options);
    if (options.format != Format::json) {
        for (auto& row : rows) {
            auto& session = row.as_object();
            for (const auto* use : {"queued", "in_flight", "subscriptions"}) {
                auto now = session.at(use).at("now");
                session[use] = std::move(now);
            }
        }
    }
    print_rows(
        rows,
        {{.name = "client_id"},
         {.name = "device"},
         {.name = "online"},
         {.name = "protocol"},
         {.name = "listener"},
         {.name = "address"},
         {.name = "queued", .is_number = true},
         {.name = "in_flight", .is_number = true},
         {.name = "subscriptions", .is_number = true}},
        options.format
    );
    return ExitCode::ok;
}

/// "3 of 100": how much of a limit is in use.
std::string use_of(const json::object& session, std::string_view name) {
    const auto& use = session.at(name).as_object();
    const auto limit = cell(use, "limit");
    return limit.empty() ? cell(use, "now") : fmt::format("{} of {}", cell(use, "now"), limit);
}

void print_line(std::string_view label, std::string_view text) {
    if (!text.empty()) {
        print(fmt::format("{:<15}{}\n", label, text));
    }
}

void print_losses(const json::object& session) {
    const auto* const limits = session.if_contains("lost_by_limit");
    if (limits == nullptr) {
        return;
    }
    for (const auto& [limit, hits] : limits->as_object()) {
        print_line(
            "lost",
            fmt::format(
                "{} by {}, last {}",
                cell(hits.as_object(), "lost"),
                std::string_view{limit.data(), limit.size()},
                cell(hits.as_object(), "last")
            )
        );
    }
}

void print_session(const json::object& session) {
    print_line(
        "session",
        fmt::format(
            "{}, {}",
            cell(session, "client_id"),
            session.at("online").as_bool() ? "online" : "offline"
        )
    );
    print_line("device", cell(session, "device"));
    if (const auto address = cell(session, "address"); !address.empty()) {
        print_line(
            "connection",
            fmt::format(
                "{}{} from {} at {}",
                cell(session, "protocol"),
                session.at("tls").as_bool() ? " over TLS" : "",
                address,
                cell(session, "listener")
            )
        );
    }
    print_line("queued", use_of(session, "queued"));
    print_line("queued bytes", use_of(session, "queued_bytes"));
    print_line("in flight", use_of(session, "in_flight"));
    print_line("subscriptions", use_of(session, "subscriptions"));
    print_line("unreleased", cell(session, "unreleased"));
    print_line("limits reached", cell(session, "limits_reached"));
    print_losses(session);
    for (const auto& filter : session.at("filters").as_array()) {
        const auto& each = filter.as_object();
        print(fmt::format("  QoS {}  {}\n", cell(each, "qos"), cell(each, "filter")));
    }
}

ExitCode show(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{kSessions}.query("name", options.name));
    if (options.format == Format::json) {
        print_json(answer);
        return ExitCode::ok;
    }
    const auto& rows = answer.at("sessions").as_array();
    if (rows.empty()) {
        print(fmt::format("{} has no session\n", options.name));
    }
    for (const auto& row : rows) {
        print_session(row.as_object());
    }
    return ExitCode::ok;
}

ExitCode kick(const Options& options, const Globals& globals) {
    post(*gateway_api(globals), Target{kSessions}.segment(options.name).segment("kick"));
    print(fmt::format("ended the connection of {}\n", options.name));
    return ExitCode::ok;
}

}  // namespace

void add_sessions(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& sessions =
        *add_command(app, "sessions", "The sessions of clients, with and without connection", "");
    sessions.require_subcommand(1);

    auto& all = *add_command(
        sessions,
        "list",
        "All sessions: whose, from where, what waits",
        "weir sessions list\nweir sessions list --device probe-1 --online -o csv"
    );
    all.add_option("--device", options->device, "Only those of this device");
    all.add_flag("--online", options->online, "Only those with a connection");
    add_format(all, options->format);
    choose(all, chosen, options, list);

    auto& one = *add_command(
        sessions,
        "show",
        "A device's sessions: what they subscribe to, what waits, which limits are reached",
        "weir sessions show probe-1\nweir sessions show probe-1 -o json"
    );
    one.add_option("name", options->name, "Name of the device, or a client id")->required();
    add_format_without_csv(one, options->format);
    choose(one, chosen, options, show);

    auto& end = *add_command(
        sessions,
        "kick",
        "End a connection, with 0x98 in MQTT 5. The client may come back: to refuse it, disable the "
        "device or remove its credential",
        "weir sessions kick probe-1"
    );
    end.add_option("client_id", options->name, "Client id of the session")->required();
    choose(end, chosen, options, kick);
}

}  // namespace weir::cli
