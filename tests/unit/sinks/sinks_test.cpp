#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <support/http_server.hpp>

#include <weir/http_client/curl_client.hpp>
#include <weir/sinks/sinks.hpp>

namespace weir::sinks {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;

void enqueue(storage::Store& store, const std::string& payload) {
    storage::OutboxRecord record{
        .time_ms = SystemClock{}.wall().count(), .payload = as_bytes(payload)
    };
    ASSERT_TRUE(store.outbox_room("pager").reserve(storage::outbox_cost(record), 1 << 20));
    storage::Batch batch;
    batch.enqueue_outbox("pager", record);
    ASSERT_TRUE(store.commit(std::move(batch)));
}

/// The real thread, the real client and a real server.
TEST(Sinks, DeliverOverHttp_AndSettleBeforeTheyStop) {
    test::HttpServer server{[count = 0](const auto&) mutable {
        return test::http_reply(++count == 1 ? 503 : 200);
    }};
    const SystemClock clock;
    const auto store = storage::Store::in_memory();
    http_client::CurlClient client;
    Sinks sinks{*store, client, clock};
    HttpSinkConfig config{.name = "pager", .url = server.url("/hook")};
    config.retry = {.min = 1ms, .max = 2ms};
    sinks.configure({config});
    sinks.start();
    enqueue(*store, "1");
    enqueue(*store, "2");

    const auto requests = server.wait_for(3);
    EXPECT_THAT(requests[0].header("Idempotency-Key"), StartsWith("pager/1-1@"));
    EXPECT_THAT(requests[1].header("Idempotency-Key"), StartsWith("pager/1-1@"));
    EXPECT_THAT(requests[2].header("Idempotency-Key"), StartsWith("pager/2-2@"));
    EXPECT_EQ(requests[2].body, "2");
    sinks.stop();
    store->drain();
    EXPECT_EQ(store->outbox("pager")->records, 0U);
    EXPECT_EQ(sinks.status()[0].counters.delivered, 2U);
}

TEST(Sinks, StopAfterTheirGrace_WhenAServerHangs) {
    test::HttpServer server{[](const auto&) { return test::kHang; }};
    const SystemClock clock;
    const auto store = storage::Store::in_memory();
    http_client::CurlClient client;
    Sinks sinks{*store, client, clock};
    sinks.configure({{.name = "pager", .url = server.url()}});
    sinks.start();
    enqueue(*store, "1");
    EXPECT_EQ(server.wait_for(1).size(), 1U);
    sinks.stop(10ms);
    EXPECT_EQ(store->outbox("pager")->records, 1U);
}

}  // namespace
}  // namespace weir::sinks
