// The books of sessions at every moment between two of their shard's tasks: whatever comes in, goes out, waits and is stored meanwhile.
#include <gtest/gtest.h>

#include <tuple>

#include "cluster.hpp"
#include "unit/storage/faulty_engine.hpp"

namespace weir::broker {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class SessionBooks : public testing::TestWithParam<unsigned> {
protected:
    struct Device {
        std::string client_id;
        std::string filter;
        SubscriptionOptions options;
        unsigned shard = 0;
        std::unique_ptr<Peer> peer = {};  ///< Null: offline.
        std::uint64_t session = 0;
        int connection = 0;
    };

    SessionBooks() {
        cluster.limits.in_flight = 3;
        cluster.limits.queue_messages = 8;
        cluster.limits.queue_age = seconds{20};
        for (const auto& [client_id, filter, options] : {
                 std::tuple{"a", "x", kQos1},
                 std::tuple{"b", "x", kQos2},
                 std::tuple{"c", "x", SubscriptionOptions{}},
                 std::tuple{"d", "$share/g/x", kQos1},
                 std::tuple{"e", "$share/g/x", kQos2},
             }) {
            Device& made = devices.emplace_back(Device{client_id, filter, options});
            made.shard = Broker::owner_of("default", client_id, GetParam());
            made.peer = std::make_unique<Peer>();
            Session& session = cluster.connect(made.shard, client_id, *made.peer, hours{1});
            made.session = session.id();
            cluster.subscribe(made.shard, session, filter, options);
        }
    }

    Broker& home_of(const Device& device) { return *cluster.brokers[device.shard]; }
    Session& session_of(const Device& device) { return *home_of(device).find(device.session); }

    /// As GET /v1/sessions would answer now.
    void expect_balance(std::string_view moment) {
        for (const Device& device : devices) {
            const Session& session = session_of(device);
            const Books& books = *session.books();
            ASSERT_EQ(books.in, books.out + books.lost + session.queued())
                << device.client_id << " after " << moment;
        }
    }

    /// Of all shards, when nothing is on its way between them: `routed` = `delivered` + `lost` + queued.
    void expect_sums(std::string_view moment) {
        std::int64_t open = 0;
        std::uint64_t refused = 0;
        std::int64_t queued = 0;
        for (const auto& node : cluster.nodes) {
            const auto& metrics = node->metrics;
            open += static_cast<std::int64_t>(metrics.routed.value()) - metrics.queued.value();
            queued += metrics.queued.value();
            for (const auto& delivered : metrics.delivered) {
                open -= static_cast<std::int64_t>(delivered.value());
            }
            for (const auto& lost : metrics.lost) {
                open -= static_cast<std::int64_t>(lost.value());
            }
            refused += metrics.lost[static_cast<std::size_t>(Reason::storage_failed)].value();
        }
        std::int64_t waiting = 0;
        for (const Device& device : devices) {
            waiting += static_cast<std::int64_t>(session_of(device).queued());
        }
        ASSERT_EQ(open, 0) << moment;
        ASSERT_EQ(queued, waiting) << moment;
        if (!may_refuse) {
            ASSERT_EQ(refused, 0U) << moment;
        }
    }

    void connect(Device& device) {
        device.peer = std::make_unique<Peer>();
        auto request = cluster.request(device.client_id, *device.peer);
        request.expiry = hours{1};
        request.clean_start = false;
        request.done = [this, &device, connection = ++device.connection](bool /*stored*/) {
            if (device.peer && device.connection == connection) {
                home_of(device).resume(session_of(device));
            }
        };
        const auto result = home_of(device).connect(std::move(request));
        ASSERT_TRUE(result.verdict.accepted());
        ASSERT_TRUE(result.is_pending);
        ASSERT_EQ(result.session->id(), device.session);
    }
    void disconnect(Device& device) {
        const auto peer = std::move(device.peer);
        home_of(device).disconnect(session_of(device), *peer, false);
    }
    /// PUBACK, PUBREC or PUBCOMP, for anything that it ever got.
    void acknowledge(Device& device) {
        if (device.peer->ids.empty()) {
            return;
        }
        Session& session = session_of(device);
        const std::uint16_t id = device.peer->ids[random.below(device.peer->ids.size())];
        if (!session.received(id) || random.below(2) == 0) {
            session.settled(id);
        }
    }
    void publish() { publish(static_cast<Qos>(random.below(3))); }
    void publish_at_least_once() { publish(Qos::at_least_once); }
    void publish(Qos qos) {
        const auto shard = static_cast<unsigned>(random.below(GetParam()));
        const auto message = model::Message::make(
            {.topic = "x", .payload = as_bytes(std::string_view{"m"}), .qos = qos, .created = cluster.clock.wall()}
        );
        Deposit deposit{
            cluster.nodes[shard]->journal,
            {.token = {.connection = 1, .number = 1}, .gathers = qos == Qos::exactly_once}
        };
        deposit.next(*message);
        cluster.brokers[shard]->fan_out(message, deposit);
        cluster.brokers[shard]->commit(deposit);
    }
    void pass_time() {
        cluster.clock.advance(seconds{random.below(8)});
        for (Broker* const broker : cluster.brokers) {
            broker->advance();
        }
    }
    void change_rights() {
        cluster.policies(
            random.below(2) == 0
                ? "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"x\"]\n    receive: [\"other\"]\n"
                : "policy: open\nallow:\n  - connect: \"*\"\n  - subscribe: [\"x\"]\n"
        );
    }

