// Sinks: what they do, and what they gave up.
#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <weir/app/gateway.hpp>
#include <weir/archive/diagnose.hpp>
#include <weir/archive/record_json.hpp>
#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/sinks/dead_letters.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

constexpr std::uint64_t kLettersDefault = 100;
constexpr std::uint64_t kLettersMax = 1'000;

/// The mean since start; null before the first answer.
json::value mean_ms(const sinks::LatencyHistogram& latency) {
    const auto count = latency.count();
    return count == 0 ? json::value(nullptr) : json::value(latency.sum.count() / count);
}

json::object row_of(const sinks::SinkStatus& sink) {
    return {
        {"name", sink.name},
        {"type", "http"},
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
        {"reports_lost", sink.reports_lost},
        {"in_flight", sink.in_flight},
        {"breaker", sinks::name(sink.breaker)},
        {"latency_ms", mean_ms(sink.latency)},
        {"next_attempt_ms", sink.next_attempt.count()},
        {"last_error", sink.last_error},
        {"last_error_time", time_value(sink.last_error_time)},
    };
}

json::object row_of(const archive::ArchiveStatus& archive, const Config& config) {
    const auto* const configured = config.find_archive(archive.name);
    const bool is_file =
        configured != nullptr && std::holds_alternative<FolderConfig>(configured->target);
    return {
        {"name", archive.name},
        {"type", is_file ? "file" : "s3"},
        {"url", archive.where},
        {"stream", archive.stream},
        {"activity", archive::name(archive.activity)},
        {"in", archive.in},
        {"delivered", archive.counters.records},
        {"objects", archive.counters.objects},
        {"object_bytes", archive.counters.bytes},
        {"pending", archive.pending},
        {"next_offset", archive.next},
        {"oldest_age_ms", archive.oldest_age.count()},
        {"lost", archive.counters.lost},
        {"replaced", archive.counters.replaced},
        {"attempts", archive.attempts},
        {"failures", archive.failures},
        {"next_attempt_ms", archive.next_attempt.count()},
        {"last_error", archive.last_error},
        {"last_error_time", time_value(archive.last_error_time)},
    };
}

http::Response list(const Gateway& gateway) {
    json::array rows;
    for (const auto& sink : gateway.sinks()) {
        rows.push_back(row_of(sink));
    }
    const auto configuration = gateway.configuration();
    for (const auto& archive : gateway.archives()) {
        rows.push_back(row_of(archive, configuration->config));
    }
    return reply({{"sinks", std::move(rows)}});
}

/// A sink that is no longer configured may still have an outbox.
void expect_sink(Gateway& gateway, const std::string& name) {
    const auto left = gateway.store().outbox(name);
    const bool has_records = left && (left->records > 0 || left->dead_records > 0);
    if (!has_records && gateway.configuration()->config.find_archive(name) != nullptr) {
        throw ApiError{
            409,
            "no_outbox",
            fmt::format("sink '{}' reads a stream: it tries again until it is written", name)
        };
    }
    if (!has_records &&
        gateway.configuration()->config.find_sink(name) == nullptr) {
        throw ApiError{404, "not_found", fmt::format("there is no sink '{}'", name)};
    }
}

/// What an entry was to be sent with, as the last members of an object.
std::string record_members(const storage::OutboxRecord& record) {
    return fmt::format(
        R"("rule":"{}","topic":"{}","device":"{}","target":"{}",{})",
        log::json_escape(record.rule),
        log::json_escape(record.topic),
        log::json_escape(record.key),
        log::json_escape(record.target),
        archive::payload_members(record.payload)
    );
}

/// A sink's entries from an offset on, a line each. @param read  (name, from, limit) -> Result of entries.
template <class Read, class Line>
http::Response page_of(Gateway& gateway, const Call& call, Read read, Line to_line) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    const auto entries = read(
        name,
        query_number(call, "from", 1),
        storage::ReadLimit{
            .records = static_cast<std::size_t>(
                query_number(call, "limit", kLettersDefault, 1, kLettersMax)
            )}
    );
    if (!entries) {
        throw ApiError{503, "storage_failed", entries.error().message()};
    }
    http::Response response{.content_type = "application/x-ndjson"};
    for (const auto& entry : *entries) {
        response.body += to_line(entry);
    }
    return response;
}

http::Response dead(Gateway& gateway, const Call& call) {
    const auto read = [&](const auto&... where) {
        return gateway.store().read_dead_letters(where...);
    };
    return page_of(gateway, call, read, [](const storage::DeadLetterEntry& entry) {
        const auto& [note, record] = entry.letter;
        return fmt::format(
            "{{\"offset\":{},\"time\":\"{}\",\"given_up\":\"{}\",\"attempts\":{},\"reason\":\"{}\",{}}}\n",
            entry.offset,
            format_time(record.time_ms),
            format_time(note.time_ms),
            note.attempts,
            log::json_escape(note.reason),
            record_members(record)
        );
    });
}

http::Response outbox(Gateway& gateway, const Call& call) {
    const auto read = [&](const auto&... where) { return gateway.store().read_outbox(where...); };
    const WallTime now = gateway.clock().wall();
    return page_of(gateway, call, read, [now](const storage::OutboxEntry& entry) {
        return fmt::format(
            "{{\"offset\":{},\"time\":\"{}\",\"age_ms\":{},{}}}\n",
            entry.offset,
            format_time(entry.record.time_ms),
            std::max<std::int64_t>(now.count() - entry.record.time_ms, 0),
            record_members(entry.record)
        );
    });
}

