/// Sinks over a store in memory, with the time and the answers in the test's hands.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <weir/sinks/sinks.hpp>

namespace weir::sinks {

using namespace std::chrono_literals;

/// Keeps requests until the test answers them.
class ScriptedClient final : public http_client::Client {
public:
    struct Sent {
        http_client::Request request;
        http_client::Completion done;

        [[nodiscard]] std::string header(std::string_view name) const {
            for (const auto& header : request.headers) {
                if (header.name == name) {
                    return header.value;
                }
            }
            return {};
        }
        /// The idempotency key without its time: "pager/1-2".
        [[nodiscard]] std::string key() const {
            const auto whole = header("Idempotency-Key");
            return whole.substr(0, whole.find('@'));
        }
    };

    void submit(http_client::Request request, http_client::Completion done) override {
        sent.push_back({std::move(request), std::move(done)});
    }

    std::vector<Sent> sent;
};

class SinkTest : public testing::Test {
protected:
    SinkTest() { restart(); }

    static HttpSinkConfig pager() { return {.name = "pager", .url = "https://ops.example/hook"}; }

    static HttpSinkConfig batching(std::uint32_t messages, std::chrono::milliseconds wait = 0ms) {
        auto config = pager();
        config.delivery.batch = {.messages = messages, .wait = wait};
        return config;
    }

    /// As after a crash: what was not stored is forgotten.
    void restart() {
        sinks_ = std::make_unique<Sinks>(*store_, client_, clock_);
        client_.sent.clear();
    }

    void configure(HttpSinkConfig config) {
        std::vector<HttpSinkConfig> configs;
        configs.push_back(std::move(config));
        sinks_->configure(std::move(configs));
        settle();
    }

    /// Runs until nobody has anything to do before time passes or a request is answered.
    std::chrono::milliseconds settle() {
        std::chrono::milliseconds idle{};
        for (int turn = 0; turn < 8; ++turn) {
            store_->drain();
            idle = sinks_->poll();
        }
        return idle;
    }

    void pass(std::chrono::milliseconds time) {
        clock_.advance(time);
        settle();
    }

    void enqueue(
        const std::string& payload,
        storage::OutboxRecord record = {},
        const std::string& sink = "pager"
    ) {
        record.time_ms = clock_.wall().count();
        record.payload = as_bytes(payload);
        EXPECT_TRUE(store_->outbox_room(sink).reserve(storage::outbox_cost(record), ~0ULL));
        storage::Batch batch;
        batch.enqueue_outbox(sink, record);
        EXPECT_TRUE(store_->commit(std::move(batch)));
        settle();
    }

    void answer(http_client::Outcome outcome) {
        ASSERT_FALSE(client_.sent.empty());
        auto done = std::exchange(client_.sent.back().done, nullptr);
        ASSERT_TRUE(done);
        done(std::move(outcome));
        settle();
    }

    void answer(std::uint16_t status, std::string body = {}) {
        answer({.response = {.status = status, .body = std::move(body)}});
    }

    /// Answers the request that carries `body`; it must be under way.
    void answer_to(const std::string& body, std::uint16_t status) {
        const auto sent = std::ranges::find_if(client_.sent, [&](const auto& each) {
            return each.request.body == body && each.done;
        });
        ASSERT_NE(sent, client_.sent.end()) << body;
        auto done = std::move(sent->done);
        sent->done = nullptr;
        done({.response = {.status = status}});
        settle();
    }

    /// Bodies of the requests that wait for an answer, in the order in which they were sent.
    [[nodiscard]] std::vector<std::string> under_way() const {
        std::vector<std::string> bodies;
        for (const auto& sent : client_.sent) {
            if (sent.done) {
                bodies.push_back(sent.request.body);
            }
        }
        return bodies;
    }

    [[nodiscard]] const ScriptedClient::Sent& last_sent() const { return client_.sent.back(); }
    [[nodiscard]] std::string last_key() const { return last_sent().key(); }
    [[nodiscard]] SinkStatus status() const { return sinks_->status().front(); }

    [[nodiscard]] std::vector<storage::DeadLetterEntry> dead_letters() const {
        auto read = store_->read_dead_letters("pager", 0);
        EXPECT_TRUE(read);
        return std::move(*read);
    }

    static void expect_balance(const SinkStatus& status) {
        const auto& [delivered, dead, lost] = status.counters;
        EXPECT_EQ(status.in, delivered + status.pending + dead + lost);
    }

    ManualClock clock_;
    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory({.clock = &clock_});
    ScriptedClient client_;
    std::unique_ptr<Sinks> sinks_;
};

}  // namespace weir::sinks
