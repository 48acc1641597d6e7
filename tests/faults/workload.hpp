/// Batches that touch many families, and the check that none was lost or split.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include <weir/storage/store.hpp>

namespace weir::storage::test {

/// Batch number i, counted from 1; every fourth is large enough to cross the blocks of a log.
inline Batch make_batch(std::uint64_t i) {
    const std::string number = std::to_string(i);
    const std::string payload = number + std::string(i % 4 == 0 ? 40'000 : 0, '.');
    UsageDelta delta;
    delta.counters[0] = 1;
    Batch batch;
    batch.append_stream("stream", {.topic = "t", .payload = as_bytes(payload)});
    batch.enqueue_outbox("sink", {.topic = "t", .payload = as_bytes(number)});
    if (i % 8 == 7) {
        batch.settle_outbox("sink", i - 7, i - 4);
    }
    batch.put(Family::registry, number, 1, as_bytes(number));
    batch.add_usage({.device = "p", .hour = 1}, delta);
    return batch;
}

/// The store holds batches 1..n, whole, with n >= acknowledged. @return n.
inline std::uint64_t expect_whole(const Store& store, std::uint64_t acknowledged) {
    const auto stream = store.stream("stream").value_or(StreamInfo{});
    const std::uint64_t count = stream.records();
    EXPECT_GE(count, acknowledged) << "acknowledged records are lost";
    const ReadLimit all{.records = count + 10, .bytes = std::size_t{1} << 30U};
    const auto entries = store.read_stream("stream", 1, all);
    EXPECT_TRUE(entries && entries->size() == count);
    if (!entries || entries->size() != count) {
        return count;
    }
    for (std::uint64_t i = 1; i <= count; ++i) {
        const std::string number = std::to_string(i);
        EXPECT_TRUE(as_text((*entries)[i - 1].record.payload).starts_with(number));
        const auto record = store.get(Family::registry, number);
        EXPECT_TRUE(record && *record) << number << " is split";
    }
    const auto beyond = store.get(Family::registry, std::to_string(count + 1));
    EXPECT_TRUE(beyond && !*beyond) << "a batch is split";
    const auto outbox = store.outbox("sink").value_or(OutboxInfo{});
    EXPECT_EQ(outbox.next, stream.next);
    EXPECT_EQ(store.read_outbox("sink", 1, all)->size(), outbox.records);
    std::uint64_t usage = 0;
    EXPECT_TRUE(store.read_usage({.from_hour = 0, .to_hour = 9}, [&](const UsageEntry& entry) {
        usage += entry.sums.counters[0];
        return true;
    }));
    EXPECT_EQ(usage, count) << "usage parted from its messages";
    return count;
}

}  // namespace weir::storage::test
