// One archive over a store in memory, with the time and the target in the test's hands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include <weir/archive/detail/archiver.hpp>

namespace weir::archive::detail {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::SizeIs;

/// Keeps objects; fails when told to, before or after it has kept one.
class FakeTarget final : public Target {
public:
    std::optional<std::string> write(const Object& object) override {
        ++attempts;
        if (failure && !keeps_and_fails) {
            return failure;
        }
        const auto [at, is_new] = objects.emplace(object.name, object.bytes);
        EXPECT_EQ(at->second, object.bytes) << object.name << " was written with other bytes";
        return failure;
    }
    std::optional<std::string> remove(const std::string& name) override {
        EXPECT_EQ(objects.erase(name), 1U) << name;
        removed.push_back(name);
        return remove_failure;
    }
    std::string where() const override { return "fake"; }

    std::map<std::string, std::string> objects;
    std::vector<std::string> removed;
    std::optional<std::string> failure;
    std::optional<std::string> remove_failure;
    bool keeps_and_fails = false;
    int attempts = 0;
};

class ArchiverTest : public testing::Test {
protected:
    ArchiverTest() {
        config_ = {
            .name = "cold",
            .stream = "s",
            .object = "{stream}/{first}-{last}",
            .layout = {.format = Format::payload},
            .batch = {.records = 3, .bytes = 1'000, .age = 60s},
            .target = target_,
        };
        restart();
    }

    /// As after a crash: what was not stored is forgotten.
    void restart() { archiver_ = std::make_unique<Archiver>(config_, *store_, clock_); }

    void append(std::string_view payload, std::string_view key = {}) {
        storage::Batch batch;
        batch.append_stream(
            "s",
            {.time_ms = clock_.wall().count(),
             .topic = "t",
             .key = key,
             .payload = as_bytes(payload)}
        );
        ASSERT_TRUE(store_->commit(std::move(batch)));
    }
    void append_numbers(int from, int to) {
        for (int n = from; n <= to; ++n) {
            append(std::to_string(n));
        }
    }

    /// All but the record that comes last.
    void compact() {
        append(std::string(64 * 1'024, 'x'));
        append("7");
        store_->set_retention("s", {.compact = true});
        store_->compact_streams();
    }

    /// Until nothing is due.
    std::chrono::milliseconds run() {
        std::chrono::milliseconds idle{0};
        for (int turns = 0; turns < 100; ++turns) {
            idle = archiver_->turn();
            expect_balance();
            if (idle.count() != 0) {
                break;
            }
        }
        return idle;
    }

    void expect_balance() {
        const auto status = archiver_->status();
        const auto& [records, objects, bytes, lost, replaced] = status.counters;
        EXPECT_EQ(status.in, records + status.pending + lost + replaced);
        const auto stream = store_->stream("s");
        if (stream && status.stream == "s" && status.activity != Activity::starting) {
            EXPECT_EQ(status.in, stream->next - 1);
        }
    }

    /// Retention leaves the last few records of those.
    void trim_all_but_the_end() {
        for (int n = 0; n < 50; ++n) {
            append(std::string(2'000, 'x'));
        }
        store_->set_retention("s", {.bytes = 20'000});
        store_->trim();
        ASSERT_GT(store_->stream("s")->first, 3U);
    }

    ManualClock clock_;
    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory({.clock = &clock_});
    std::shared_ptr<FakeTarget> target_ = std::make_shared<FakeTarget>();
    ArchiveConfig config_;
    std::unique_ptr<Archiver> archiver_;
};

TEST_F(ArchiverTest, CutsByCount) {
    append_numbers(1, 7);
    run();
    EXPECT_THAT(
        target_->objects,
        ElementsAre(
            Pair("s/000000000001-000000000003.jsonl", "1\n2\n3\n"),
            Pair("s/000000000004-000000000006.jsonl", "4\n5\n6\n")
        )
    );
    EXPECT_EQ(archiver_->status().activity, Activity::gathering);
    EXPECT_EQ(archiver_->status().pending, 1U);
    expect_balance();
}

TEST_F(ArchiverTest, CutsByBytes_AndWritesALargerRecordAlone) {
    append(std::string(600, '1'));
    append(std::string(600, '2'));
    append(std::string(2'000, '3'));
    run();
    EXPECT_THAT(target_->objects, SizeIs(2));
    clock_.advance(60s);
    run();
    EXPECT_THAT(target_->objects, SizeIs(3));
    expect_balance();
}

TEST_F(ArchiverTest, CutsByAgeOfTheOldest) {
    append_numbers(1, 1);
    EXPECT_EQ(run(), 60s);
    clock_.advance(40s);
    append_numbers(2, 2);
    EXPECT_EQ(run(), 20s);
    EXPECT_THAT(target_->objects, IsEmpty());
    clock_.advance(20s);
    run();
    EXPECT_THAT(target_->objects, ElementsAre(Pair("s/000000000001-000000000002.jsonl", "1\n2\n")));
    EXPECT_EQ(archiver_->status().activity, Activity::idle);
}

TEST_F(ArchiverTest, ThatHasNothingToDo_WaitsForNews) {
    EXPECT_EQ(run(), 1h);
    EXPECT_EQ(archiver_->status().activity, Activity::idle);
}

TEST_F(ArchiverTest, TriesAgain_WithPausesThatGrow) {
    append_numbers(1, 3);
    target_->failure = "No space left on device";
    auto pause = run();
    for (int attempt = 1; attempt <= 8; ++attempt) {
        const auto full = std::min<std::chrono::milliseconds>(1s * (1 << (attempt - 1)), 60s);
        EXPECT_GE(pause, full / 2);
        EXPECT_LE(pause, full);
        const auto status = archiver_->status();
        EXPECT_EQ(status.activity, Activity::backing_off);
        EXPECT_EQ(status.failures, static_cast<unsigned>(attempt));
        EXPECT_THAT(status.last_error, HasSubstr("No space left"));
        EXPECT_EQ(status.next_attempt, pause);
        clock_.advance(pause - 1ms);
        EXPECT_EQ(archiver_->turn(), 1ms) << "not before its time";
        clock_.advance(1ms);
        pause = run();
    }
    target_->failure.reset();
    clock_.advance(60s);
    run();
    EXPECT_THAT(target_->objects, SizeIs(1));
    EXPECT_THAT(archiver_->status().last_error, IsEmpty());
    expect_balance();
}

TEST_F(ArchiverTest, WritesTheSameObjectAgain_AfterACrashBeforeItWasSettled) {
    append_numbers(1, 2);
    clock_.advance(60s);
    target_->failure = "the connection broke behind the last byte";
    target_->keeps_and_fails = true;
    run();
    ASSERT_THAT(target_->objects, SizeIs(1));

    append_numbers(3, 9);
    config_.batch.records = 9;  // Neither news nor another configuration change what was begun.
    config_.object = "elsewhere/{first}";
    config_.layout = {.compression = Compression::gzip};
    target_->failure.reset();
    restart();
    run();
    EXPECT_THAT(target_->objects, ElementsAre(Pair("s/000000000001-000000000002.jsonl", "1\n2\n")));
    clock_.advance(60s);
    run();
    EXPECT_THAT(
        target_->objects, ElementsAre(Key("elsewhere/000000000003.jsonl.gz"), Key(HasSubstr("s/")))
    );
    expect_balance();
}

TEST_F(ArchiverTest, LosesAndDoublesNothing_WhereverItIsRestarted) {
    std::string expected;
    for (int n = 1; n <= 30; ++n) {
        append_numbers(n, n);
        expected += std::to_string(n) + '\n';
        archiver_->turn();
        if (n % 4 == 0) {
            target_->failure = "now and then";
            target_->keeps_and_fails = n % 8 == 0;
            archiver_->turn();
            archiver_->turn();
            target_->failure.reset();
            restart();
        }
    }
    clock_.advance(60s);
    run();
    std::string all;
    for (const auto& [name, bytes] : target_->objects) {
        all += bytes;
    }
    EXPECT_EQ(all, expected);
    EXPECT_EQ(archiver_->status().counters.objects, target_->objects.size());
    expect_balance();
}

TEST_F(ArchiverTest, CountsWhatRetentionRemoved) {
    target_->failure = "down";
    append_numbers(1, 2);
    run();
    trim_all_but_the_end();
    target_->failure.reset();
    restart();
    clock_.advance(60s);
    run();
    const auto status = archiver_->status();
    EXPECT_EQ(status.counters.lost, store_->stream("s")->first - 1);
    EXPECT_EQ(status.pending, 0U);
    expect_balance();
}

TEST_F(ArchiverTest, TellsAtOnceWhatIsLost_BeforeItLooks) {
    run();
    trim_all_but_the_end();
    const auto status = archiver_->status();
    EXPECT_EQ(status.counters.lost, store_->stream("s")->first - 1);
    EXPECT_EQ(status.pending, store_->stream("s")->records());
    expect_balance();
    run();
    EXPECT_EQ(archiver_->status().counters.lost, status.counters.lost) << "and counts none twice";
}

TEST_F(ArchiverTest, LosesNothingOfAnObjectThatItHas_WhenTheStreamHasItNoLonger) {
    target_->failure = "down";
    append_numbers(1, 3);
    run();  // Built, not written.
    trim_all_but_the_end();
    const auto first = store_->stream("s")->first;
    EXPECT_EQ(archiver_->status().counters.lost, first - 4);
    EXPECT_EQ(archiver_->status().pending, 3 + store_->stream("s")->records());
    expect_balance();
    target_->failure.reset();
    clock_.advance(60s);
    run();
    EXPECT_EQ(target_->objects.at("s/000000000001-000000000003.jsonl"), "1\n2\n3\n");
    EXPECT_EQ(archiver_->status().counters.lost, first - 4);
    EXPECT_EQ(archiver_->status().counters.replaced, 0U);
}

TEST_F(ArchiverTest, GoesOnWithWhatIsThere_WhenItsClaimWasTrimmed) {
    target_->failure = "down";
    append_numbers(1, 3);
    run();  // Claimed, not written.
    trim_all_but_the_end();
    target_->failure.reset();
    restart();
    clock_.advance(60s);
    run();
    EXPECT_EQ(archiver_->status().counters.lost, store_->stream("s")->first - 1);
    EXPECT_EQ(archiver_->status().pending, 0U);
    expect_balance();
}

TEST_F(ArchiverTest, WritesWhatCompactionLeft) {
    for (const auto* const payload : {"1", "2", "3", "4", "5"}) {
        append(payload, *payload == '2' ? "b" : "a");
    }
    compact();  // Leaves 2, 5, and the two that it appends: 6 and 7.
    run();
    EXPECT_EQ(target_->objects.at("s/000000000001-000000000005.jsonl"), "2\n5\n");
    clock_.advance(60s);
    run();
    EXPECT_THAT(target_->objects, SizeIs(3));
    EXPECT_EQ(target_->objects.at("s/000000000007-000000000007.jsonl"), "7\n");
    const auto status = archiver_->status();
    EXPECT_EQ(status.counters.records, store_->stream("s")->records());
    EXPECT_EQ(status.counters.lost, 0U);
    EXPECT_EQ(status.counters.replaced, 3U);
    EXPECT_EQ(status.pending, 0U);
    restart();
    run();
    EXPECT_EQ(archiver_->status().counters.replaced, 3U);
}

TEST_F(ArchiverTest, WritesWhatIsLeftOfItsClaim_AfterARestart) {
    target_->failure = "down";
    append("1", "a");
    append("2", "b");
    append("3", "c");
    run();  // Claimed, not written.
    append("4", "a");
    append("5", "c");
    compact();
    target_->failure.reset();
    restart();
    run();
    EXPECT_EQ(target_->objects.at("s/000000000001-000000000003.jsonl"), "2\n");
    clock_.advance(60s);
    run();
    EXPECT_EQ(archiver_->status().counters.records, store_->stream("s")->records());
    EXPECT_EQ(archiver_->status().counters.lost, 0U);
}

TEST_F(ArchiverTest, WritesNoObject_WhenNothingIsLeftOfItsClaim) {
    target_->failure = "down";
    append("1", "a");
    append("2", "a");
    append("3", "b");
    run();
    append("4", "a");
    append("5", "b");
    compact();
    target_->failure.reset();
    restart();
    run();
    EXPECT_EQ(target_->objects.begin()->first, "s/000000000004-000000000005.jsonl");
    EXPECT_EQ(target_->objects.begin()->second, "4\n5\n");
    clock_.advance(60s);
    run();
    EXPECT_EQ(archiver_->status().counters.records, store_->stream("s")->records());
    EXPECT_EQ(archiver_->status().pending, 0U);
}

TEST_F(ArchiverTest, TellsWhatRetentionTookFromWhatCompactionDid) {
    run();  // From now on every record is its business.
    for (int n = 0; n < 40; ++n) {
        append(std::string(2'000, 'x'), "a");
    }
    compact();
    const auto before = store_->stream("s")->first;
    ASSERT_EQ(before, 1U);
    store_->set_retention("s", {.bytes = 1, .compact = true});
    store_->trim();
    const auto stream = *store_->stream("s");
    ASSERT_GT(stream.first, 1U);
    clock_.advance(60s);
    run();
    EXPECT_EQ(archiver_->status().counters.lost, stream.first - 1) << "by offsets";
    EXPECT_EQ(archiver_->status().counters.records, stream.records());
    EXPECT_EQ(archiver_->status().pending, 0U);
}

TEST_F(ArchiverTest, FollowsANewConfiguration_AtOnce) {
    append_numbers(1, 3);
    target_->failure = "the old target is down";
    run();
    auto next = config_;
    const auto other = std::make_shared<FakeTarget>();
    next.target = other;
    archiver_->reconfigure(next);
    run();
    EXPECT_THAT(other->objects, SizeIs(1));
    EXPECT_THAT(target_->objects, IsEmpty());
}

TEST_F(ArchiverTest, IsTried_BesideItsBatches) {
    append_numbers(1, 4);
    run();
    const auto before = target_->objects;
    const auto probe = archiver_->probe();
    EXPECT_EQ(probe.where, "fake");
    EXPECT_THAT(probe.object, testing::StartsWith("s/000000000000-000000000000.weir-test-"));
    EXPECT_THAT(probe.failure, IsEmpty());
    EXPECT_THAT(probe.left, IsEmpty());
    EXPECT_THAT(target_->removed, ElementsAre(probe.object));
    EXPECT_EQ(target_->objects, before);
    EXPECT_NE(archiver_->probe().object, probe.object);

    target_->remove_failure = "you may not";
    EXPECT_EQ(archiver_->probe().left, "you may not");
    target_->failure = "you may not write";
    EXPECT_EQ(archiver_->probe().failure, "you may not write");
    EXPECT_THAT(target_->removed, SizeIs(3)) << "what was not written is not taken away";

    const auto status = archiver_->status();
    EXPECT_EQ(status.attempts, 1U) << "attempts are those of batches";
    EXPECT_THAT(status.last_error, IsEmpty());
    expect_balance();
}

TEST_F(ArchiverTest, BeginsAnotherStreamAtItsOldestRecord) {
    append_numbers(1, 3);
    run();
    storage::Batch batch;
    batch.append_stream(
        "other", {.time_ms = clock_.wall().count(), .topic = "t", .payload = as_bytes("9")}
    );
    ASSERT_TRUE(store_->commit(std::move(batch)));
    config_.stream = "other";
    archiver_->reconfigure(config_);
    clock_.advance(60s);
    run();
    EXPECT_THAT(
        target_->objects, testing::Contains(Pair("other/000000000001-000000000001.jsonl", "9\n"))
    );
}

}  // namespace
}  // namespace weir::archive::detail