    /// @return What was done.
    std::string_view something() {
        Device& device = devices[random.below(devices.size())];
        switch (random.below(16)) {
            case 0:
                device.peer ? disconnect(device) : connect(device);
                return "a connection";
            case 1:
                if (device.peer) {
                    device.peer->is_ready = !device.peer->is_ready;
                    session_of(device).pump();
                }
                return "a window";
            case 2:
                pass_time();
                return "some time";
            case 3:
                if (random.below(4) == 0) {
                    change_rights();
                }
                return "other rights";
            case 4:
            case 5:
            case 6:
                if (device.peer) {
                    acknowledge(device);
                }
                return "an answer";
            case 7:
            case 8:
            case 9:
                publish();
                return "a publish";
            case 10:
                store().drain();
                [[fallthrough]];
            case 11:
            case 12:
                cluster.run_posted();
                return "news of the disk";
            default:
                cluster.step(random);
                return "mail";
        }
    }
    storage::Store& store() { return *cluster.store; }

    std::shared_ptr<storage::test::Faults> faults = std::make_shared<storage::test::Faults>();
    Cluster cluster{
        GetParam(),
        std::make_shared<storage::Store>(
            std::make_unique<storage::test::FaultyEngine>(faults), storage::StoreOptions{}
        )
    };
    std::vector<Device> devices;
    bool may_refuse = false;
    test::Random random{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Broker, SessionBooks, testing::Values(1U, 2U, 8U));

TEST_P(SessionBooks, BalanceAtEveryMoment) {
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_NO_FATAL_FAILURE(expect_balance(something()));
        if (i % 500 == 0) {
            cluster.pump();
            ASSERT_NO_FATAL_FAILURE(expect_sums("some of it"));
        }
    }
    cluster.pump();
    expect_balance("all");
    expect_sums("all");
}

TEST_P(SessionBooks, BalanceAtEveryMoment_WhileTheStorageRefusesWhatItLikes) {
    may_refuse = true;
    for (int i = 0; i < 20'000; ++i) {
        faults->commit_error = random.below(8) == 0 ? storage::errc::disk_full : storage::errc{};
        ASSERT_NO_FATAL_FAILURE(expect_balance(something()));
        if (i % 500 == 0) {
            cluster.pump();
            ASSERT_NO_FATAL_FAILURE(expect_sums("some of it"));
        }
    }
    faults->commit_error = storage::errc{};
    cluster.pump();
    expect_balance("all");
    expect_sums("all");
}

TEST_P(SessionBooks, Balance_WhenABatchIsRefusedAndTheClientLeavesAtThatMoment) {
    Device& device = devices[0];  // It has a window of 3.
    cluster.limits.in_flight = 1;
    disconnect(device);
    connect(device);
    cluster.pump();
    publish_at_least_once();
    cluster.pump();
    ASSERT_EQ(session_of(device).in_flight(), 1U);
    faults->commit_error = storage::errc::disk_full;
    publish_at_least_once();
    cluster.run_mail();  // It waits behind the first,
    session_of(device).settled(device.peer->ids.back());  // goes, before the disk has refused it,
    store().drain();
    disconnect(device);  // and the client is gone when that is told.
    cluster.pump();
    expect_balance("a refused batch");
    EXPECT_EQ(session_of(device).queued(), 0U);
    faults->commit_error = storage::errc{};
    connect(device);
    cluster.pump();
    expect_balance("a page of the queue");
    EXPECT_EQ(session_of(device).queued(), 0U);
}

TEST_P(SessionBooks, LoseEachCopyOfARefusedBatch_AndNothingForABatchWithoutOne) {
    for (Device& device : devices) {
        if (device.client_id == "a" || device.client_id == "b") {
            cluster.pump();
            disconnect(device);
        }
    }
    cluster.pump();
    may_refuse = true;
    faults->commit_error = storage::errc::disk_full;
    disconnect(devices[2]);  // Stores that it is away.
    cluster.pump();
    EXPECT_EQ(cluster.lost(Reason::storage_failed), 0U);
    publish(Qos::exactly_once);
    cluster.pump();
    // Of "a" and "b", which it waits for; the member of the group has it already if it gets it at QoS 1.
    const std::uint64_t lost = cluster.lost(Reason::storage_failed);
    std::uint64_t booked = 0;
    for (const Device& device : devices) {
        booked += session_of(device).books()->lost;
    }
    EXPECT_EQ(lost, booked);
    EXPECT_GE(lost, 2U);
    EXPECT_LE(lost, 3U);
    expect_balance("a refused batch");
    expect_sums("a refused batch");
}

}  // namespace
}  // namespace weir::broker
