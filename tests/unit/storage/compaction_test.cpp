// Compaction of streams by key, against a model that does it at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <weir/storage/detail/catalog.hpp>
#include <weir/storage/store.hpp>

#include "faulty_engine.hpp"
#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

using namespace std::chrono_literals;
using test::Faults;
using test::FaultyEngine;

constexpr std::uint64_t kChunkRecords = 256;
constexpr std::uint64_t kChunkBytes = 64 * 1024;
constexpr ReadLimit kAll{.records = 1'000'000, .bytes = std::size_t{1} << 30U};

struct Row {
    std::uint64_t offset = 0;
    std::int64_t time_ms = 0;
    std::string key = {};
    std::string payload = {};

    [[nodiscard]] StreamRecord record() const {
        return {.time_ms = time_ms, .topic = "t", .key = key, .payload = as_bytes(payload)};
    }
    friend bool operator==(const Row&, const Row&) = default;
};

/// What a stream should have.
struct Model {
    std::vector<Row> rows;
    std::uint64_t next = 1;
    std::uint64_t border = 1;  ///< The youngest chunk begins here.
    std::uint64_t chunk_bytes = 0;

    void append(Row row) {
        if (next - border >= kChunkRecords || chunk_bytes >= kChunkBytes) {
            border = next;
            chunk_bytes = 0;
        }
        row.offset = next++;
        chunk_bytes += encoded_size(row.record());
        rows.push_back(std::move(row));
    }

    void compact(std::int64_t now) {
        std::map<std::string, std::uint64_t> newest;
        for (const Row& row : rows) {
            if (row.offset < border) {
                newest[row.key] = row.offset;
            }
        }
        const std::int64_t expired = now - 24 * 60 * 60 * 1'000;
        std::erase_if(rows, [&](const Row& row) {
            return row.offset < border && !row.key.empty() &&
                   (row.offset < newest[row.key] || (row.payload.empty() && row.time_ms <= expired)
                   );
        });
    }

    void trim(std::uint64_t first) {
        std::erase_if(rows, [first](const Row& row) { return row.offset < first; });
    }

    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const Row& row : rows) {
            sum += encoded_size(row.record());
        }
        return sum;
    }
};

enum class Kind { memory, rocks };

class Compaction : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override { open(); }

    void open() {
        store_.reset();
        const StoreOptions options{
            .path = directory_ / "data", .durability = Durability::wal, .clock = &clock_};
        store_ = GetParam() == Kind::memory ? Store::in_memory(options) : Store::open(options);
        store_->set_retention("s", retention_);
    }
    /// In memory nothing would be left.
    void restart() {
        if (GetParam() == Kind::rocks) {
            open();
        }
    }

    void append(std::vector<Row> rows) {
        Batch batch;
        for (Row& row : rows) {
            row.time_ms = clock_.wall().count();
            batch.append_stream("s", row.record());
            model_.append(std::move(row));
        }
        ASSERT_TRUE(store_->commit(std::move(batch)));
    }
    /// A chunk ends, and what was before can be compacted.
    void end_chunk() {
        append({{.payload = std::string(kChunkBytes, 'x')}});
        append({{.payload = "young"}});
    }
    void compact() {
        store_->compact_streams();
        model_.compact(clock_.wall().count());
    }

    [[nodiscard]] std::vector<Row> stored(std::uint64_t from = 1, ReadLimit limit = kAll) const {
        std::vector<Row> rows;
        for (const auto& entry : *store_->read_stream("s", from, limit)) {
            rows.push_back(
                {entry.offset,
                 entry.record.time_ms,
                 std::string{entry.record.key},
                 std::string{as_text(entry.record.payload)}}
            );
        }
        return rows;
    }
    /// What is stored, and all that is counted of it.
    void expect_model() {
        const auto info = *store_->stream("s");
        EXPECT_EQ(info.next, model_.next);
        EXPECT_EQ(info.records(), model_.rows.size());
        EXPECT_EQ(info.bytes, model_.bytes());
        EXPECT_EQ(store_->budgets().use(Area::streams).bytes, info.bytes);
        EXPECT_TRUE(stored() == model_.rows);
    }
    void expect_searches(std::mt19937& random) const {
        const auto& rows = model_.rows;
        const auto index = std::uniform_int_distribution<std::size_t>{0, rows.size() - 1}(random);
        const Row& row = rows[index];
        const auto found = std::ranges::lower_bound(rows, row.time_ms, {}, &Row::time_ms);
        EXPECT_EQ(*store_->find_offset("s", row.time_ms), found->offset);
        const auto last = stored(*store_->find_last("s", rows.size() - index));
        EXPECT_EQ(last.size(), rows.size() - index);
        const auto page = stored(index == 0 ? 1 : rows[index - 1].offset + 1, {.records = 3});
        ASSERT_FALSE(page.empty());
        EXPECT_EQ(page.front(), row) << "an offset in a gap reads from the next record on";
    }

    weir::test::TempDir directory_;
    ManualClock clock_;
    Retention retention_{.compact = true};
    Model model_;
    std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Engines,
    Compaction,
    testing::Values(Kind::memory, Kind::rocks),
    [](const auto& row) { return row.param == Kind::memory ? "memory" : "rocks"; }
);

