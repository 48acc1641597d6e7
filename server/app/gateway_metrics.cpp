// Counters of all shards as Prometheus reads them.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <span>

#include <weir/app/gateway.hpp>

#include "gateway_impl.hpp"

namespace weir::app {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

/// One metric with all its samples. Labels come from closed sets only, never from devices or topics.
class Family {
public:
    Family(std::string name, std::string help, MetricType type)
        : family_{.name = std::move(name), .help = std::move(help), .type = type, .metric = {}} {}

    Family& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        if (family_.type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        family_.metric.push_back(std::move(metric));
        return *this;
    }
    Family& add(
        prometheus::ClientMetric::Histogram histogram,
        std::vector<prometheus::ClientMetric::Label> labels
    ) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        metric.histogram = std::move(histogram);
        family_.metric.push_back(std::move(metric));
        return *this;
    }
    [[nodiscard]] MetricFamily take() { return std::move(family_); }

private:
    MetricFamily family_;
};

class Page {
public:
    explicit Page(std::span<const std::unique_ptr<GatewayShard>> shards) : shards_{shards} {}

    template <class Read>
    [[nodiscard]] double sum(Read&& read) const {
        double total = 0;
        for (const auto& shard : shards_) {
            total += static_cast<double>(read(*shard));
        }
        return total;
    }

    template <class Read>
    void counter(const char* name, const char* help, Read&& read) {
        families_.push_back(Family{name, help, MetricType::Counter}.add(sum(read)).take());
    }
    template <class Read>
    void gauge(const char* name, const char* help, Read&& read) {
        families_.push_back(Family{name, help, MetricType::Gauge}.add(sum(read)).take());
    }
    void value(
        const char* name, const char* help, double number, MetricType type = MetricType::Gauge
    ) {
        families_.push_back(Family{name, help, type}.add(number).take());
    }
    void add(Family family) { families_.push_back(family.take()); }

    template <class Read>
    void by_qos(const char* name, const char* help, Read&& read) {
        Family family{name, help, MetricType::Counter};
        for (std::size_t qos = 0; qos < 3; ++qos) {
            family.add(
                sum([&](const GatewayShard& shard) { return read(shard.metrics)[qos].value(); }),
                {{"qos", std::to_string(qos)}}
            );
        }
        add(std::move(family));
    }
    template <class Read>
    void by_queue_limit(const char* name, const char* help, Read&& read) {
        Family family{name, help, MetricType::Counter};
        for (std::size_t limit = 0; limit < model::kQueueLimits; ++limit) {
            family.add(
                sum([&](const GatewayShard& shard) { return read(shard.metrics)[limit].value(); }),
                {{"limit", std::string{model::kQueueLimitNames[limit]}}}
            );
        }
        add(std::move(family));
    }
    template <class Read>
    void by_reason(const char* name, const char* help, Read&& read) {
        Family family{name, help, MetricType::Counter};
        for (const auto& info : model::all_reasons().subspan(1)) {
            family.add(
                sum([&](const GatewayShard& shard) {
                    return read(shard.metrics)[static_cast<std::size_t>(info.reason)].value();
                }),
                {{"reason", std::string{info.name}}}
            );
        }
        add(std::move(family));
    }

    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer{}.Serialize(families_);
    }

private:
    std::span<const std::unique_ptr<GatewayShard>> shards_;
    std::vector<MetricFamily> families_;
};

