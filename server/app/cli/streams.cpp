#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

#include "api_client.hpp"
#include "command.hpp"

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

/// A record as the gateway wrote it: a line of JSON whose last member is the payload.
struct Record {
    std::string_view line;
    json::object members;

    /// As written, so that numbers look as the device sent them.
    [[nodiscard]] std::string_view payload() const {
        constexpr std::string_view kMark = R"(,"payload":)";
        const auto begin = line.find(kMark) + kMark.size();
        return line.substr(begin, line.size() - begin - 1);
    }
    [[nodiscard]] std::uint64_t offset() const {
        return members.at("offset").to_number<std::uint64_t>();
    }
};

Record parse_record(std::string_view line) {
    boost::system::error_code error;
    auto value = json::parse(line, error);
    if (error || !value.is_object() || !value.get_object().contains("payload")) {
        throw Failure{"the gateway's answer is not a record; is it another version?"};
    }
    return {.line = line, .members = std::move(value.get_object())};
}

/// Reads on from an offset, page by page.
class Reader {
public:
    Reader(Api& api, std::string name, std::uint64_t next)
        : api_{&api}, name_{std::move(name)}, next_{next} {}

    /// @param visit  Called with each Record of the next page, whose views live as long as the call.
    /// @return How many there were; 0: no more at present.
    template <class Visit>
    std::size_t page(std::uint64_t limit, const Visit& visit) {
        auto target = Target{"/v1/streams"}.segment(name_);
        target.query("from", fmt::to_string(next_))
            .query("limit", fmt::to_string(std::min(limit, kPageMax)));
        const auto text = get_text(*api_, target);
        std::size_t count = 0;
        for (std::string_view rest = text; !rest.empty(); ++count) {
            const auto end = rest.find('\n');
            const auto record = parse_record(rest.substr(0, end));
            next_ = record.offset() + 1;
            visit(record);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
        return count;
    }

private:
    Api* api_;
    std::string name_;
    std::uint64_t next_;
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
         {.name = "bytes", .is_number = true}},
        options.format
    );
    return ExitCode::ok;
}

std::vector<std::string> cells(const Record& record) {
    std::vector<std::string> out;
    for (const auto& column : columns()) {
        out.push_back(cell(record.members, column.name));
    }
    out.back() = record.payload();
    return out;
}

ExitCode read(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    Reader reader{*api, options.name, begin_of(*api, options).value_or(1)};
    Table table{columns()};
    std::string separator = "[\n  ";
    for (auto left = options.limit; left > 0;) {
        const auto count = reader.page(left, [&](const Record& record) {
            if (options.format != Format::json) {
                table.add(cells(record));
                return;
            }
            print(separator);
            print(record.line);
            separator = ",\n  ";
        });
        if (count == 0) {
            break;
        }
        left -= count;
    }
    if (options.format == Format::json) {
        print(separator.starts_with('[') ? "[]\n" : "\n]\n");
    } else {
        print(table.render(options.format));
    }
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
        const auto count = reader.page(kPageMax, [&](const Record& record) {
            const auto line = options.format == Format::json
                                  ? std::string{record.line}
                                  : fmt::format("{}", fmt::join(cells(record), "  "));
            print(line + '\n');
        });
        if (count == 0) {
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
    const auto choose = [&chosen, options](CLI::App& command, auto run) {
        command.callback([&chosen, options, run] {
            chosen = [options, run](const Globals& globals) { return run(*options, globals); };
        });
    };
    auto& list_command = *add_command(
        streams, "list", "All streams", "weir streams list\nweir streams list -o json"
    );
    add_format(list_command, options->format);
    choose(list_command, list);

    auto& read_command = *add_command(
        streams,
        "read",
        "The records that are there",
        "weir streams read alarms --since 10m\nweir streams read alarms --from 1 --limit 10 -o json"
    );
    add_start(read_command, options);
    read_command.add_option("--limit", options->limit, "At most so many records (default: all)");
    add_format(read_command, options->format);
    choose(read_command, read);

    auto& tail_command = *add_command(
        streams,
        "tail",
        "Records as they come, until Ctrl-C",
        "weir streams tail alarms\nweir streams tail alarms --since 1m -o json"
    );
    add_start(tail_command, options);
    add_format(tail_command, options->format, false);
    choose(tail_command, tail);
}

}  // namespace weir::cli
