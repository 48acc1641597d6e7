#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include <weir/base/text.hpp>
#include <weir/storage/disk.hpp>

#include "api_client.hpp"
#include "command.hpp"
#include "gateway_file.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string directory;
    std::string data;
    std::uint32_t id = 0;
    std::uint32_t keep = 0;
    std::string rate;
    std::string wait = "1h";
    bool only_check = false;
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;

constexpr std::chrono::milliseconds kAskAgain{500};

/// The gateway makes one backup at a time.
json::object back_up_in_turn(Api& api, const json::object& what, const std::string& wait) {
    const auto ends = std::chrono::steady_clock::now() + *parse_duration(wait);
    for (bool told = false;; told = true) {
        try {
            return post(api, Target{"/v1/storage/backup"}, what);
        } catch (const Refusal& refusal) {
            if (refusal.reason() != "backup_under_way") {
                throw;
            }
            if (std::chrono::steady_clock::now() >= ends) {
                throw Failure{refusal.what(), "wait for it: --wait"};
            }
            if (!told) {
                print_error(fmt::format("weir: {}; this one follows it, or gives up after {}\n", refusal.what(), wait));
            }
        }
        std::this_thread::sleep_for(kAskAgain);
    }
}

ExitCode back_up(const Options& options, const Globals& globals) {
    json::object what{
        {"directory", std::filesystem::absolute(options.directory).string()},
        {"keep", options.keep},
    };
    if (options.rate == "unlimited") {
        what["bytes_per_s"] = 0;
    } else if (!options.rate.empty()) {
        what["bytes_per_s"] = *parse_size(options.rate);
    }
    const auto made =
        back_up_in_turn(*gateway_api(globals), what, options.wait);
    if (options.format == Format::json) {
        print_json(made);
    } else {
        print(fmt::format(
            "backup {}: {} in {}\n",
            cell(made, "id"),
            format_size(made.at("bytes").to_number<std::uint64_t>()),
            counted(made.at("files").to_number<std::uint64_t>(), "file")
        ));
    }
    return ExitCode::ok;
}

ExitCode restore(const Options& options, const Globals& globals) {
    const std::string data = options.data.empty()
                                 ? load_gateway_file(globals.config).storage.path.string()
                                 : options.data;
    const auto backup = storage::restore_backup(options.directory, options.id, data);
    print(fmt::format(
        "restored backup {}, {}, into {}\n", backup.id, format_size(backup.bytes), data
    ));
    return ExitCode::ok;
}

json::object verify_running(const Globals& globals) {
    try {
        return post(*gateway_api(globals), Target{"/v1/storage/verify"});
    } catch (const Failure& failure) {
        if (failure.code() != ExitCode::no_gateway) {
            throw;
        }
        const auto data = load_gateway_file(globals.config).storage.path;
        throw Failure{
            failure.what(), fmt::format("weir verify --data {}", data.string()), failure.code()
        };
    }
}

ExitCode verify(const Options& options, const Globals& globals) {
    json::object report;
    if (options.data.empty()) {
        report = verify_running(globals);
    } else {
        const auto found = storage::verify_data(options.data);
        report = {
            {"files", found.files},
            {"bytes", found.bytes},
            {"records", found.records},
            {"problems", json::array(found.problems.begin(), found.problems.end())}
        };
    }
    const auto& problems = report.at("problems").as_array();
    if (options.format == Format::json) {
        print_json(report);
    } else {
        for (const auto& problem : problems) {
            print(fmt::format("{}\n", std::string_view{problem.as_string()}));
        }
        print(fmt::format(
            "{}, {}: {}\n",
            counted(report.at("files").to_number<std::uint64_t>(), "file"),
            counted(report.at("records").to_number<std::uint64_t>(), "record"),
            counted(problems.size(), "problem")
        ));
    }
    return problems.empty() ? ExitCode::ok : ExitCode::failed;
}

ExitCode show_use(const json::object& use, Format format) {
    print_rows(
        use.at("families").as_array(),
        {{.name = "name"},
         {.name = "keys", .is_number = true},
         {.name = "file_bytes", .is_number = true},
         {.name = "memory_bytes", .is_number = true}},
        format
    );
    return ExitCode::ok;
}

ExitCode stat(const Options& options, const Globals& globals) {
    const auto use = get(*gateway_api(globals), Target{"/v1/storage"});
    const auto shown = show_use(use, options.format);
    if (options.format == Format::table) {
        print("\n");
        print_rows(
            use.at("areas").as_array(),
            {{.name = "area"},
             {.name = "bytes", .is_number = true},
             {.name = "budget", .is_number = true},
             {.name = "lost", .is_number = true},
             {.name = "level"}},
            Format::table
        );
    }
    return shown;
}