json::value milliseconds_of(std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1'000;
}

/// Of a sink that writes objects: whether it can.
std::optional<http::Response> test_archive(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    if (gateway.configuration()->config.find_archive(name) == nullptr) {
        return std::nullopt;
    }
    Members members{call};
    for (const auto* const part : {"rule", "topic", "device", "payload"}) {
        if (members.take_text(part)) {
            throw ApiError{
                400,
                "cannot_test",
                fmt::format("sink '{}' writes what its stream has: a test takes no {}", name, part)
            };
        }
    }
    members.expect_no_more();
    const auto probe = gateway.probe_archive(name);
    if (!probe) {
        return std::nullopt;
    }
    return reply({
        {"sink", name},
        {"url", probe->where},
        {"object", probe->object},
        {"delivered", probe->failure.empty()},
        {"error", probe->failure},
        {"hint", archive::hint_of(probe->failure)},
        {"left", probe->left},
        {"total_ms", probe->took.count()},
    });
}

http::Response test(Gateway& gateway, const Call& call) {
    if (auto answer = test_archive(gateway, call)) {
        return std::move(*answer);
    }
    Members members{call};
    const ProbeMessage message{
        .sink = call.path.at(0),
        .rule = members.take_text("rule").value_or(""),
        .topic = members.take_text("topic").value_or("weir/test"),
        .device = members.take_text("device").value_or("weir-test"),
        .payload = members.take_text("payload").value_or(R"({"weir":"test"})"),
    };
    members.expect_no_more();
    const auto probe = [&] {
        try {
            return gateway.probe_sink(message);
        } catch (const std::invalid_argument& error) {
            throw ApiError{400, "cannot_test", error.what()};
        }
    }();
    const auto& [outcome, diagnosis] = std::tie(probe.outcome, probe.diagnosis);
    return reply({
        {"sink", message.sink},
        {"method", probe.method},
        {"url", probe.url},
        {"delivered", diagnosis.meaning == sinks::Meaning::delivered},
        {"meaning", sinks::name(diagnosis.meaning)},
        {"status", outcome.error ? json::value(nullptr) : json::value(outcome.response.status)},
        {"error", diagnosis.text},
        {"hint", diagnosis.hint},
        {"peer", outcome.peer},
        {"http_version", outcome.http_version},
        {"resolve_ms", milliseconds_of(outcome.timing.resolve)},
        {"connect_ms", milliseconds_of(outcome.timing.connect)},
        {"tls_ms", milliseconds_of(outcome.timing.tls)},
        {"answer_ms", milliseconds_of(outcome.timing.answer)},
        {"total_ms", milliseconds_of(outcome.timing.total)},
    });
}

[[noreturn]] void fail(const boost::system::error_code& error) {
    throw ApiError{503, "storage_failed", error.message()};
}

http::Response retry(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    if (gateway.configuration()->config.find_sink(name) == nullptr) {
        throw ApiError{
            409,
            "sink_removed",
            fmt::format("sink '{}' was removed: put its file back, then weir reload", name)
        };
    }
    Members members{call};
    const auto from = members.take_number("from", 1);
    const auto to = members.take_number("to", UINT64_MAX);
    members.expect_no_more();
    const auto count =
        sinks::requeue_dead_letters(gateway.store(), name, from, to, gateway.clock().wall());
    if (!count) {
        fail(count.error());
    }
    return reply({{"requeued", *count}});
}

http::Response drop_dead(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    Members members{call};
    const auto from = members.take_number("from", 1);
    const auto to = members.take_number("to", UINT64_MAX);
    members.expect_no_more();
    const auto count = sinks::drop_dead_letters(gateway.store(), name, from, to);
    if (!count) {
        fail(count.error());
    }
    if (*count > 0) {
        log::warn("dead_letters_dropped", {{"sink", name}, {"dead_letters", *count}});
    }
    return reply({{"dropped", *count}});
}

http::Response drop(Gateway& gateway, const Call& call) {
    const auto& name = call.path.at(0);
    expect_sink(gateway, name);
    const auto dropped = [&] {
        try {
            return gateway.drop_sink(name);
        } catch (const std::invalid_argument& error) {
            throw ApiError{409, "sink_in_use", error.what()};
        }
    }();
    if (!dropped) {
        fail(dropped.error());
    }
    return reply({{"dropped", dropped->records}, {"dead_letters", dropped->dead_letters}});
}

}  // namespace

void add_sinks(admin::Routes& routes, Gateway& gateway) {
    routes.add("GET", "/v1/sinks", [&gateway](const Call&) { return list(gateway); });
    routes.add("GET", "/v1/sinks/{name}/dead", [&gateway](const Call& call) {
        return dead(gateway, call);
    });
    routes.add("GET", "/v1/sinks/{name}/outbox", [&gateway](const Call& call) {
        return outbox(gateway, call);
    });
    routes.add("POST", "/v1/sinks/{name}/test", [&gateway](const Call& call) {
        return test(gateway, call);
    });
    routes.add("POST", "/v1/sinks/{name}/drop", [&gateway](const Call& call) {
        return drop(gateway, call);
    });
    routes.add("POST", "/v1/sinks/{name}/dead/drop", [&gateway](const Call& call) {
        return drop_dead(gateway, call);
    });
    routes.add("POST", "/v1/sinks/{name}/retry", [&gateway](const Call& call) {
        return retry(gateway, call);
    });
}

}  // namespace weir::app::api