void add_rules(Page& page, const std::vector<RuleStatus>& rules) {
    struct Row {
        const char* name;
        const char* help;
        double (*read)(const RuleStatus&);
    };
    // clang-format off
    static constexpr std::array<Row, 11> kRows = {{
        {"weir_rule_matched_total",    "Messages that a rule was evaluated for: FROM takes their topic.", [](const RuleStatus& rule) { return static_cast<double>(rule.matched); }},
        {"weir_rule_passed_total",     "Messages that a rule had an output for.",                         [](const RuleStatus& rule) { return static_cast<double>(rule.passed); }},
        {"weir_rule_turned_down_total", "Messages that WHERE turned down, or in which FOREACH found nothing.", [](const RuleStatus& rule) { return static_cast<double>(rule.turned_down); }},
        {"weir_rule_undefined_total",  "Messages for which WHERE had no value.",                          [](const RuleStatus& rule) { return static_cast<double>(rule.undefined); }},
        {"weir_rule_duplicates_total", "Messages that `deduplicate` held back.",                          [](const RuleStatus& rule) { return static_cast<double>(rule.duplicates); }},
        {"weir_rule_broken_total",     "Messages for which the evaluation failed.",                       [](const RuleStatus& rule) { return static_cast<double>(rule.broken); }},
        {"weir_rule_failed_total",     "Evaluations and actions of a rule that failed.",                  [](const RuleStatus& rule) { return static_cast<double>(rule.failed); }},
        {"weir_rule_held_back_total",  "Log lines and alerts beyond the rates of a rule.",                [](const RuleStatus& rule) { return static_cast<double>(rule.held_back); }},
        {"weir_rule_steps_total",      "Steps of all evaluations of a rule.",                             [](const RuleStatus& rule) { return static_cast<double>(rule.steps); }},
        {"weir_rule_timed_total",      "Evaluations that were timed: one of 64.",                         [](const RuleStatus& rule) { return static_cast<double>(rule.timed); }},
        {"weir_rule_timed_seconds_total", "How long those took together.",                                [](const RuleStatus& rule) { return static_cast<double>(rule.timed_ns) / 1e9; }},
    }};
    // clang-format on
    for (const Row& row : kRows) {
        Family family{row.name, row.help, MetricType::Counter};
        for (const auto& rule : rules) {
            family.add(row.read(rule), {{"rule", rule.name}});
        }
        page.add(std::move(family));
    }
}

