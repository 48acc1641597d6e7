#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "command.hpp"
#include "records.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::string name;
    std::optional<std::uint64_t> from;
    std::string since;
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
    Format format = Format::table;
};
using OptionsPtr = std::shared_ptr<Options>;

constexpr std::uint64_t kPageMax = 1'000;
constexpr std::chrono::milliseconds kPollPeriod{500};

const std::vector<Table::Column>& columns() {
    static const std::vector<Table::Column> kColumns = {
        {.name = "offset", .is_number = true},
        {.name = "time"},
        {.name = "topic"},
        {.name = "device"},
        {.name = "payload"}
    };
    return kColumns;
}

/// Reads on from an offset, page by page.
class Reader {
public:
    Reader(Api& api, std::string name, std::uint64_t next)
        : api_{&api}, name_{std::move(name)}, next_{next} {}

    /// The next records, which live until the next call; none: no more at present.
    [[nodiscard]] std::vector<Record> page(std::uint64_t limit) {
        auto target = Target{"/v1/streams"}.segment(name_);
        target.query("from", fmt::to_string(next_))
            .query("limit", fmt::to_string(std::min(limit, kPageMax)));
        answer_ = get_text(*api_, target);
        auto records = parse_records(answer_);
        if (!records.empty()) {
            next_ = records.back().offset() + 1;
        }
        return records;
    }

private:
    Api* api_;
    std::string name_;
    std::uint64_t next_;
    std::string answer_;
};

/// Of the first record that is not older than `age`.
std::uint64_t offset_since(Api& api, const Options& options, std::chrono::milliseconds age) {
    auto target = Target{"/v1/streams"}.segment(options.name).segment("offset");
    target.query("time", fmt::to_string((SystemClock{}.wall() - age).count()));
    return get(api, target).at("offset").to_number<std::uint64_t>();
}

std::optional<std::uint64_t> begin_of(Api& api, const Options& options) {
    if (!options.since.empty()) {
        return offset_since(api, options, parse_duration(options.since).value());
    }
    return options.from;
}

ExitCode list(const Options& options, const Globals& globals) {
    const auto answer = get(*gateway_api(globals), Target{"/v1/streams"});
    print_rows(
        answer.at("streams").as_array(),
        {{.name = "name"},
         {.name = "first", .is_number = true},
         {.name = "next", .is_number = true},
         {.name = "records", .is_number = true},
         {.name = "bytes", .is_number = true},
         {.name = "compact"},
         {.name = "compacted", .is_number = true}},
        options.format
    );
    return ExitCode::ok;
}

ExitCode read(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    Reader reader{*api, options.name, begin_of(*api, options).value_or(1)};
    RecordPrinter printer{columns(), options.format};
    for (auto left = options.limit; left > 0;) {
        const auto records = reader.page(left);
        if (records.empty()) {
            break;
        }
        std::ranges::for_each(records, [&](const Record& record) { printer.add(record); });
        left -= records.size();
    }
    printer.finish();
    return ExitCode::ok;
}

/// Until it is interrupted.
ExitCode tail(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    const auto begin = begin_of(*api, options);
    Reader reader{
        *api,
        options.name,
        begin ? *begin : offset_since(*api, options, std::chrono::milliseconds{0})
    };
    for (;;) {
        const auto records = reader.page(kPageMax);
        for (const auto& record : records) {
            const auto line = options.format == Format::json
                                  ? std::string{record.line}
                                  : fmt::format("{}", fmt::join(record.cells(columns()), "  "));
            print(line + '\n');
        }
        if (records.empty()) {
            std::this_thread::sleep_for(kPollPeriod);
        }
    }
}

void add_start(CLI::App& command, const OptionsPtr& options) {
    command.add_option("name", options->name, "Name of the stream")->required();
    auto* from = command.add_option("--from", options->from, "First offset");
    command.add_option("--since", options->since, "How far back, such as 10m")
        ->excludes(from)
        ->check([](const std::string& text) {
            return parse_duration(text) ? std::string{}
                                        : "'" + text + "' is not a duration such as 10m";
        });
}

}  // namespace

void add_streams(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& streams = *add_command(app, "streams", "What rules stored", "");
    streams.require_subcommand(1);
    auto& list_command = *add_command(
        streams, "list", "All streams", "weir streams list\nweir streams list -o json"
    );
    add_format(list_command, options->format);
    choose(list_command, chosen, options, list);

    auto& read_command = *add_command(
        streams,
        "read",
        "The records that are there",
        "weir streams read alarms --since 10m\nweir streams read alarms --from 1 --limit 10 -o json"
    );
    add_start(read_command, options);
    read_command.add_option("--limit", options->limit, "At most so many records (default: all)");
    add_format(read_command, options->format);
    choose(read_command, chosen, options, read);

    auto& tail_command = *add_command(
        streams,
        "tail",
        "Records as they come, until Ctrl-C",
        "weir streams tail alarms\nweir streams tail alarms --since 1m -o json"
    );
    add_start(tail_command, options);
    add_format_without_csv(tail_command, options->format);
    choose(tail_command, chosen, options, tail);
}

}  // namespace weir::cli