TEST_P(Compaction, KeepsTheNewestOfEachKey_AndItsOffset) {
    append(
        {{.key = "a", .payload = "1"}, {.key = "b", .payload = "2"}, {.key = "a", .payload = "3"}}
    );
    end_chunk();
    store_->compact_streams();
    const auto rows = stored();
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[0].offset, 2U);
    EXPECT_EQ(rows[0].payload, "2");
    EXPECT_EQ(rows[1].offset, 3U);
    EXPECT_EQ(rows[1].payload, "3");
    const auto info = *store_->stream("s");
    EXPECT_EQ(info.first, 1U);
    EXPECT_EQ(info.next, 6U);
    EXPECT_EQ(info.compacted, 1U);
    EXPECT_EQ(info.records(), 4U);
    EXPECT_EQ(store_->stats().compacted, 1U);
}

TEST_P(Compaction, ComesByItself_AStepAtATime) {
    for (int i = 0; i < 10; ++i) {
        append(std::vector<Row>(kChunkRecords, {.key = "a", .payload = "x"}));
    }
    append({{.key = "a", .payload = "young"}});
    for (int steps = 0; steps < 100; ++steps) {
        clock_.advance(20ms);
        store_->drain();
    }
    model_.compact(clock_.wall().count());
    EXPECT_EQ(model_.rows.size(), 2U) << "the newest of what is old, and the youngest chunk";
    expect_model();
}

TEST_P(Compaction, LeavesStreamsAlone_ThatDoNotAskForIt) {
    retention_ = {};
    open();
    append({{.key = "a", .payload = "1"}, {.key = "a", .payload = "2"}});
    end_chunk();
    store_->compact_streams();
    expect_model();
}

TEST_P(Compaction, LeavesRecordsWithoutAKey) {
    append({{.payload = "1"}, {.payload = "2"}, {.payload = ""}});
    end_chunk();
    clock_.advance(48h);
    compact();
    EXPECT_EQ(model_.rows.size(), 5U);
    expect_model();
}

TEST_P(Compaction, KeepsKeysOfTenantsApart) {
    Batch batch;
    batch.append_stream("s", {.tenant = "north", .key = "a", .payload = as_bytes("1")});
    batch.append_stream("s", {.tenant = "south", .key = "a", .payload = as_bytes("2")});
    batch.append_stream("s", {.payload = as_bytes(std::string(kChunkBytes, 'x'))});
    batch.append_stream("s", {});
    ASSERT_TRUE(store_->commit(std::move(batch)));
    store_->compact_streams();
    EXPECT_EQ(store_->stream("s")->records(), 4U);
}

TEST_P(Compaction, RemovesATombstone_ADayAfterItCame) {
    append({{.key = "a", .payload = "1"}, {.key = "a", .payload = ""}, {.key = "b", .payload = "1"}}
    );
    end_chunk();
    compact();
    EXPECT_EQ(stored().front().offset, 2U) << "readers see that the key is gone";
    clock_.advance(24h - 1ms);
    compact();
    expect_model();
    EXPECT_EQ(stored().front().offset, 2U);
    clock_.advance(1ms);
    compact();
    expect_model();
    EXPECT_EQ(stored().front().offset, 3U);
    EXPECT_EQ(store_->stream("s")->first, 1U) << "only retention moves it";
}

