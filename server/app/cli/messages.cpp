// Live messages of the running gateway.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>
#include <weir/mqtt/properties.hpp>

#include "api_client.hpp"
#include "command.hpp"
#include "live_messages.hpp"

namespace weir::cli {
namespace {

constexpr int kPayloadBytesMax = 256 * 1024 * 1024;  // As large as a packet may be.

struct Options {
    std::string filter = "#";
    std::size_t payload_bytes = 200;
    LiveOptions live;
    Format format = Format::table;
};

/// On one line, whatever bytes it has.
std::string shown_payload(const json::object& row, std::size_t bytes_max) {
    const auto payload = cell(row, "payload");
    const auto bytes = cell(row, "encoding") == "base64"
                           ? from_base64(payload).value_or(Bytes{})
                           : Bytes{payload.begin(), payload.end()};
    const bool is_cut = row.at("bytes").to_number<std::uint64_t>() > bytes_max;
    return printable(as_text(bytes), SIZE_MAX) + (is_cut ? "..." : "");
}

json::object shown_properties(ByteView encoded) {
    json::object shown;
    json::array user_properties;
    for (const mqtt::Property property : mqtt::Properties{encoded}) {
        const auto& info = *mqtt::find_property(static_cast<std::uint32_t>(property.id));
        switch (info.type) {
        case mqtt::PropertyType::text_pair:
            user_properties.push_back(json::array{property.name, property.value});
            break;
        case mqtt::PropertyType::text:
        case mqtt::PropertyType::topic:
            shown[info.name] = property.value;
            break;
        case mqtt::PropertyType::binary:
            shown[info.name] = to_base64(property.binary());
            break;
        default:
            shown[info.name] = property.number;
        }
    }
    if (!user_properties.empty()) {
        shown["user_properties"] = std::move(user_properties);
    }
    return shown;
}

/// As the gateway tells it, with the properties by their names.
json::object shown_row(json::object row) {
    const auto encoded = from_base64(cell(row, "properties")).value_or(Bytes{});
    row["properties"] = shown_properties(encoded);
    return row;
}

ExitCode watch(const Options& options, const Globals& globals) {
    const auto api = gateway_api(globals);
    const LiveQuery query{.filters = {options.filter}, .payload_bytes = options.payload_bytes};
    watch_live(*api, options.live, query, [&](const json::object& row) {
        if (options.format == Format::json) {
            print_json(shown_row(row));
            return;
        }
        const auto device = cell(row, "device");
        print(fmt::format(
            "{}  {}  {}  qos {}{}  {}  {}\n",
            cell(row, "time"),
            printable(cell(row, "topic"), SIZE_MAX),
            device.empty() ? "-" : printable(device, SIZE_MAX),
            cell(row, "qos"),
            row.at("retain").as_bool() ? " retain" : "",
            format_size(row.at("bytes").to_number<std::uint64_t>()),
            shown_payload(row, options.payload_bytes)
        ));
    });
    return ExitCode::ok;
}

}  // namespace

void add_messages(CLI::App& app, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto& messages = *add_command(app, "messages", "Live messages of the running gateway", "");
    messages.require_subcommand(1);
    auto& command = *add_command(
        messages,
        "watch",
        "Messages as they are published, and as rules republish them, until Ctrl-C",
        "weir messages watch 'data/probe-1/#' --for 30s\n"
        "weir messages watch --messages 10 -o json"
    );
    command.add_option(
        "filter",
        options->filter,
        "Topics that it matches (default: #, which leaves out those with $)"
    );
    command
        .add_option(
            "--payload", options->payload_bytes, "At most so many bytes of each payload (default: 200)"
        )
        ->check(CLI::Range(0, kPayloadBytesMax).description(""));
    add_live_options(command, options->live);
    add_format_without_csv(command, options->format);
    choose(command, chosen, options, watch);
}

}  // namespace weir::cli
