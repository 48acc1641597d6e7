// Many devices at once, from a table.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <weir/identity/password.hpp>

#include "command.hpp"
#include "csv.hpp"
#include "device_command.hpp"
#include "file_io.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string file;
    std::vector<std::string> policies;
    Format format = Format::table;
};

constexpr std::size_t kTableBytesMax = 256 * 1024 * 1024;
// Of one request, of which the gateway takes 1 MiB.
constexpr std::size_t kDevicesAtOnce = 500;
constexpr std::size_t kBytesAtOnce = 512 * 1024;
constexpr std::string_view kAttribute = "attr.";

/// The first line of the table.
void check_header(const std::vector<std::string>& header) {
    static const std::vector<std::string> kKnown = {
        "name", "type", "policy", "group", "certificate", "password", "password_hash", "token"
    };
    for (auto column = header.begin(); column != header.end(); ++column) {
        const bool is_attribute = column->starts_with(kAttribute) && column->size() > kAttribute.size();
        if (!is_attribute && std::ranges::find(kKnown, *column) == kKnown.end()) {
            throw Failure{
                fmt::format("the first line names the columns, and '{}' is none", *column),
                "columns: name, type, policy, group, attr.NAME, certificate, password, password_hash, token"
            };
        }
        if (std::find(header.begin(), column, *column) != column) {
            throw Failure{fmt::format("the column '{}' is there twice", *column)};
        }
    }
    if (std::ranges::find(header, "name") == header.end()) {
        throw Failure{"the first line names the columns, and 'name' is missing"};
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    const auto begin = std::min(text.find_first_not_of(kBlank), text.size());
    return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

/// "a; b" -> ["a", "b"].
void append_parts(json::array& parts, std::string_view cell) {
    while (!cell.empty()) {
        const auto end = std::min(cell.find(';'), cell.size());
        if (const auto part = trimmed(cell.substr(0, end)); !part.empty()) {
            parts.emplace_back(part);
        }
        cell.remove_prefix(std::min(end + 1, cell.size()));
    }
}

/// Throws Failure: the line cannot be meant so.
json::object device_of(
    const std::vector<std::string>& header, const CsvRecord& record, const Options& options
) {
    if (record.cells.size() != header.size()) {
        throw Failure{fmt::format(
            "{}, and the first line has {}", counted(record.cells.size(), "cell"), header.size()
        )};
    }
    json::array policies(options.policies.begin(), options.policies.end());
    json::array groups;
    json::object attributes;
    json::object device;
    const auto put = [&device](std::string_view key, std::string_view value) {
        if (device.contains(key)) {
            throw Failure{"it has a password and a password_hash"};
        }
        device[key] = value;
    };
    for (std::size_t i = 0; i < header.size(); ++i) {
        const auto& column = header[i];
        const auto& cell = record.cells[i];
        if (cell.empty() && column != "name") {
            continue;
        }
        if (column == "policy") {
            append_parts(policies, cell);
        } else if (column == "group") {
            append_parts(groups, cell);
        } else if (column.starts_with(kAttribute)) {
            attributes[column.substr(kAttribute.size())] = cell;
        } else if (column == "password") {
            const auto hash = identity::hash_password(as_bytes(cell));
            if (!hash) {
                throw Failure{hash.error().message()};
            }
            put("password_hash", *hash);
        } else {
            put(column, cell);
        }
    }
    device["policies"] = std::move(policies);
    device["groups"] = std::move(groups);
    device["attributes"] = std::move(attributes);
    return device;
}

/// What became of the lines.
struct Report {
    std::uint64_t created = 0;
    json::array refused = {};
    json::array tokens = {};

    void refuse(std::size_t line, std::string_view name, std::string_view error) {
        refused.push_back({{"line", line}, {"name", name}, {"error", error}});
    }
};

/// Collects devices and has them created, many with one request.
class Importer {
public:
    Importer(Api& api, Report& report) : api_{api}, report_{report} {}

    void add(std::size_t line, json::object device) {
        bytes_ += json::serialize(device).size();
        lines_.push_back(line);
        devices_.push_back(std::move(device));
        if (devices_.size() == kDevicesAtOnce || bytes_ >= kBytesAtOnce) {
            flush();
        }
    }

    void flush() {
        if (devices_.empty()) {
            return;
        }
        json::object request;
        request["devices"] = std::exchange(devices_, {});
        const auto lines = std::exchange(lines_, {});
        bytes_ = 0;
        const auto answer = post(api_, Target{"/v1/devices"}.segment("many"), request);
        const auto& outcomes = answer.at("devices").as_array();
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            const auto& outcome = outcomes[i].as_object();
            const auto name = cell(outcome, "name");
            if (const auto error = cell(outcome, "error"); !error.empty()) {
                report_.refuse(lines.at(i), name, error);
                continue;
            }
            ++report_.created;
            if (const auto token = cell(outcome, "token"); !token.empty()) {
                report_.tokens.push_back({{"name", name}, {"token", token}});
            }
        }
    }

private:
    Api& api_;
    Report& report_;
    json::array devices_;
    std::vector<std::size_t> lines_;
    std::size_t bytes_ = 0;
};

void print_report(Report report, const Options& options) {
    std::ranges::stable_sort(report.refused, {}, [](const json::value& each) {
        return each.at("line").to_number<std::uint64_t>();
    });
    if (options.format == Format::json) {
        print_json(json::object{
            {"created", report.created},
            {"refused", std::move(report.refused)},
            {"tokens", std::move(report.tokens)}
        });
        return;
    }
    for (const auto& each : report.refused) {
        const auto& row = each.as_object();
        print_error(fmt::format(
            "{}:{}: {}: {}\n", options.file, cell(row, "line"), cell(row, "name"), cell(row, "error")
        ));
    }
    if (!report.tokens.empty()) {
        print_rows(report.tokens, {{.name = "name"}, {.name = "token"}}, options.format);
    }
    print(fmt::format(
        "created {}, refused {}\n",
        counted(report.created, "device"),
        counted(report.refused.size(), "line")
    ));
}

ExitCode import_devices(const Options& options, const Globals& globals) {
    const auto records = parse_csv(read_input(options.file, kTableBytesMax));
    if (records.empty()) {
        throw Failure{fmt::format("'{}' is empty: its first line names the columns", options.file)};
    }
    const auto& header = records.front().cells;
    check_header(header);
    const auto at = static_cast<std::size_t>(std::ranges::find(header, "name") - header.begin());
    const auto api = registry_api(globals);
    Report report;
    Importer importer{*api, report};
    std::vector<std::string> policies;
    try {
        for (auto record = records.begin() + 1; record != records.end(); ++record) {
            std::optional<json::object> device;
            try {
                device = device_of(header, *record, options);
            } catch (const Failure& failure) {
                const auto& cells = record->cells;
                report.refuse(record->line, at < cells.size() ? cells[at] : "", failure.what());
                continue;
            }
            for (const auto& policy : device->at("policies").as_array()) {
                policies.emplace_back(policy.as_string());
            }
            importer.add(record->line, std::move(*device));
        }
        importer.flush();
    } catch (const Failure&) {
        print_report(std::move(report), options);  // Of the requests before.
        throw;
    }
    const bool is_whole = report.refused.empty();
    print_report(std::move(report), options);
    std::ranges::sort(policies);
    const auto repeated = std::ranges::unique(policies);
    policies.erase(repeated.begin(), repeated.end());
    warn_of_unknown(*api, policies);
    return is_whole ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_device_import(CLI::App& devices, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& command = *add_command(
        devices,
        "import",
        "Register the devices of a table (CSV), each line with its credentials or not at all. The first line names the columns: "
        "name; type; policy and group, several with ';' between; attr.NAME; certificate: its SHA-256; password or "
        "password_hash (argon2id); token: generate. Exit code 1: lines were refused",
        "weir devices import fleet.csv --policy sensor\nweir devices import - -o json < fleet.csv"
    );
    command.add_option("file", options->file, "The table; -: standard input")->required();
    command.add_option("--policy", options->policies, "Policy to attach to all of them; may be repeated");
    add_format_without_csv(command, options->format);
    choose(command, chosen, options, import_devices);
}

}  // namespace weir::cli
