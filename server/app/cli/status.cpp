#include <fmt/format.h>

#include <memory>

#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    Format format = Format::table;
    bool only_ready = false;
};

/// "3d 4h", "12m 5s": the two largest units.
std::string age(std::int64_t seconds) {
    constexpr std::int64_t kMinute = 60;
    constexpr std::int64_t kHour = 60 * kMinute;
    constexpr std::int64_t kDay = 24 * kHour;
    if (seconds >= kDay) {
        return fmt::format("{}d {}h", seconds / kDay, seconds % kDay / kHour);
    }
    if (seconds >= kHour) {
        return fmt::format("{}h {}m", seconds / kHour, seconds % kHour / kMinute);
    }
    return fmt::format("{}m {}s", seconds / kMinute, seconds % kMinute);
}

std::string short_hash(const std::string& hash) {
    constexpr std::size_t kShown = 12;
    return hash.substr(0, kShown);
}

/// "81 GiB free", "812 MiB free, low, full in 6h 3m at this rate".
std::string disk_line(const json::object& disk) {
    if (!disk.contains("free_bytes")) {
        return "in memory";
    }
    auto line = format_size(disk.at("free_bytes").to_number<std::uint64_t>()) + " free";
    if (const auto level = cell(disk, "level"); level != "enough") {
        line += ", " + level;
    }
    if (disk.contains("full_in_s")) {
        line += ", full in " + age(disk.at("full_in_s").to_number<std::int64_t>()) + " at this rate";
    }
    return line;
}

/// "streams 12 GiB of 20 GiB, outbox 4.9 GiB of 5 GiB (high)".
std::string budgets_line(const json::array& areas) {
    std::string line;
    for (const auto& each : areas) {
        const auto& area = each.as_object();
        if (area.at("budget").is_null()) {
            continue;
        }
        line += fmt::format(
            "{}{} {} of {}",
            line.empty() ? "" : ", ",
            cell(area, "area"),
            format_size(area.at("bytes").to_number<std::uint64_t>()),
            format_size(area.at("budget").to_number<std::uint64_t>())
        );
        if (const auto level = cell(area, "level"); level != "enough") {
            line += " (" + level + ")";
        }
    }
    return line.empty() ? "none" : line;
}

/// "2h 5m ago, 125 MiB in /backup", or why the last attempt failed.
std::string backup_line(const json::value& backup) {
    if (!backup.is_object()) {
        return "none by the clock";
    }
    const auto& row = backup.as_object();
    std::string line = "none yet";
    if (row.contains("newest_ms")) {
        const auto since =
            SystemClock{}.wall().count() - row.at("newest_ms").to_number<std::int64_t>();
        line = fmt::format(
            "{} ago, {}",
            age(since / 1'000),
            format_size(row.at("newest_bytes").to_number<std::uint64_t>())
        );
    }
    line += " in " + cell(row, "directory");
    if (const auto error = cell(row, "error"); !error.empty()) {
        line += ", the last attempt failed: " + error;
    }
    return line;
}

/// "1811 in (20.1/s)"
std::string flow_text(const json::object& messages, std::string_view way) {
    const auto& flow = messages.at(way).as_object();
    return fmt::format(
        "{} {} ({:.1f}/s)", cell(flow, "total"), way, flow.at("per_s").to_number<double>()
    );
}

/// "3 queue_messages, 1 queue_age"; empty: none.
std::string limits_line(const json::object& lost) {
    std::string line;
    for (const auto& [limit, count] : lost) {
        if (count.to_number<std::uint64_t>() != 0) {
            line += fmt::format(
                "{}{} {}", line.empty() ? "" : ", ", count.to_number<std::uint64_t>(), std::string_view{limit.data(), limit.size()}
            );
        }
    }
    return line;
}

/// "the certificate of front ends 2026-01-31T12:00:00.000Z"; empty: none ends soon.
std::string certificate_lines(const json::array& listeners) {
    std::string lines;
    for (const auto& each : listeners) {
        const auto& listener = each.as_object();
        const auto standing = cell(listener, "certificate");
        if (standing == "ends_soon" || standing == "ended") {
            lines += fmt::format(
                "the certificate of listener {} {} {}: devices {} refuse it; renew it, then weir reload\n",
                cell(listener, "name"),
                standing == "ended" ? "ended" : "ends",
                cell(listener, "certificate_ends"),
                standing == "ended" ? "now" : "will then"
            );
        }
    }
    return lines;
}

void print_status(const json::object& status) {
    const auto& storage = status.at("storage").as_object();
    const auto reason = cell(storage, "reason");
    print(fmt::format(
        "weir {}, {}, up {}, pid {}\n"
        "config   {} {}\n"
        "storage  {}{}, durability {}\n"
        "disk     {}\n"
        "budgets  {}\n"
        "backup   {}\n"
        "messages {}, {}\n"
        "devices {}, policies {}, rules {}\n\n",
        cell(status, "version"),
        status.at("ready").as_bool() ? "ready" : "not ready",
        age(status.at("uptime_s").to_number<std::int64_t>()),
        cell(status, "pid"),
        cell(status, "config"),
        short_hash(cell(status, "config_hash")),
        cell(storage, "state"),
        reason.empty() ? "" : ": " + reason,
        cell(storage, "durability"),
        disk_line(storage.at("disk").as_object()),
        budgets_line(storage.at("areas").as_array()),
        backup_line(storage.at("backup")),
        flow_text(status.at("messages").as_object(), "in"),
        flow_text(status.at("messages").as_object(), "out"),
        cell(status, "devices"),
        cell(status, "policies"),
        cell(status, "rules")
    ));
    if (const auto lost = limits_line(status.at("lost_by_limit").as_object()); !lost.empty()) {
        print(fmt::format("messages lost by limits of queues: {}\n\n", lost));
    }
    if (const auto lines = certificate_lines(status.at("listeners").as_array()); !lines.empty()) {
        print(lines + '\n');
    }
    if (const auto paused = cell(status, "paused_rules"); !paused.empty()) {
        print(fmt::format("paused rules: {} (weir rules enable NAME)\n\n", paused));
    }
    if (const auto settings = cell(status, "needs_restart"); !settings.empty()) {
        print(fmt::format("restart needed for: {}\n\n", settings));
    }
    print_rows(
        status.at("listeners").as_array(),
        {{.name = "name"},
         {.name = "address"},
         {.name = "tls"},
         {.name = "connections", .is_number = true}},
        Format::table
    );
}

ExitCode show(const Options& options, const Globals& globals) {
    const auto status = get(*gateway_api(globals), Target{"/v1/status"});
    const bool ready = status.at("ready").as_bool();
    if (options.format == Format::json) {
        print_json(status);
    } else if (options.only_ready) {
        print(ready ? "ready\n" : "not ready\n");
    } else {
        print_status(status);
    }
    return ready || !options.only_ready ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_status(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app, "status", "What the running gateway is doing", "weir status\nweir status --ready"
    );
    const auto options = std::make_shared<Options>();
    add_format_without_csv(*command, options->format);
    command->add_flag("--ready", options->only_ready, "Exit code 0 only if it takes messages");
    choose(*command, chosen, options, show);
}

}  // namespace weir::cli
