// Sessions over a disk where one call fails, whichever it is: what clients were told holds after the next start.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <weir/storage/detail/rocks_engine.hpp>

#include "faulty_files.hpp"
#include "support/temp_dir.hpp"
#include "unit/broker/cluster.hpp"

namespace weir::broker {
namespace {

using std::chrono::hours;
using Numbers = std::vector<int>;

/// A client that subscribes. It outlives its connections, and at QoS 2 knows a message that comes again by its packet id.
class Device final : public Subscriber {
public:
    explicit Device(std::string name) : client_id{std::move(name)} {}

    bool ready(Qos /*qos*/) const noexcept override { return true; }
    void deliver(const Delivery& delivery) noexcept override {
        const bool is_exact = delivery.qos == Qos::exactly_once;
        owed_.push_back({delivery.packet_id, is_exact ? Ack::received : Ack::settled});
        if (!is_exact || awaits_release_.insert(delivery.packet_id).second) {
            got[std::string{delivery.message->topic()}].push_back(
                std::stoi(std::string{as_text(delivery.message->payload())})
            );
        }
    }
    void release(std::uint16_t packet_id) noexcept override {
        awaits_release_.erase(packet_id);
        owed_.push_back({packet_id, Ack::settled});
    }
    void end(Reason /*reason*/) noexcept override { lose_connection(); }

    void lose_connection() {
        session = nullptr;
        owed_.clear();
    }
    /// @return False if nothing is to be acknowledged.
    bool acknowledge() {
        if (session == nullptr || owed_.empty()) {
            return false;
        }
        for (const auto& [packet_id, ack] : std::exchange(owed_, {})) {
            ack == Ack::received ? session->received(packet_id) : session->settled(packet_id);
        }
        return true;
    }
    /// Without repetitions, in the order of arrival.
    [[nodiscard]] Numbers first_of(const std::string& topic) {
        Numbers first;
        for (const int number : got[topic]) {
            if (std::ranges::find(first, number) == first.end()) {
                first.push_back(number);
            }
        }
        return first;
    }

    std::string client_id;
    Session* session = nullptr;
    bool is_present = false;
    std::map<std::string, Numbers> got;

private:
    enum class Ack : std::uint8_t { received, settled };

    std::set<std::uint16_t> awaits_release_;
    std::vector<std::pair<std::uint16_t, Ack>> owed_;
};

/// A gateway without endpoints, and clients that do what MQTT asks of them: whatever was not acknowledged is sent again.
class FailingDiskUnderSessions : public testing::TestWithParam<unsigned> {
protected:
    static constexpr int kBefore = 2;  ///< Messages of each kind before the disk fails.
    static constexpr int kLast = 4;
    static constexpr std::uint16_t kPacketId =
        1;  ///< Of all that is published at QoS 2, one after the other.

