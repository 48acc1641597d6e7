// What it costs to read a PUBLISH and to write it for a subscriber, and to match its topic.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include <weir/base/topic_index.hpp>
#include <weir/mqtt/decoder.hpp>
#include <weir/mqtt/encoder.hpp>

#include "support/count_allocations.hpp"

namespace weir::mqtt {
namespace {

constexpr std::string_view kTopic = "data/plant-7/probe-000123/temperature";
constexpr std::size_t kPayloadBytes = 300;

Bytes publish_bytes(Version version) {
    Bytes out;
    const Bytes payload(kPayloadBytes, 'x');
    const PublishHeader header{
        .topic = kTopic, .payload_bytes = payload.size(), .packet_id = 7, .qos = Qos::at_least_once
    };
    append_publish(out, header, payload, version);
    return out;
}

void decode_and_encode(benchmark::State& state) {
    const auto version = static_cast<Version>(state.range(0));
    const Bytes in = publish_bytes(version);
    std::array<Byte, 512> out{};
    const auto before = test::allocations.load();
    for (auto _ : state) {
        const auto frame = read_frame(in, kPacketBytesMax);
        const auto publish = decode_publish(*frame, {.version = version});
        const PublishHeader header{
            .topic = publish->topic,
            .payload_bytes = publish->payload.size(),
            .packet_id = 8,
            .qos = publish->qos,
        };
        benchmark::DoNotOptimize(write_publish_head(out.data(), header, version));
    }
    state.counters["mallocs"] = static_cast<double>(test::allocations.load() - before) /
                                static_cast<double>(state.iterations());
}
BENCHMARK(decode_and_encode)->Arg(4)->Arg(5);

void match_topic(benchmark::State& state) {
    TopicIndex<std::uint32_t> index;
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) {
        index.insert("data/plant-7/probe-" + std::to_string(i) + "/+", i);
    }
    index.insert("data/+/+/temperature", 0);
    const auto before = test::allocations.load();
    for (auto _ : state) {
        std::uint32_t sum = 0;
        index.match(kTopic, [&](std::uint32_t value) { sum += value; });
        benchmark::DoNotOptimize(sum);
    }
    state.counters["mallocs"] = static_cast<double>(test::allocations.load() - before) /
                                static_cast<double>(state.iterations());
    state.counters["bytes_per_filter"] =
        static_cast<double>(index.footprint()) / static_cast<double>(index.size());
}
BENCHMARK(match_topic)->Arg(100)->Arg(100'000);

}  // namespace
}  // namespace weir::mqtt

BENCHMARK_MAIN();
