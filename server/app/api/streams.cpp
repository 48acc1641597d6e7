// Streams: which there are, and what is in them.
#include <utility>

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>
#include <weir/archive/record_json.hpp>

#include "json.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kRecordsDefault = 100;
constexpr std::uint64_t kRecordsMax = 1'000;

/// Where streams are, and which there should be.
struct Streams {
    storage::Store& store;
    ConfigurationSource configuration;
};

/// As stored; an empty one if it is configured and was never written.
storage::StreamInfo info_of(const Streams& from, const std::string& name) {
    if (auto stored = from.store.stream(name)) {
        return std::move(*stored);
    }
    if (from.configuration()->config.find_stream(name) == nullptr) {
        throw ApiError{404, "not_found", fmt::format("there is no stream '{}'", name)};
    }
    return {.name = name};
}

template <class T>
T value_of(Result<T> result, std::string_view stream) {
    if (!result) {
        throw ApiError{
            503, "storage_failed", fmt::format("stream '{}': {}", stream, result.error().message())
        };
    }
    return std::move(*result);
}

http::Response list(const Streams& from) {
    auto streams = from.store.streams();
    const auto configuration = from.configuration();
    for (const auto& configured : configuration->config.streams) {
        if (!from.store.stream(configured.name)) {
            streams.push_back({.name = configured.name});
        }
    }
    std::ranges::sort(streams, {}, &storage::StreamInfo::name);
    json::array rows;
    for (const auto& stream : streams) {
        const auto* const configured = configuration->config.find_stream(stream.name);
        rows.push_back(
            {{"name", stream.name},
             {"first", stream.first},
             {"next", stream.next},
             {"records", stream.records()},
             {"in", stream.next - 1},
             {"removed", stream.removed()},
             {"bytes", stream.bytes},
             {"compact", configured != nullptr && configured->compact},
             {"compacted", stream.compacted}}
        );
    }
    return reply({{"streams", std::move(rows)}});
}

http::Response read(const Streams& from, const Call& call) {
    const auto& name = call.path.at(0);
    static_cast<void>(info_of(from, name));
    const auto entries = value_of(
        from.store.read_stream(
            name,
            query_number(call, "from", 1),
            {.records = static_cast<std::size_t>(
                 query_number(call, "limit", kRecordsDefault, 1, kRecordsMax)
             )}
        ),
        name
    );
    http::Response response{.content_type = "application/x-ndjson"};
    for (const auto& entry : entries) {
        response.body += archive::to_json_line(entry);
    }
    return response;
}

http::Response find_offset(const Streams& from, const Call& call) {
    const auto& name = call.path.at(0);
    const auto info = info_of(from, name);
    if (call.query("last")) {
        const auto records = query_number(call, "last", 0);
        return reply(
            {{"offset", value_of(from.store.find_last(name, records), name)}, {"next", info.next}}
        );
    }
    const auto time = query_time(call, "time", WallTime{0});
    const auto offset = info.records() == 0
                            ? info.next
                            : value_of(from.store.find_offset(name, time.count()), name);
    return reply({{"offset", offset}, {"next", info.next}});
}

}  // namespace

}  // namespace weir::app::api

namespace weir::app {

void add_stream_routes(
    admin::Routes& routes, storage::Store& store, ConfigurationSource configuration
) {
    const api::Streams from{store, std::move(configuration)};
    routes.add("GET", "/v1/streams", [from](const admin::Call&) { return api::list(from); });
    routes.add("GET", "/v1/streams/{name}", [from](const admin::Call& call) {
        return api::read(from, call);
    });
    routes.add("GET", "/v1/streams/{name}/offset", [from](const admin::Call& call) {
        return api::find_offset(from, call);
    });
}

}  // namespace weir::app
