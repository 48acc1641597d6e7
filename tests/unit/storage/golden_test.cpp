// Data directories that releases wrote: each later one must read them to the last field.
//
// tests/data/storage/RELEASE.tar.gz is what GoldenWriter.DISABLED_Write wrote with that release:
//   WEIR_GOLDEN=DIR storage_test --gtest_also_run_disabled_tests --gtest_filter=GoldenWriter.*
//   tar -C DIR -czf tests/data/storage/RELEASE.tar.gz .
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <weir/storage/disk.hpp>
#include <weir/storage/store.hpp>

#include "support/temp_dir.hpp"

namespace weir::storage {
namespace {

constexpr SessionId kSession{1};

MessageRecord message(std::string_view payload) {
    return {
        .created_ms = 1'000,
        .expires_ms = 9'999'999'999'999,
        .qos = 2,
        .retain = true,
        .protocol = 1,
        .hops = 3,
        .topic = "plant/1/temp",
        .properties = as_bytes("properties"),
        .payload = as_bytes(payload)
    };
}

UsageDelta usage() {
    UsageDelta delta;
    for (std::size_t i = 0; i < kUsageCounters; ++i) {
        delta.counters[i] = i * i;
    }
    return delta;
}

void write_sessions(Store& store) {
    Batch batch;
    batch.put_session(
        kSession,
        {.tenant = "north",
         .client_id = "probe-1",
         .owner = "probe",
         .principal = as_bytes("principal"),
         .expiry_s = SessionRecord::kNeverExpires,
         .offline_since_ms = 2'000,
         .next_packet_id = 17}
    );
    batch.put_subscription(
        kSession,
        "plant/+/temp",
        {.qos = 2, .no_local = true, .retain_as_published = true, .retain_handling = 1, .id = 268}
    );
    batch.put_will(kSession, {.delay_s = 5, .expiry_s = 60, .message = message("gone")});
    batch.put_inbound_id(kSession, 77);
    batch.keep(MessageId{1}, message("one"));
    batch.enqueue(
        kSession,
        1,
        {.qos = 2, .state = EntryState::sent, .packet_id = 16, .subscription_ids = {268, 1}}
    );
    batch.keep(MessageId{2}, message("two"));
    batch.enqueue(kSession, 2, {.qos = 1, .retain = true});
    batch.retain(
        {.tenant = "north",
         .owner = "probe",
         .client_id = "probe-1",
         .principal = as_bytes("principal"),
         .message = message("kept")}
    );
    ASSERT_TRUE(store.commit(std::move(batch)));
}

void write_logs(Store& store) {
    Batch batch;
    batch.append_stream(
        "alarms",
        {.time_ms = 3'000,
         .tenant = "north",
         .topic = "plant/1/temp",
         .key = "probe",
         .properties = as_bytes("properties"),
         .payload = as_bytes("record")}
    );
    const OutboxRecord record{
        .time_ms = 4'000,
        .tenant = "north",
        .rule = "hot",
        .topic = "plant/1/temp",
        .key = "probe",
        .target = "/alarm",
        .headers = as_bytes("headers"),
        .payload = as_bytes("body")
    };
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(store.outbox_room("pager").reserve(outbox_cost(record), 1'000'000));
        batch.enqueue_outbox("pager", record);
    }
    batch.add_usage({.tenant = "north", .device = "probe", .hour = 500'000}, usage());
    batch.put(Family::registry, "things/probe", 1, as_bytes("thing"));
    ASSERT_TRUE(store.commit(std::move(batch)));
    Batch gives_up;
    gives_up.dead_letter("pager", 1, {.time_ms = 5'000, .attempts = 9, .reason = "HTTP 404"});
    ASSERT_TRUE(store.commit(std::move(gives_up)));
}

void expect_message(const MessageRecord& record, std::string_view payload) {
    const auto expected = message(payload);
    EXPECT_EQ(record.created_ms, expected.created_ms);
    EXPECT_EQ(record.expires_ms, expected.expires_ms);
    EXPECT_EQ(record.qos, expected.qos);
    EXPECT_EQ(record.retain, expected.retain);
    EXPECT_EQ(record.protocol, expected.protocol);
    EXPECT_EQ(record.hops, expected.hops);
    EXPECT_EQ(record.topic, expected.topic);
    EXPECT_EQ(as_text(record.properties), "properties");
    EXPECT_EQ(as_text(record.payload), payload);
}

void expect_session(const Store& store) {
    std::vector<StoredSession> found;
    ASSERT_TRUE(store.read_sessions([&](StoredSession&& session) {
        found.push_back(std::move(session));
        return true;
    }));
    ASSERT_EQ(found.size(), 1U);
    const auto& session = found[0];
    EXPECT_EQ(session.id, kSession);
    EXPECT_EQ(session.record.tenant, "north");
    EXPECT_EQ(session.record.client_id, "probe-1");
    EXPECT_EQ(session.record.owner, "probe");
    EXPECT_EQ(as_text(session.record.principal), "principal");
    EXPECT_EQ(session.record.expiry_s, SessionRecord::kNeverExpires);
    EXPECT_EQ(session.record.offline_since_ms, 2'000);
    EXPECT_EQ(session.record.next_packet_id, 17);
    ASSERT_EQ(session.subscriptions.size(), 1U);
    EXPECT_EQ(session.subscriptions[0].first, "plant/+/temp");
    EXPECT_EQ(
        session.subscriptions[0].second,
        (SubscriptionRecord{
            .qos = 2,
            .no_local = true,
            .retain_as_published = true,
            .retain_handling = 1,
            .id = 268
        })
    );
    EXPECT_EQ(session.inbound_ids, (std::vector<std::uint16_t>{77}));
    ASSERT_TRUE(session.will);
    EXPECT_EQ(session.will->delay_s, 5U);
    EXPECT_EQ(session.will->expiry_s, 60U);
    expect_message(session.will->message, "gone");
}

void expect_queue(const Store& store) {
    const auto queue = store.read_queue(kSession, 1);
    ASSERT_TRUE(queue);
    ASSERT_EQ(queue->size(), 2U);
    const auto& first = (*queue)[0];
    EXPECT_EQ(first.sequence, 1U);
    EXPECT_EQ(first.entry.state, EntryState::sent);
    EXPECT_EQ(first.entry.packet_id, 16);
    EXPECT_EQ(first.entry.subscription_ids, (std::vector<std::uint32_t>{268, 1}));
    expect_message(first.message, "one");
    const auto& second = (*queue)[1];
    EXPECT_EQ(second.entry.state, EntryState::queued);
    EXPECT_EQ(second.entry.qos, 1);
    EXPECT_TRUE(second.entry.retain);
    expect_message(second.message, "two");
    const auto retained = store.read_retained("north", "#");
    ASSERT_TRUE(retained);
    ASSERT_EQ(retained->messages.size(), 1U);
    const auto& kept = retained->messages[0].record;
    EXPECT_EQ(kept.owner, "probe");
    EXPECT_EQ(kept.client_id, "probe-1");
    EXPECT_EQ(as_text(kept.principal), "principal");
    expect_message(kept.message, "kept");
}

void expect_logs(const Store& store) {
    const auto stream = store.read_stream("alarms", 1);
    ASSERT_TRUE(stream);
    ASSERT_EQ(stream->size(), 1U);
    const auto& record = (*stream)[0].record;
    EXPECT_EQ(record.time_ms, 3'000);
    EXPECT_EQ(record.tenant, "north");
    EXPECT_EQ(record.topic, "plant/1/temp");
    EXPECT_EQ(record.key, "probe");
    EXPECT_EQ(as_text(record.properties), "properties");
    EXPECT_EQ(as_text(record.payload), "record");
    const auto expect_outbox = [](const OutboxRecord& entry) {
        EXPECT_EQ(entry.time_ms, 4'000);
        EXPECT_EQ(entry.tenant, "north");
        EXPECT_EQ(entry.rule, "hot");
        EXPECT_EQ(entry.topic, "plant/1/temp");
        EXPECT_EQ(entry.key, "probe");
        EXPECT_EQ(entry.target, "/alarm");
        EXPECT_EQ(as_text(entry.headers), "headers");
        EXPECT_EQ(as_text(entry.payload), "body");
    };
    const auto outbox = store.read_outbox("pager", 1);
    ASSERT_TRUE(outbox);
    ASSERT_EQ(outbox->size(), 1U);
    EXPECT_EQ((*outbox)[0].offset, 2U);
    expect_outbox((*outbox)[0].record);
    const auto dead = store.read_dead_letters("pager", 1);
    ASSERT_TRUE(dead);
    ASSERT_EQ(dead->size(), 1U);
    EXPECT_EQ((*dead)[0].letter.note.time_ms, 5'000);
    EXPECT_EQ((*dead)[0].letter.note.attempts, 9U);
    EXPECT_EQ((*dead)[0].letter.note.reason, "HTTP 404");
    expect_outbox((*dead)[0].letter.record);
    std::vector<UsageEntry> sums;
    ASSERT_TRUE(store.read_usage({.from_hour = 0, .to_hour = 600'000}, [&](const auto& entry) {
        sums.push_back(entry);
        return true;
    }));
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums[0].tenant, "north");
    EXPECT_EQ(sums[0].device, "probe");
    EXPECT_EQ(sums[0].hour, 500'000U);
    EXPECT_EQ(sums[0].sums, usage());
    const auto thing = store.get(Family::registry, "things/probe");
    ASSERT_TRUE(thing && *thing);
    EXPECT_EQ((*thing)->version, 1);
    EXPECT_EQ(as_text((*thing)->body), "thing");
}

void expect_everything(const Store& store) {
    expect_session(store);
    expect_queue(store);
    expect_logs(store);
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsReadWhole) {
    const test::TempDir directory;
    const std::string data = directory / "data";
    std::filesystem::create_directory(data);
    const std::string archive = std::string{WEIR_TEST_DATA} + "/data/storage/" + GetParam() + ".tar.gz";
    ASSERT_EQ(std::system(("tar -C '" + data + "' -xzf '" + archive + "'").c_str()), 0);
    EXPECT_FALSE(formats_of(data).is_newer());
    EXPECT_EQ(verify_data(data).problems, std::vector<std::string>{});
    const auto store = Store::open({.path = data});
    expect_everything(*store);
}

INSTANTIATE_TEST_SUITE_P(
    Releases,
    Golden,
    testing::Values("0.1"),
    [](const auto& release) {
        std::string name = release.param;
        std::ranges::replace(name, '.', '_');
        return "of_" + name;
    }
);

TEST(GoldenWriter, WritesWhatTheReaderExpects) {
    const auto store = Store::in_memory();
    write_sessions(*store);
    write_logs(*store);
    expect_everything(*store);
}

TEST(GoldenWriter, DISABLED_Write) {
    const auto store = Store::open({.path = std::getenv("WEIR_GOLDEN")});
    write_sessions(*store);
    write_logs(*store);
    expect_everything(*store);
    ASSERT_TRUE(store->compact());
}

TEST(Formats, AreToldOfADirectory) {
    const test::TempDir directory;
    const std::string data = directory / "data";
    {
        const auto store = Store::open({.path = data});
        write_sessions(*store);
    }
    const auto formats = formats_of(data);
    EXPECT_EQ(formats.schema, formats.schema_here);
    EXPECT_FALSE(formats.is_newer());
    EXPECT_TRUE(std::ranges::any_of(formats.records, [](const auto& record) {
        return record.family == "queues" && record.version == 1 && record.records == 4;
    }));
}

}  // namespace
}  // namespace weir::storage