TEST_P(Compaction, ATombstoneTakesNothingWithItThatCameLater) {
    append({{.key = "a", .payload = "1"}, {.key = "a", .payload = ""}});
    end_chunk();
    append({{.key = "a", .payload = "2"}});
    clock_.advance(48h);
    end_chunk();
    compact();
    expect_model();
    EXPECT_TRUE(std::ranges::any_of(stored(), [](const Row& row) { return row.payload == "2"; }));
}

TEST_P(Compaction, IsForMoreKeysThanAPassHolds) {
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 70; ++i) {
            std::vector<Row> rows;
            for (int j = 0; j < 1'000; ++j) {
                rows.push_back({.key = std::to_string(i * 1'000 + j), .payload = "x"});
            }
            append(std::move(rows));
        }
    }
    end_chunk();
    compact();
    EXPECT_EQ(model_.rows.size(), 70'002U);
    expect_model();
}

TEST_P(Compaction, IsTrimmedToItsSize_AsWhatIsLeftCounts) {
    for (int i = 0; i < 40; ++i) {
        std::vector<Row> rows;
        for (int j = 0; j < 20; ++j) {
            // Half of the keys are written again and again.
            const int key = j % 2 == 0 ? j : i * 20 + j;
            rows.push_back({.key = std::to_string(key), .payload = std::string(1'024, 'x')});
        }
        append(std::move(rows));
    }
    compact();
    expect_model();
    constexpr std::uint64_t kKeep = 200 * 1'024;
    ASSERT_GT(model_.bytes(), kKeep + 100 * 1'024);
    store_->set_retention("s", {.bytes = kKeep, .compact = true});
    store_->trim();
    const auto info = *store_->stream("s");
    EXPECT_GE(info.bytes, kKeep);
    EXPECT_LT(info.bytes, kKeep + 70 * 1'024);
    model_.trim(info.first);
    expect_model();
}

TEST_P(Compaction, GivesWayToTheBudget_AsWhatIsLeftCounts) {
    for (int i = 0; i < 40; ++i) {
        append(std::vector<Row>(20, {.key = std::to_string(i), .payload = std::string(1'024, 'x')})
        );
        append(std::vector<Row>(20, {.payload = std::string(1'024, 'x')}));
    }
    compact();
    expect_model();
    const std::size_t before = model_.rows.size();
    store_->budgets().set_budget(Area::streams, 300 * 1'024);
    store_->trim();
    model_.trim(store_->stream("s")->first);
    expect_model();
    const AreaUse use = store_->budgets().use(Area::streams);
    EXPECT_LE(use.bytes, use.budget);
    EXPECT_GT(use.bytes, use.budget - 70 * 1'024);
    EXPECT_EQ(use.lost, before - model_.rows.size());
}

TEST_P(Compaction, FollowsTheModel_WhateverHappens) {
    std::mt19937 random{20'261'127};
    const auto number = [&random](int from, int to) {
        return std::uniform_int_distribution{from, to}(random);
    };
    append({{.key = "k0", .payload = "first"}});
    for (int round = 0; round < 120 && !HasFailure(); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        for (int batches = number(0, 6); batches > 0; --batches) {
            std::vector<Row> rows;
            for (int i = number(1, 120); i > 0; --i) {
                const int key = number(0, 1 + round * 3);
                rows.push_back(
                    {.key = key == 0 ? "" : "k" + std::to_string(key),
                     .payload =
                         std::string(static_cast<std::size_t>(number(0, 4) * number(0, 400)), 'x')}
                );
            }
            append(std::move(rows));
            clock_.advance(std::chrono::minutes{number(0, 60)});
        }
        // Some steps of a pass, which may end before or behind them.
        for (int steps = number(0, 10); steps > 0; --steps) {
            clock_.advance(20ms);
            store_->drain();
        }
        if (number(0, 4) == 0) {
            restart();
        }
        if (number(0, 4) == 0) {
            retention_.bytes = static_cast<std::uint64_t>(number(2, 10)) * kChunkBytes;
            store_->set_retention("s", retention_);
            store_->trim();
        }
        compact();
        model_.trim(store_->stream("s")->first);
        expect_model();
        expect_searches(random);
    }
    store_.reset();
    if (GetParam() == Kind::rocks) {
        EXPECT_EQ(verify_data(directory_ / "data").problems, std::vector<std::string>{});
    }
}

TEST(CompactionFaults, BeginsAnew_AfterAGroupThatFailed) {
    const auto faults = std::make_shared<Faults>();
    ManualClock clock;
    Store store{std::make_unique<FaultyEngine>(faults), {.clock = &clock}};
    for (int i = 0; i < 20; ++i) {
        Batch batch;
        for (int j = 0; j < 256; ++j) {
            batch.append_stream("s", {.key = "a", .payload = as_bytes("x")});
        }
        ASSERT_TRUE(store.commit(std::move(batch)));
    }
    store.set_retention("s", {.compact = true});
    faults->commit_error = errc::disk_full;
    store.compact_streams();
    EXPECT_EQ(store.health().state, Health::disk_full);
    EXPECT_EQ(store.stream("s")->records(), 20U * 256);
    EXPECT_EQ(store.stats().compacted, 0U);
    faults->commit_error = errc{};
    store.drain();  // Sees that there is room.
    store.compact_streams();
    const auto info = *store.stream("s");
    EXPECT_EQ(info.records(), 1U + 256) << "the newest of 19 chunks, and the youngest chunk";
    EXPECT_EQ(store.stats().compacted, info.compacted);
    EXPECT_EQ(store.read_stream("s", 1, kAll)->size(), info.records());
}

TEST(CompactionFaults, LooksAtWhatIsLeft_NotAtWhatIsGone) {
    const auto faults = std::make_shared<Faults>();
    ManualClock clock;
    Store store{std::make_unique<FaultyEngine>(faults), {.clock = &clock}};
    store.set_retention("s", {.compact = true});
    const auto append_chunks = [&store](int chunks) {
        for (int i = 0; i < chunks; ++i) {
            Batch batch;
            for (std::uint64_t j = 0; j < kChunkRecords; ++j) {
                batch.append_stream("s", {.key = "a", .payload = as_bytes("x")});
            }
            ASSERT_TRUE(store.commit(std::move(batch)));
        }
    };
    append_chunks(200);
    store.compact_streams();
    ASSERT_EQ(store.stream("s")->records(), 1 + kChunkRecords);
    append_chunks(1);
    const int before = faults->scans;
    store.compact_streams();
    EXPECT_EQ(store.stream("s")->records(), 1 + kChunkRecords);
    EXPECT_LT(faults->scans - before, 20) << "199 chunks before it are empty, and became one";
}

TEST(CompactionFaults, LeavesAStreamThatCannotBeRead) {
    const auto faults = std::make_shared<Faults>();
    ManualClock clock;
    Store store{std::make_unique<FaultyEngine>(faults), {.clock = &clock}};
    Batch batch;
    for (int j = 0; j < 600; ++j) {
        batch.append_stream("s", {.key = "a", .payload = as_bytes("x")});
    }
    ASSERT_TRUE(store.commit(std::move(batch)));
    store.set_retention("s", {.compact = true});
    faults->fail_scan = true;
    store.compact_streams();
    faults->fail_scan = false;
    EXPECT_EQ(store.health().state, Health::ok);
    EXPECT_EQ(store.stream("s")->records(), 600U);
}

TEST(CompactionRecords, AreOfTheFirstVersion_WithoutGaps) {
    // Releases that know no gaps open a store that has none, and no other.
    const auto version = [](const auto& record) {
        Bytes out;
        detail::encode(out, record);
        return int{out[0]};
    };
    EXPECT_EQ(version(detail::StreamHead{.next = 9, .bytes_ever = 90}), 1);
    EXPECT_EQ(version(detail::IndexEntry{.offset = 9}), 1);
    const detail::StreamHead head{
        .first = 2,
        .next = 9,
        .bytes_ever = 90,
        .bytes_before_first = 10,
        .index_offset = 5,
        .index_bytes = 50,
        .time_max = 7,
        .gone_records = 3,
        .gone_bytes = 30};
    EXPECT_EQ(version(head), 2);
    Bytes out;
    detail::encode(out, head);
    Bytes expected{2};
    for (const std::uint64_t field : {2U, 9U, 90U, 10U, 5U, 50U, 7U, 3U, 30U}) {
        append_be(expected, field);
    }
    EXPECT_EQ(out, expected);
    const auto read = detail::decode_stream_head(out);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->records(), 4U);
    EXPECT_EQ(read->bytes(), 50U);
    out.back() = 81;  // More bytes than there were.
    EXPECT_FALSE(detail::decode_stream_head(out));
    out[0] = 3;
    EXPECT_EQ(detail::decode_stream_head(out).error(), errc::newer_version);
}

}  // namespace
}  // namespace weir::storage