ExitCode compact(const Options& options, const Globals& globals) {
    return show_use(post(*gateway_api(globals), Target{"/v1/storage/compact"}), options.format);
}

/// There is one format so far: what an upgrade would have to do is all that can be asked.
ExitCode check_upgrade(const Options& options, const Globals& globals) {
    const std::string data = options.data.empty()
                                 ? load_gateway_file(globals.config).storage.path.string()
                                 : options.data;
    const auto formats = storage::formats_of(data);
    json::array records;
    for (const auto& record : formats.records) {
        records.push_back(
            {{"family", record.family},
             {"version", record.version},
             {"records", record.records},
             {"newer", record.is_newer}}
        );
    }
    const bool newer = formats.is_newer();
    const std::string_view verdict =
        newer ? "written by a newer release: run that one, or restore a backup of this one"
        : formats.schema == 0 ? "no data yet: nothing to upgrade"
                              : "current: nothing to upgrade";
    if (options.format == Format::json) {
        print_json(
            {{"schema", formats.schema},
             {"schema_here", formats.schema_here},
             {"verdict", verdict},
             {"records", std::move(records)}}
        );
    } else {
        print_rows(
            records,
            {{.name = "family"},
             {.name = "version", .is_number = true},
             {.name = "records", .is_number = true}},
            Format::table
        );
        print(fmt::format(
            "schema {}, this program's is {}: {}\n", formats.schema, formats.schema_here, verdict
        ));
    }
    return newer ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

void add_storage(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& backup = *add_command(
        app,
        "backup",
        "Back up the data of the running gateway; traffic goes on",
        "weir backup /backup/weir\nweir backup /backup/weir --keep 7"
    );
    backup.add_option("directory", options->directory, "Holds all backups")->required();
    backup.add_option("--keep", options->keep, "Remove older backups (default: keep all)");
    backup
        .add_option(
            "--rate",
            options->rate,
            "Bytes per second that it may take from the disk, or unlimited (default: storage.backup.rate)"
        )
        ->check([](const std::string& text) {
            const auto size = parse_size(text);
            return text == "unlimited" || (size && *size >= 64UL * 1024)
                       ? std::string{}
                       : fmt::format("'{}' is not a size of 64KiB or more", text);
        });
    backup
        .add_option("--wait", options->wait, "For another backup that is under way")
        ->check([](const std::string& text) {
            return parse_duration(text) ? std::string{}
                                        : fmt::format("'{}' is no duration, as 10m", text);
        })
        ->capture_default_str();
    add_format_without_csv(backup, options->format);
    choose(backup, chosen, options, back_up);

    auto& restore_command = *add_command(
        app,
        "restore",
        "Copy a backup into a data directory that has no data",
        "weir restore /backup/weir\nweir restore /backup/weir --id 3 --data /var/lib/weir-old"
    );
    restore_command.add_option("directory", options->directory, "Holds the backups")->required();
    restore_command.add_option("--id", options->id, "Which one (default: the newest)");
    restore_command.add_option("--data", options->data, "Where to (default: storage.path)");
    choose(restore_command, chosen, options, restore);

    auto& verify_command = *add_command(
        app,
        "verify",
        "Check every file and record of the running gateway, or of a data directory",
        "weir verify\nweir verify --data /var/lib/weir"
    );
    verify_command.add_option("--data", options->data, "A data directory that nobody serves");
    add_format_without_csv(verify_command, options->format);
    choose(verify_command, chosen, options, verify);

    auto& storage = *add_command(app, "storage", "The data on disk", "");
    storage.require_subcommand(1);
    auto& stat_command =
        *add_command(storage, "stat", "How much there is of what", "weir storage stat");
    add_format(stat_command, options->format);
    choose(stat_command, chosen, options, stat);
    auto& compact_command = *add_command(
        storage, "compact", "Return the space of what was removed", "weir storage compact"
    );
    add_format(compact_command, options->format);
    choose(compact_command, chosen, options, compact);
    auto& upgrade_command = *add_command(
        storage,
        "upgrade",
        "Whether a data directory that nobody serves must be upgraded for this program",
        "weir storage upgrade --check\nweir storage upgrade --check --data /var/lib/weir"
    );
    upgrade_command.add_flag("--check", options->only_check, "Only look: the gateway upgrades when it starts")->required();
    upgrade_command.add_option("--data", options->data, "Default: storage.path");
    add_format_without_csv(upgrade_command, options->format);
    choose(upgrade_command, chosen, options, check_upgrade);
}

}  // namespace weir::cli
