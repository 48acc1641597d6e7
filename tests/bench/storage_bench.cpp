// What an acknowledged message costs on the way into the store, and what counting it costs.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>

#include <weir/metering/meter.hpp>
#include <weir/storage/store.hpp>

#include "support/count_allocations.hpp"
#include "support/temp_dir.hpp"

namespace weir {
namespace {

using storage::Batch;
using storage::CommitInfo;
using storage::Durability;
using storage::Store;

constexpr std::uint64_t kInFlight = 512;
constexpr std::size_t kPayloadBytes = 300;

/// As the pipeline builds it for a message that one rule sends to a stream.
Batch message_batch(const std::string& payload) {
    storage::UsageDelta delta;
    delta.counters[0] = 1;
    Batch batch;
    batch.reserve(640);
    batch.append_stream(
        "data", {.time_ms = 1, .topic = "data/p1/temp", .key = "p1", .payload = as_bytes(payload)}
    );
    batch.add_usage({.device = "p1", .hour = 1}, delta);
    return batch;
}

void build_batch(benchmark::State& state) {
    const std::string payload(kPayloadBytes, 'x');
    const auto before = test::allocations.load();
    for (auto _ : state) {
        auto batch = message_batch(payload);
        benchmark::DoNotOptimize(batch);
    }
    state.counters["mallocs"] = benchmark::Counter(
        static_cast<double>(test::allocations.load() - before), benchmark::Counter::kAvgIterations
    );
}
BENCHMARK(build_batch);

void commit(benchmark::State& state, Durability durability) {
    const test::TempDir directory{std::filesystem::temp_directory_path()};
    const auto store = Store::open({.path = directory / "data", .durability = durability});
    const std::string payload(kPayloadBytes, 'x');
    std::atomic<std::uint64_t> done{0};
    std::uint64_t submitted = 0;
    const auto before = test::allocations.load();
    for (auto _ : state) {
        for (auto finished = done.load(); submitted - finished >= kInFlight;
             finished = done.load()) {
            done.wait(finished);
        }
        store->submit(message_batch(payload), [&done](const Result<CommitInfo>& info) {
            benchmark::DoNotOptimize(info);
            ++done;
            done.notify_one();
        });
        ++submitted;
    }
    store->drain();
    const auto stats = store->stats();
    state.SetItemsProcessed(static_cast<std::int64_t>(submitted));
    state.counters["mallocs"] = benchmark::Counter(
        static_cast<double>(test::allocations.load() - before), benchmark::Counter::kAvgIterations
    );
    state.counters["per_group"] = static_cast<double>(stats.commits) /
                                  static_cast<double>(std::max<std::uint64_t>(1, stats.groups));
    state.counters["write_us"] = static_cast<double>(stats.write_us_total) /
                                 static_cast<double>(std::max<std::uint64_t>(1, stats.groups));
}
BENCHMARK_CAPTURE(commit, fsync, Durability::fsync)->UseRealTime();
BENCHMARK_CAPTURE(commit, wal, Durability::wal)->UseRealTime();

void count_message(benchmark::State& state) {
    metering::Meter meter{WallTime{0}};
    auto* const device = meter.open("default", "p1");
    std::uint64_t size = 0;
    meter.count(*device, metering::publish_in({}));
    const auto before = test::allocations.load();
    for (auto _ : state) {
        meter.count(
            *device, metering::publish_in({.payload_bytes = ++size & 1'023U, .topic_bytes = 12})
        );
    }
    state.counters["mallocs"] = benchmark::Counter(
        static_cast<double>(test::allocations.load() - before), benchmark::Counter::kAvgIterations
    );
}
BENCHMARK(count_message);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
