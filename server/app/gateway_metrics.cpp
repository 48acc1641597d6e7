// Counters of all shards as Prometheus reads them.
#include <array>
#include <limits>

#include <weir/app/gateway.hpp>

#include "gateway_impl.hpp"
#include "metrics_page.hpp"

namespace weir::app {
namespace {

using archive::ArchiveStatus;
using prometheus::MetricType;
using sinks::SinkStatus;

[[nodiscard]] double number(auto value) {
    return static_cast<double>(value);
}
[[nodiscard]] double seconds(std::chrono::milliseconds time) {
    return number(time.count()) / 1'000;
}

// clang-format off
constexpr auto kShardRows = std::to_array<Row<GatewayShard>>({
    {"weir_routed_total", "Copies that sessions were to get.", [](const auto& s) { return number(s.metrics.routed.value()); }},
    {"weir_redelivered_total", "Copies sent again after a reconnect.", [](const auto& s) { return number(s.metrics.redelivered.value()); }},
    {"weir_acks_sent_total", "Acknowledgements to devices.", [](const auto& s) { return number(s.metrics.acks_sent.value()); }},
    {"weir_rule_outputs_total", "Outputs of all rules.", [](const auto& s) { return number(s.metrics.rule_outputs.value()); }},
    {"weir_stream_records_total", "Records given to streams.", [](const auto& s) { return number(s.metrics.stream_records.value()); }},
    {"weir_republished_total", "Messages that rules published.", [](const auto& s) { return number(s.metrics.republished.value()); }},
    {"weir_parked_total", "Publishes held back by an outbox.", [](const auto& s) { return number(s.metrics.parked.value()); }},
    {"weir_connects_total", "Sessions taken or resumed by a connection.", [](const auto& s) { return number(s.metrics.connects.value()); }},
    {"weir_moves_total", "Connections that changed their shard.", [](const auto& s) { return number(s.metrics.moves.value()); }},
    {"weir_received_bytes_total", "Bytes from devices, decrypted.", [](const auto& s) { return number(s.io.counters.bytes_in.value()); }},
    {"weir_sent_bytes_total", "Bytes to devices, before encryption.", [](const auto& s) { return number(s.io.counters.bytes_out.value()); }},
    {"weir_tls_handshakes_total", "Completed.", [](const auto& s) { return number(s.io.counters.handshakes.value()); }},
    {"weir_tls_handshakes_failed_total", "Failed.", [](const auto& s) { return number(s.io.counters.handshakes_failed.value()); }},
    {"weir_connections", "Open connections.", [](const auto& s) { return number(s.io.counters.connections.value()); }, MetricType::Gauge},
    {"weir_sessions", "Sessions, online or not.", [](const auto& s) { return number(s.metrics.sessions.value()); }, MetricType::Gauge},
    {"weir_subscriptions", "Subscriptions of all sessions.", [](const auto& s) { return number(s.metrics.subscriptions.value()); }, MetricType::Gauge},
    {"weir_queued", "Copies that wait in sessions.", [](const auto& s) { return number(s.metrics.queued.value()); }, MetricType::Gauge},
    {"weir_retained", "Retained messages.", [](const auto& s) { return number(s.metrics.retained.value()); }, MetricType::Gauge},
});

constexpr auto kRuleStateRows = std::to_array<Row<GatewayShard>>({
    {"weir_rule_state_keys", "Keys that rules remember.", [](const auto& s) { return number(s.publisher.rule_state().metrics().keys.value()); }, MetricType::Gauge},
    {"weir_rule_state_bytes", "Memory that they take.", [](const auto& s) { return number(s.publisher.rule_state().metrics().bytes.value()); }, MetricType::Gauge},
    {"weir_rule_state_evicted_total", "Keys forgotten because a rule had as many as it may.", [](const auto& s) { return number(s.publisher.rule_state().metrics().evicted.value()); }},
});

constexpr auto kRuleRows = std::to_array<Row<RuleStatus>>({
    {"weir_rule_matched_total", "Messages that a rule was evaluated for: FROM takes their topic.", [](const auto& rule) { return number(rule.matched); }},
    {"weir_rule_passed_total", "Messages that a rule had an output for.", [](const auto& rule) { return number(rule.passed); }},
    {"weir_rule_turned_down_total", "Messages that WHERE turned down, or in which FOREACH found nothing.", [](const auto& rule) { return number(rule.turned_down); }},
    {"weir_rule_undefined_total", "Messages for which WHERE had no value.", [](const auto& rule) { return number(rule.undefined); }},
    {"weir_rule_duplicates_total", "Messages that `deduplicate` held back.", [](const auto& rule) { return number(rule.duplicates); }},
    {"weir_rule_broken_total", "Messages for which the evaluation failed.", [](const auto& rule) { return number(rule.broken); }},
    {"weir_rule_failed_total", "Evaluations and actions of a rule that failed.", [](const auto& rule) { return number(rule.failed); }},
    {"weir_rule_held_back_total", "Log lines and alerts beyond the rates of a rule.", [](const auto& rule) { return number(rule.held_back); }},
    {"weir_rule_steps_total", "Steps of all evaluations of a rule.", [](const auto& rule) { return number(rule.steps); }},
    {"weir_rule_timed_total", "Evaluations that were timed: one of 64.", [](const auto& rule) { return number(rule.timed); }},
    {"weir_rule_timed_seconds_total", "How long those took together.", [](const auto& rule) { return number(rule.timed_ns) / 1e9; }},
});

constexpr auto kStreamRows = std::to_array<Row<storage::StreamInfo>>({
    {"weir_stream_in_total", "Records that ever came to a stream.", [](const auto& stream) { return number(stream.next - 1); }},
    {"weir_stream_kept", "Records that it has.", [](const auto& stream) { return number(stream.records()); }, MetricType::Gauge},
    {"weir_stream_removed_total", "Records that its retention, the budget of all streams, or compaction removed.", [](const auto& stream) { return number(stream.removed()); }},
});

/// Of sinks with an outbox and of those that are archives. Null: that kind has none.
struct SinkRow {
    const char* name;
    const char* help;
    MetricType type;
    double (*of_sink)(const SinkStatus&);
    double (*of_archive)(const ArchiveStatus&);
};
constexpr auto kSinkRows = std::to_array<SinkRow>({
    {"weir_sink_in_total", "Records that rules gave to a sink, or that its stream had for it.", MetricType::Counter,
        [](const auto& sink) { return number(sink.in); }, [](const auto& sink) { return number(sink.in); }},
    {"weir_sink_delivered_total", "Records that the receiver took, or that are in objects.", MetricType::Counter,
        [](const auto& sink) { return number(sink.counters.delivered); }, [](const auto& sink) { return number(sink.counters.records); }},
    {"weir_sink_dead_total", "Records that became dead letters.", MetricType::Counter,
        [](const auto& sink) { return number(sink.counters.dead); }, nullptr},
    {"weir_sink_lost_total", "Records dropped by a full outbox, by an operator, or by the stream before they were written.", MetricType::Counter,
        [](const auto& sink) { return number(sink.counters.lost); }, [](const auto& sink) { return number(sink.counters.lost); }},
    {"weir_sink_replaced_total", "Records that compaction of the stream removed before they were written.", MetricType::Counter,
        nullptr, [](const auto& sink) { return number(sink.counters.replaced); }},
    {"weir_sink_pending", "Records that wait.", MetricType::Gauge,
        [](const auto& sink) { return number(sink.pending); }, [](const auto& sink) { return number(sink.pending); }},
    {"weir_sink_lag_seconds", "Age of the oldest record that waits.", MetricType::Gauge,
        [](const auto& sink) { return seconds(sink.oldest_age); }, [](const auto& sink) { return seconds(sink.oldest_age); }},
    {"weir_sink_failures_total", "Attempts that failed.", MetricType::Counter,
        [](const auto& sink) { return number(sink.failures); }, [](const auto& sink) { return number(sink.failures); }},
    {"weir_sink_objects_total", "Objects that were written.", MetricType::Counter,
        nullptr, [](const auto& sink) { return number(sink.counters.objects); }},
    {"weir_sink_object_bytes_total", "Bytes of them.", MetricType::Counter,
        nullptr, [](const auto& sink) { return number(sink.counters.bytes); }},
    {"weir_sink_pending_bytes", "Size of the outbox, as outbox.size counts.", MetricType::Gauge,
        [](const auto& sink) { return number(sink.pending_bytes); }, nullptr},
    {"weir_sink_attempts_total", "Requests.", MetricType::Counter,
        [](const auto& sink) { return number(sink.attempts); }, nullptr},
    {"weir_sink_in_flight", "Requests without an answer yet.", MetricType::Gauge,
        [](const auto& sink) { return number(sink.in_flight); }, nullptr},
    {"weir_sink_breaker_open", "1 while nothing is sent but probes.", MetricType::Gauge,
        [](const auto& sink) { return number(sink.breaker == sinks::BreakerState::closed ? 0 : 1); }, nullptr},
    {"weir_sink_dead_letters", "Dead letters that are kept.", MetricType::Gauge,
        [](const auto& sink) { return number(sink.dead_letters); }, nullptr},
    {"weir_sink_reports_lost_total", "Reports of dead letters that found no room on their way to the error action of their rule.", MetricType::Counter,
        [](const auto& sink) { return number(sink.reports_lost); }, nullptr},
});
// clang-format on

prometheus::ClientMetric::Histogram histogram_of(const sinks::LatencyHistogram& latency) {
    prometheus::ClientMetric::Histogram out;
    out.sample_count = latency.count();
    out.sample_sum = seconds(latency.sum);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < latency.counts.size(); ++i) {
        sum += latency.counts[i];
        const bool last = i == sinks::LatencyHistogram::kBounds.size();
        out.bucket.push_back(
            {.cumulative_count = sum,
             .upper_bound = last ? std::numeric_limits<double>::infinity()
                                 : seconds(sinks::LatencyHistogram::kBounds[i])}
        );
    }
    return out;
}

void add_sinks(
    Page& page, const std::vector<SinkStatus>& sinks, const std::vector<ArchiveStatus>& archives
) {
    for (const SinkRow& row : kSinkRows) {
        Family family{row.name, row.help, row.type};
        const auto add = [&family](const auto& all, auto read) {
            for (const auto& each : all) {
                if (read != nullptr) {
                    family.add(read(each), {{"sink", each.name}});
                }
            }
        };
        add(sinks, row.of_sink);
        add(archives, row.of_archive);
        page.add(std::move(family));
    }
    Family latency{"weir_sink_latency_seconds", "Until the answer.", MetricType::Histogram};
    for (const auto& sink : sinks) {
        latency.add(histogram_of(sink.latency), {{"sink", sink.name}});
    }
    page.add(std::move(latency));
}

void add_areas(Page& page, const storage::Budgets& budgets) {
    Family bytes{
        "weir_storage_area_bytes",
        "Bytes of records that an area of the storage holds.",
        MetricType::Gauge
    };
    Family budget{
        "weir_storage_area_budget_bytes",
        "How many it may hold; absent without a budget.",
        MetricType::Gauge
    };
    Family lost{
        "weir_storage_area_lost_total", "Records that the budget cost.", MetricType::Counter
    };
    for (std::size_t i = 0; i < storage::kAreas; ++i) {
        const auto use = budgets.use(static_cast<storage::Area>(i));
        const std::string area{storage::kAreaNames[i]};
        bytes.add(number(use.bytes), {{"area", area}});
        lost.add(number(use.lost), {{"area", area}});
        if (use.budget != 0) {
            budget.add(number(use.budget), {{"area", area}});
        }
    }
    for (auto* const family : {&bytes, &budget, &lost}) {
        page.add(std::move(*family));
    }
}

void add_storage(Page& page, storage::Store& store) {
    const auto stats = store.stats();
    page.value(
        "weir_stream_compacted_total",
        "Records that newer ones of their device replaced in streams.",
        number(stats.compacted),
        MetricType::Counter
    );
    page.value(
        "weir_storage_groups_total",
        "Group commits.",
        number(stats.groups),
        MetricType::Counter
    );
    page.value(
        "weir_storage_batches_total",
        "Batches committed in them.",
        number(stats.commits),
        MetricType::Counter
    );
    page.value(
        "weir_storage_healthy",
        "1 while the storage takes writes.",
        store.health().state == storage::Health::ok ? 1 : 0
    );
    const auto disk = store.disk();
    if (disk.free) {
        page.value("weir_storage_free_bytes", "Free space where the data is.", number(*disk.free));
    }
    add_areas(page, store.budgets());
    if (disk.full_in) {
        page.value(
            "weir_storage_full_in_seconds",
            "Until the disk is full, at the rate of the last hour; absent if it does not fill up.",
            number(disk.full_in->count())
        );
    }
}

void add_listeners(Page& page, const std::vector<ListenerStatus>& listeners) {
    Family refused{
        "weir_connections_refused_total",
        "Connections closed at once, by cause: the listener's limit, or no descriptor is left.",
        MetricType::Counter
    };
    Family ends{
        "weir_tls_certificate_expires_timestamp_seconds",
        "When the certificate of a listener ends.",
        MetricType::Gauge
    };
    for (const auto& listener : listeners) {
        refused.add(
            number(listener.refused_limit),
            {{"listener", listener.name}, {"cause", "limit"}}
        );
        refused.add(
            number(listener.refused_descriptors),
            {{"listener", listener.name}, {"cause", "descriptors"}}
        );
        if (listener.certificate_ends.count() != 0) {
            ends.add(
                number(listener.certificate_ends.count()) / 1'000,
                {{"listener", listener.name}}
            );
        }
    }
    page.add(std::move(refused));
    page.add(std::move(ends));
}

}  // namespace