    /// @return False if what is on disk could not be read.
    bool start() {
        const storage::StoreOptions options{.path = path_, .disk_free_min = 1'000};
        try {
            store_ = std::make_shared<storage::Store>(
                storage::detail::open_rocks_engine(options, env_.get()), options
            );
        } catch (const storage::OpenError&) {
            return false;
        }
        cluster_ = std::make_unique<Cluster>(GetParam(), store_);
        const auto sessions = store_->read_sessions([&](storage::StoredSession&& session) {
            broker_of(session.record.client_id)
                .restore(
                    session,
                    Cluster::thing(std::string{session.record.owner}),
                    std::make_shared<const model::Limits>(cluster_->limits)
                );
            return true;
        });
        const auto retained = store_->read_all_retained([&](const storage::RetainedRecord& record) {
            cluster_->brokers[Broker::owner_of_topic(record.message.topic, GetParam())]->restore(
                record, nullptr
            );
            return true;
        });
        cluster_->pump();
        return sessions && retained;
    }
    /// As if the power had gone.
    void stop() {
        cluster_.reset();
        store_.reset();
        for (Device* const device : {&online_, &away_, &late_, &mortal_, &publisher_}) {
            device->lose_connection();
        }
    }

    [[nodiscard]] unsigned home(std::string_view client_id) const {
        return Broker::owner_of("default", client_id, GetParam());
    }
    [[nodiscard]] Broker& broker_of(std::string_view client_id) {
        return *cluster_->brokers[home(client_id)];
    }

    /// @return False if it was refused.
    bool connect(Device& device, std::unique_ptr<Will> will = nullptr) {
        auto request = cluster_->request(device.client_id, device);
        request.expiry = hours{100};
        request.clean_start = false;
        request.will = std::move(will);
        bool is_accepted = false;
        request.done = [&is_accepted](bool stored) { is_accepted = stored; };
        const auto result = broker_of(device.client_id).connect(std::move(request));
        EXPECT_TRUE(result.verdict.accepted());
        EXPECT_TRUE(result.is_pending);
        cluster_->pump();
        if (!is_accepted) {
            return false;
        }
        device.session = result.session;
        device.is_present = result.session_present;
        broker_of(device.client_id).resume(*result.session);
        settle_all();
        return true;
    }
    bool subscribe(Device& device, std::string_view filter) {
        bool is_stored = false;
        cluster_->begin_subscribe(
            home(device.client_id), *device.session, filter, kQos2, is_stored
        );
        settle_all();
        return is_stored;
    }
    void disconnect(Device& device) {
        broker_of(device.client_id).disconnect(*device.session, device, true);
        device.lose_connection();
        cluster_->pump();
    }
    /// Until nobody has anything to say.
    void settle_all() {
        const std::array<Device*, 4> all{&online_, &away_, &late_, &mortal_};
        do {
            cluster_->pump();
        } while (std::ranges::count_if(all, &Device::acknowledge) > 0);
    }

    /// @param fill  Puts into the deposit what is published. @return True if it was acknowledged.
    template <class Fill>
    bool publish(bool gathers, Fill&& fill) {
        auto& node = *cluster_->nodes[home(publisher_.client_id)];
        const std::uint64_t number = ++acks_;
        Deposit deposit{
            node.journal, {.token = {.connection = 1, .number = number}, .gathers = gathers}
        };
        fill(node.broker, deposit);
        EXPECT_TRUE(node.broker.commit(deposit)) << "nothing of it is stored";
        cluster_->pump();
        const auto ack =
            std::ranges::find(node.acks, number, &std::pair<std::uint64_t, bool>::first);
        EXPECT_NE(ack, node.acks.end()) << "the publisher waits forever";
        const bool is_stored = ack != node.acks.end() && ack->second;
        settle_all();
        return is_stored;
    }
    bool retain(int number) {
        const auto message =
            Cluster::message("state", std::to_string(number), Qos::at_least_once, true);
        return publish(false, [&](Broker& broker, Deposit& deposit) {
            deposit.next(*message);
            broker.retain(message, nullptr, publisher_.client_id, deposit);
        });
    }
    bool publish_at_least_once(int number) {
        const auto message = Cluster::message("least", std::to_string(number), Qos::at_least_once);
        return publish(false, [&](Broker& broker, Deposit& deposit) {
            deposit.next(*message);
            broker.fan_out(message, deposit);
        });
    }
    /// PUBLISH and PUBREL, or that of them which is still to come. @return True if both were acknowledged.
    bool publish_exactly_once(int number) {
        Session& session = *publisher_.session;
        if (received_ < number && session.take_inbound_id(kPacketId)) {
            const auto message =
                Cluster::message("exact", std::to_string(number), Qos::exactly_once);
            const bool is_stored = publish(true, [&](Broker& broker, Deposit& deposit) {
                session.store_inbound_id(kPacketId, deposit);
                deposit.next(*message);
                broker.fan_out(message, deposit);
            });
            if (!is_stored) {
                return false;
            }
        }
        received_ = number;
        const bool is_known = session.release_inbound_id(kPacketId);
        bool is_stored = false;
        cluster_->nodes[home(publisher_.client_id)]->journal.after([&](bool stored) {
            is_stored = stored;
        });
        settle_all();
        return !is_known || is_stored;
    }

    /// From where it stopped. @return False at the first thing that is not acknowledged.
    bool go_on(int last) {
        const auto next = [last](int& acknowledged, auto&& send) {
            return acknowledged >= last || (send(acknowledged + 1) && ++acknowledged > 0);
        };
        while (std::min({retained_, at_least_once_, exactly_once_}) < last) {
            if (!next(retained_, [this](int n) { return retain(n); }) ||
                !next(at_least_once_, [this](int n) { return publish_at_least_once(n); }) ||
                !next(exactly_once_, [this](int n) { return publish_exactly_once(n); })) {
                return false;
            }
            if (const auto filter = "extra/" + std::to_string(exactly_once_);
                online_.session != nullptr && subscribe(online_, filter)) {
                filters_.insert(filter);
            }
        }
        return true;
    }

    /// Two subscribers, of which one has a message in flight and one is not there, and a will that is to come.
    void prepare() {
        ASSERT_TRUE(start());
        for (Device* const device : {&online_, &away_}) {
            ASSERT_TRUE(connect(*device));
            for (const char* const topic : {"least", "exact", "will"}) {
                ASSERT_TRUE(subscribe(*device, topic));
            }
        }
        disconnect(away_);
        ASSERT_TRUE(connect(
            mortal_,
            std::make_unique<Will>(Will{
                .message = Cluster::message("will", "1", Qos::at_least_once), .delay = hours{1}
            })
        ));
        ASSERT_TRUE(connect(publisher_));
        ASSERT_TRUE(go_on(kBefore - 1));
        online_.session = nullptr;  // It gets what comes, and acknowledges nothing.
        ASSERT_TRUE(go_on(kBefore));
        stop();
    }
    /// Up to where the disk fails.
    void run_on_failing_disk() {
        if (start() && connect(online_) && connect(publisher_) && go_on(kLast) && connect(late_)) {
            disconnect(online_);
        }
        is_late_known_ = late_.session != nullptr;
        stop();
    }
    void expect_all_that_was_acknowledged() {
        ASSERT_TRUE(start());
        const auto state = store_->read_retained("default", "state");
        ASSERT_TRUE(state && state->messages.size() == 1);
        const int kept = std::stoi(std::string{as_text(state->messages[0].record.message.payload)});
        EXPECT_GE(kept, retained_);
        ASSERT_TRUE(connect(online_) && connect(publisher_) && connect(late_) && connect(away_));
        EXPECT_TRUE(online_.is_present && publisher_.is_present && away_.is_present);
        EXPECT_TRUE(late_.is_present || !is_late_known_);
        for (const auto& filter : filters_) {
            EXPECT_NE(online_.session->subscriptions().find(filter), nullptr) << filter;
        }
        ASSERT_TRUE(go_on(kLast));
        cluster_->clock.advance(hours{2});
        for (Broker* const broker : cluster_->brokers) {
            broker->advance();
        }
        settle_all();
        for (Device* const device : {&online_, &away_}) {
            SCOPED_TRACE(device->client_id);
            EXPECT_EQ(device->first_of("least"), (Numbers{1, 2, 3, 4}));
            EXPECT_EQ(device->got["exact"], (Numbers{1, 2, 3, 4})) << "once each, and in order";
            EXPECT_EQ(device->first_of("will"), (Numbers{1}));
        }
        stop();
    }

    weir::test::TempDir directory_;
    std::string path_;
    std::shared_ptr<storage::test::FaultyFiles> files_ =
        std::make_shared<storage::test::FaultyFiles>();
    std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
    std::shared_ptr<storage::Store> store_;
    std::unique_ptr<Cluster> cluster_;

    Device online_{"online"};
    Device away_{"away"};
    Device late_{"late"};
    Device mortal_{"mortal"};
    Device publisher_{"publisher"};
    std::uint64_t acks_ = 0;
    int retained_ = 0;  ///< The last one that was acknowledged; so are these:
    int at_least_once_ = 0;
    int exactly_once_ = 0;
    int received_ = 0;  ///< At QoS 2, by PUBREC.
    std::set<std::string> filters_;
    bool is_late_known_ = false;
};
INSTANTIATE_TEST_SUITE_P(Broker, FailingDiskUnderSessions, testing::Values(1U, 3U));

TEST_P(FailingDiskUnderSessions, LosesNothingAndDoublesNothing_WhicheverCallFails_D3) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("call " + std::to_string(n));
        path_ = directory_ / std::to_string(n);
        online_ = Device{"online"};
        away_ = Device{"away"};
        late_ = Device{"late"};
        mortal_ = Device{"mortal"};
        publisher_ = Device{"publisher"};
        retained_ = at_least_once_ = exactly_once_ = received_ = 0;
        filters_.clear();
        is_late_known_ = false;
        prepare();
        files_->fail_call(n);
        run_on_failing_disk();
        const bool reached = files_->failed();
        files_->fail_call(0);
        expect_all_that_was_acknowledged();
        std::filesystem::remove_all(path_);
        if (!reached || HasFailure()) {
            ASSERT_GT(n, 40U);
            break;
        }
    }
}

}  // namespace
}  // namespace weir::broker
