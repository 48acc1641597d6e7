// Sinks: what they do, and what they gave up.
#include <utility>

#include <fmt/format.h>

#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/sinks/dead_letters.hpp>

#include "json.hpp"
#include "parts.hpp"
#include "record_json.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kLettersDefault = 100;
constexpr std::uint64_t kLettersMax = 1'000;

json::object row_of(const sinks::SinkStatus& sink) {
    return {
        {"name", sink.name},
        {"url", sink.url},
        {"activity", sinks::name(sink.activity)},
        {"in", sink.in},
        {"delivered", sink.counters.delivered},
        {"pending", sink.pending},
        {"pending_bytes", sink.pending_bytes},
        {"oldest_age_ms", sink.oldest_age.count()},
        {"dead", sink.counters.dead},
        {"lost", sink.counters.lost},
        {"dead_letters", sink.dead_letters},
        {"attempts", sink.attempts},
        {"failures", sink.failures},
        {"next_attempt_ms", sink.next_attempt.count()},
        {"last_error", sink.last_error},
        {"last_error_time", time_value(sink.last_error_time)},
    };
}

http::Response list(const Gateway& gateway) {
    json::array rows;
    for (const auto& sink : gateway.sinks()) {
        rows.push_back(row_of(sink));
    }
    return reply({{"sinks", std::move(rows)}});
}

/// A sink that is no longer configured may still have an outbox.
void expect_sink(Gateway& gateway, const std::string& name) {
    if (!gateway.store().outbox(name) &&
        gateway.configuration()->config.find_sink(name) == nullptr) {
        throw ApiError{404, "not_found", fmt::format("there is no sink '{}'", name)};
    }
}

std::string to_json_line(const storage::DeadLetterEntry& entry) {
    const auto& [note, record] = entry.letter;
    return fmt::format(
               R"({{"offset":{},"time":"{}","given_up":"{}","attempts":{},"reason":"{}","rule":"{}",)"
               R"("topic":"{}","device":"{}","target":"{}",{}}})",
               entry.offset,
               format_time(record.time_ms),
               format_time(note.time_ms),
               note.attempts,
               log::json_escape(note.reason),
               log::json_escape(record.rule),
               log::json_escape(record.topic),
               log::json_escape(record.key),
               log::json_escape(record.target),
               payload_members(record.payload)
           ) +
           '\n';
}

http::Response dead(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    const auto letters = gateway.store().read_dead_letters(
        name,
        query_number(call, "from", 1),
        {.records =
             static_cast<std::size_t>(query_number(call, "limit", kLettersDefault, 1, kLettersMax))}
    );
    if (!letters) {
        throw ApiError{503, "storage_failed", letters.error().message()};
    }
    http::Response response{.content_type = "application/x-ndjson"};
    for (const auto& letter : *letters) {
        response.body += to_json_line(letter);
    }
    return response;
}

http::Response retry(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    Members members{call};
    const auto from = members.take_number("from", 1);
    const auto to = members.take_number("to", UINT64_MAX);
    members.expect_no_more();
    const auto count =
        sinks::requeue_dead_letters(gateway.store(), name, from, to, gateway.clock().wall());
    if (!count) {
        throw ApiError{503, "storage_failed", count.error().message()};
    }
    return reply({{"requeued", *count}});
}

}  // namespace

void add_sinks(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/sinks", [&gateway](const Call&) { return list(gateway); });
    routes.add("GET", "/v1/sinks/{name}/dead", [&gateway](const Call& call) {
        return dead(gateway, call);
    });
    routes.add("POST", "/v1/sinks/{name}/retry", [&gateway](const Call& call) {
        return retry(gateway, call);
    });
}

}  // namespace weir::app::api