std::string Gateway::metrics_text() const {
    const Impl& impl = *impl_;
    Page page{impl.parts};
    page.by_qos(
        "weir_messages_received_total",
        "Messages accepted from devices.",
        [](const auto& m) -> auto& { return m.received; }
    );
    page.by_qos(
        "weir_messages_delivered_total",
        "Copies handed to subscribers.",
        [](const auto& m) -> auto& { return m.delivered; }
    );
    page.by_reason(
        "weir_lost_total",
        "Messages or copies that reached nobody.",
        [](const auto& m) -> auto& { return m.lost; }
    );
    page.by_queue_limit(
        "weir_lost_by_limit_total",
        "Copies that a limit of a session's queue cost; part of weir_lost_total.",
        [](const auto& m) -> auto& { return m.queue_limits; }
    );
    page.by_reason(
        "weir_refused_total",
        "Requests refused and connections ended.",
        [](const auto& m) -> auto& { return m.refused; }
    );
    page.add_sums(kShardRows);
    add_listeners(page, listeners());
    page.add_each<RuleStatus>("rule", rules(), kRuleRows);
    page.add_sums(kRuleStateRows);
    auto outboxes = sinks();
    // One that was removed may have its name from an archive now.
    std::erase_if(outboxes, [now = configuration()](const auto& sink) {
        return now->config.find_archive(sink.name) != nullptr;
    });
    add_sinks(page, outboxes, archives());
    page.add_each<storage::StreamInfo>("stream", impl.store->streams(), kStreamRows);
    add_storage(page, *impl.store);
    page.value(
        "weir_storage_relaxed",
        "1 if an acknowledgement does not wait for the disk: storage.durability is not fsync.",
        durability() == Durability::fsync ? 0 : 1
    );
    if (const auto backup = backups()) {
        page.value(
            "weir_backup_last_success_timestamp_seconds",
            "When the newest backup by the clock was made; 0: never.",
            backup->newest ? number(backup->newest->time_ms) / 1'000 : 0
        );
        page.value(
            "weir_backup_failed",
            "1 if the last attempt failed.",
            backup->error.empty() ? 0 : 1
        );
    }
    page.value(
        "weir_config_last_reload_success",
        "1 if the last reload was applied.",
        impl.last_reload_ok ? 1 : 0
    );
    page.value(
        "weir_uptime_seconds",
        "Since start.",
        number((impl.clock.steady() - impl.started).count()) / 1'000
    );
    return page.text();
}

}  // namespace weir::app