void add_sinks(
    Page& page,
    const std::vector<sinks::SinkStatus>& sinks,
    const std::vector<archive::ArchiveStatus>& archives
) {
    Family in{
        "weir_sink_in_total", "Records that rules gave to a sink, or that its stream had for it.", MetricType::Counter
    };
    Family delivered{
        "weir_sink_delivered_total", "Records that the receiver took, or that are in objects.", MetricType::Counter
    };
    Family dead{"weir_sink_dead_total", "Records that became dead letters.", MetricType::Counter};
    Family lost{"weir_sink_lost_total", "Records dropped by a full outbox, by an operator, or by the stream before they were written.", MetricType::Counter};
    Family replaced{
        "weir_sink_replaced_total",
        "Records that compaction of the stream removed before they were written.",
        MetricType::Counter
    };
    Family pending{"weir_sink_pending", "Records that wait.", MetricType::Gauge};
    Family lag{"weir_sink_lag_seconds", "Age of the oldest record that waits.", MetricType::Gauge};
    Family failures{"weir_sink_failures_total", "Attempts that failed.", MetricType::Counter};
    Family objects{"weir_sink_objects_total", "Objects that were written.", MetricType::Counter};
    Family bytes{"weir_sink_object_bytes_total", "Bytes of them.", MetricType::Counter};
    for (const auto& sink : sinks) {
        in.add(static_cast<double>(sink.in), {{"sink", sink.name}});
        delivered.add(static_cast<double>(sink.counters.delivered), {{"sink", sink.name}});
        dead.add(static_cast<double>(sink.counters.dead), {{"sink", sink.name}});
        lost.add(static_cast<double>(sink.counters.lost), {{"sink", sink.name}});
        pending.add(static_cast<double>(sink.pending), {{"sink", sink.name}});
        lag.add(static_cast<double>(sink.oldest_age.count()) / 1'000, {{"sink", sink.name}});
        failures.add(static_cast<double>(sink.failures), {{"sink", sink.name}});
    }
    for (const auto& each : archives) {
        in.add(static_cast<double>(each.in), {{"sink", each.name}});
        replaced.add(static_cast<double>(each.counters.replaced), {{"sink", each.name}});
        delivered.add(static_cast<double>(each.counters.records), {{"sink", each.name}});
        lost.add(static_cast<double>(each.counters.lost), {{"sink", each.name}});
        pending.add(static_cast<double>(each.pending), {{"sink", each.name}});
        lag.add(static_cast<double>(each.oldest_age.count()) / 1'000, {{"sink", each.name}});
        failures.add(static_cast<double>(each.failures), {{"sink", each.name}});
        objects.add(static_cast<double>(each.counters.objects), {{"sink", each.name}});
        bytes.add(static_cast<double>(each.counters.bytes), {{"sink", each.name}});
    }
    page.add(std::move(in));
    page.add(std::move(delivered));
    page.add(std::move(dead));
    page.add(std::move(lost));
    page.add(std::move(replaced));
    page.add(std::move(pending));
    page.add(std::move(lag));
    page.add(std::move(failures));
    page.add(std::move(objects));
    page.add(std::move(bytes));
}

prometheus::ClientMetric::Histogram histogram_of(const sinks::LatencyHistogram& latency) {
    const auto seconds = [](std::chrono::milliseconds time) {
        return static_cast<double>(time.count()) / 1'000;
    };
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

void add_requests(Page& page, const std::vector<sinks::SinkStatus>& sinks) {
    Family bytes{
        "weir_sink_pending_bytes", "Size of the outbox, as outbox.size counts.", MetricType::Gauge
    };
    Family attempts{"weir_sink_attempts_total", "Requests.", MetricType::Counter};
    Family in_flight{"weir_sink_in_flight", "Requests without an answer yet.", MetricType::Gauge};
    Family breaker{
        "weir_sink_breaker_open", "1 while nothing is sent but probes.", MetricType::Gauge
    };
    Family letters{"weir_sink_dead_letters", "Dead letters that are kept.", MetricType::Gauge};
    Family reports{
        "weir_sink_reports_lost_total",
        "Reports of dead letters for which the error sink of their rule had no room.",
        MetricType::Counter
    };
    Family latency{"weir_sink_latency_seconds", "Until the answer.", MetricType::Histogram};
    for (const auto& sink : sinks) {
        bytes.add(static_cast<double>(sink.pending_bytes), {{"sink", sink.name}});
        attempts.add(static_cast<double>(sink.attempts), {{"sink", sink.name}});
        in_flight.add(sink.in_flight, {{"sink", sink.name}});
        breaker.add(sink.breaker == sinks::BreakerState::closed ? 0 : 1, {{"sink", sink.name}});
        letters.add(static_cast<double>(sink.dead_letters), {{"sink", sink.name}});
        reports.add(static_cast<double>(sink.reports_lost), {{"sink", sink.name}});
        latency.add(histogram_of(sink.latency), {{"sink", sink.name}});
    }
    for (auto* const family :
         {&bytes, &attempts, &in_flight, &breaker, &letters, &reports, &latency}) {
        page.add(std::move(*family));
    }
}

void add_streams(Page& page, const std::vector<storage::StreamInfo>& streams) {
    Family in{"weir_stream_in_total", "Records that ever came to a stream.", MetricType::Counter};
    Family kept{"weir_stream_kept", "Records that it has.", MetricType::Gauge};
    Family removed{
        "weir_stream_removed_total",
        "Records that its retention, the budget of all streams, or compaction removed.",
        MetricType::Counter
    };
    for (const auto& stream : streams) {
        in.add(static_cast<double>(stream.next - 1), {{"stream", stream.name}});
        kept.add(static_cast<double>(stream.records()), {{"stream", stream.name}});
        removed.add(static_cast<double>(stream.removed()), {{"stream", stream.name}});
    }
    for (auto* const family : {&in, &kept, &removed}) {
        page.add(std::move(*family));
    }
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
        bytes.add(static_cast<double>(use.bytes), {{"area", area}});
        lost.add(static_cast<double>(use.lost), {{"area", area}});
        if (use.budget != 0) {
            budget.add(static_cast<double>(use.budget), {{"area", area}});
        }
    }
    for (auto* const family : {&bytes, &budget, &lost}) {
        page.add(std::move(*family));
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
            static_cast<double>(listener.refused_limit),
            {{"listener", listener.name}, {"cause", "limit"}}
        );
        refused.add(
            static_cast<double>(listener.refused_descriptors),
            {{"listener", listener.name}, {"cause", "descriptors"}}
        );
        if (listener.certificate_ends.count() != 0) {
            ends.add(
                static_cast<double>(listener.certificate_ends.count()) / 1'000,
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
    page.counter("weir_routed_total", "Copies that sessions were to get.", [](const auto& s) {
        return s.metrics.routed.value();
    });
    page.counter(
        "weir_redelivered_total",
        "Copies sent again after a reconnect.",
        [](const auto& s) { return s.metrics.redelivered.value(); }
    );
    page.counter("weir_acks_sent_total", "Acknowledgements to devices.", [](const auto& s) {
        return s.metrics.acks_sent.value();
    });
    page.counter("weir_rule_outputs_total", "Outputs of all rules.", [](const auto& s) {
        return s.metrics.rule_outputs.value();
    });
    page.counter("weir_stream_records_total", "Records given to streams.", [](const auto& s) {
        return s.metrics.stream_records.value();
    });
    page.counter("weir_republished_total", "Messages that rules published.", [](const auto& s) {
        return s.metrics.republished.value();
    });
    page.counter("weir_parked_total", "Publishes held back by an outbox.", [](const auto& s) {
        return s.metrics.parked.value();
    });
    page.counter(
        "weir_connects_total",
        "Sessions taken or resumed by a connection.",
        [](const auto& s) { return s.metrics.connects.value(); }
    );
    page.counter("weir_moves_total", "Connections that changed their shard.", [](const auto& s) {
        return s.metrics.moves.value();
    });
    page.counter("weir_received_bytes_total", "Bytes from devices, decrypted.", [](const auto& s) {
        return s.io.counters.bytes_in.value();
    });
    page.counter(
        "weir_sent_bytes_total",
        "Bytes to devices, before encryption.",
        [](const auto& s) { return s.io.counters.bytes_out.value(); }
    );
    page.counter("weir_tls_handshakes_total", "Completed.", [](const auto& s) {
        return s.io.counters.handshakes.value();
    });
    page.counter("weir_tls_handshakes_failed_total", "Failed.", [](const auto& s) {
        return s.io.counters.handshakes_failed.value();
    });
    add_listeners(page, listeners());
    page.gauge("weir_connections", "Open connections.", [](const auto& s) {
        return s.io.counters.connections.value();
    });
    page.gauge("weir_sessions", "Sessions, online or not.", [](const auto& s) {
        return s.metrics.sessions.value();
    });
    page.gauge("weir_subscriptions", "Subscriptions of all sessions.", [](const auto& s) {
        return s.metrics.subscriptions.value();
    });
    page.gauge("weir_queued", "Copies that wait in sessions.", [](const auto& s) {
        return s.metrics.queued.value();
    });
    page.gauge("weir_retained", "Retained messages.", [](const auto& s) {
        return s.metrics.retained.value();
    });
    add_rules(page, rules());
    page.gauge("weir_rule_state_keys", "Keys that rules remember.", [](const auto& s) {
        return s.publisher.rule_state().metrics().keys.value();
    });
    page.gauge("weir_rule_state_bytes", "Memory that they take.", [](const auto& s) {
        return s.publisher.rule_state().metrics().bytes.value();
    });
    page.counter(
        "weir_rule_state_evicted_total",
        "Keys forgotten because a rule had as many as it may.",
        [](const auto& s) { return s.publisher.rule_state().metrics().evicted.value(); }
    );
    auto outboxes = sinks();
    // One that was removed may have its name from an archive now.
    std::erase_if(outboxes, [now = configuration()](const auto& sink) {
        return now->config.find_archive(sink.name) != nullptr;
    });
    add_sinks(page, outboxes, archives());
    add_requests(page, outboxes);
    add_streams(page, impl.store->streams());
    const auto store = impl.store->stats();
    page.value(
        "weir_stream_compacted_total",
        "Records that newer ones of their device replaced in streams.",
        static_cast<double>(store.compacted),
        MetricType::Counter
    );
    page.value(
        "weir_storage_groups_total",
        "Group commits.",
        static_cast<double>(store.groups),
        MetricType::Counter
    );
    page.value(
        "weir_storage_batches_total",
        "Batches committed in them.",
        static_cast<double>(store.commits),
        MetricType::Counter
    );
    page.value(
        "weir_storage_healthy",
        "1 while the storage takes writes.",
        impl.store->health().state == storage::Health::ok ? 1 : 0
    );
    page.value(
        "weir_storage_relaxed",
        "1 if an acknowledgement does not wait for the disk: storage.durability is not fsync.",
        durability() == Durability::fsync ? 0 : 1
    );
    const auto disk = impl.store->disk();
    if (disk.free) {
        page.value(
            "weir_storage_free_bytes",
            "Free space where the data is.",
            static_cast<double>(*disk.free)
        );
    }
    add_areas(page, impl.store->budgets());
    if (disk.full_in) {
        page.value(
            "weir_storage_full_in_seconds",
            "Until the disk is full, at the rate of the last hour; absent if it does not fill up.",
            static_cast<double>(disk.full_in->count())
        );
    }
    if (const auto backup = backups()) {
        page.value(
            "weir_backup_last_success_timestamp_seconds",
            "When the newest backup by the clock was made; 0: never.",
            backup->newest ? static_cast<double>(backup->newest->time_ms) / 1'000 : 0
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
        static_cast<double>((impl.clock.steady() - impl.started).count()) / 1'000
    );
    return page.text();
}

}  // namespace weir::app
