/// What the metrics of a gateway are written with. Private to app.
#pragma once

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway_shard.hpp"

namespace weir::app {

/// One metric with all its samples. Labels come from closed sets only, never from devices or topics.
class Family {
public:
    Family(std::string name, std::string help, prometheus::MetricType type)
        : family_{.name = std::move(name), .help = std::move(help), .type = type, .metric = {}} {}

    Family& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        if (family_.type == prometheus::MetricType::Counter) {
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
    [[nodiscard]] prometheus::MetricFamily take() { return std::move(family_); }

private:
    prometheus::MetricFamily family_;
};

/// A metric that each of several things has a sample of.
template <class Thing>
struct Row {
    const char* name;
    const char* help;
    double (*read)(const Thing&);
    prometheus::MetricType type = prometheus::MetricType::Counter;
};

/// The page that Prometheus reads, in the order of the calls.
class Page {
public:
    explicit Page(std::span<const std::unique_ptr<GatewayShard>> shards) : shards_{shards} {}

    /// The sum of all shards.
    void add_sums(std::span<const Row<GatewayShard>> rows) {
        for (const auto& row : rows) {
            value(row.name, row.help, sum(row.read), row.type);
        }
    }
    /// A sample of each thing, with its name under `label`.
    template <class Thing>
    void add_each(
        const char* label, const std::vector<Thing>& things, std::span<const Row<Thing>> rows
    ) {
        for (const auto& row : rows) {
            Family family{row.name, row.help, row.type};
            for (const auto& thing : things) {
                family.add(row.read(thing), {{label, thing.name}});
            }
            add(std::move(family));
        }
    }
    void value(
        const char* name,
        const char* help,
        double number,
        prometheus::MetricType type = prometheus::MetricType::Gauge
    ) {
        families_.push_back(Family{name, help, type}.add(number).take());
    }
    void add(Family family) { families_.push_back(family.take()); }

    template <class Read>
    void by_qos(const char* name, const char* help, Read&& read) {
        Family family{name, help, prometheus::MetricType::Counter};
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
        Family family{name, help, prometheus::MetricType::Counter};
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
        Family family{name, help, prometheus::MetricType::Counter};
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
    template <class Read>
    [[nodiscard]] double sum(Read&& read) const {
        double total = 0;
        for (const auto& shard : shards_) {
            total += static_cast<double>(read(*shard));
        }
        return total;
    }

    std::span<const std::unique_ptr<GatewayShard>> shards_;
    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace weir::app
