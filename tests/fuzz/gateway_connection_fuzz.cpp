// A peer's bytes through everything behind the socket: transport, protocol, endpoint, pipeline with a rule, broker; one
// shard, stepped by hand, on a clock that stands still. Beside it a device that hears every message: whatever the peer
// sends, that device must stay connected and be sent nothing but sound packets. Where the peer speaks MQTT, the bytes
// that it gets must not depend on how its own are cut.
// Input: bytes per read, options, then what the peer sends.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include <weir/base/assert.hpp>
#include <weir/base/log.hpp>
#include <weir/broker/broker.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/endpoints/connections.hpp>
#include <weir/endpoints/services.hpp>
#include <weir/mqtt/client_protocol.hpp>
#include <weir/mqtt/encoder.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/policy/policy_file.hpp>
#include <weir/rules/document.hpp>

#include "../support/open_policy.hpp"

namespace {

using namespace weir;
using namespace std::chrono_literals;

constexpr std::string_view kDenied = "deny:\n  - publish: [\"secret/#\"]\n";

constexpr std::string_view kRule = R"(---
to: [{republish: {topic: "again/${topic()}", qos: 1}}]
---
SELECT * FROM 'a/#'
)";

enum Option : std::uint8_t {
    behind_proxy = 1,  ///< A PROXY preface comes first.
    time_passes = 2,   ///< Seconds go by between reads.
    peer_stays = 4,    ///< The peer does not close at the end.
    little_room = 8,   ///< Small limits.
};

/// What lives as long as the process and is never changed by an input.
struct Surroundings {
    ManualClock clock;
    runtime::ShardGroup group{{.shards = 1, .clock = &clock}};
    runtime::Shard& shard = group[0U];
    net::ShardIo io{shard};
    std::unique_ptr<storage::Store> store = storage::Store::in_memory();
    identity::Registry registry{*store, clock};
    identity::Mechanisms mechanisms;
    runtime::BlockingPool pool;
    policy::PolicySetPtr policies;
    std::shared_ptr<pipeline::Routes> routes = std::make_shared<pipeline::Routes>();

    Surroundings() {
        log::configure(log::Level::error, log::Format::pretty);
        document::Diagnostics diagnostics;
        const std::array files{
            policy::PolicyFile{.path = "open.yaml", .text = std::string{test::kOpenPolicy}.append(kDenied)}};
        policies = policy::load_policies(files, diagnostics);
        auto rule = rules::parse_rule("again.sql", kRule, diagnostics);
        WEIR_ASSERT(policies != nullptr && rule.has_value());
        std::vector<rules::RuleDefinition> all;
        all.push_back(std::move(*rule));
        routes->rules = rules::RuleSet::build(std::move(all));
        routes->metrics.push_back({std::make_shared<pipeline::RuleMetrics>()});
    }
};

class NoPeers final : public broker::Peers {
    bool try_send(unsigned /*shard*/, runtime::Task& /*work*/) noexcept override { return true; }
    void send(unsigned /*shard*/, runtime::Task /*work*/) override {}
};

/// A gateway of one shard, fresh for each input.
class World {
public:
    explicit World(Surroundings& around, std::uint8_t options) : around_{around} {
        around_.shard.run_once(0ms);  // Reads the clock.
        brokers_[0] = &broker_;
        services_table_[0] = &services_;
        auto listener = std::make_shared<endpoints::Listener>();
        listener->methods = {.password = false, .anonymous = true};
        listener->upgrade.paths = {"/mqtt", "/amqp"};
        if ((options & little_room) != 0) {
            listener->limits.packet_bytes = 1'024;
            listener->limits.receive_maximum = 2;
            listener->limits.in_flight = 2;
            listener->limits.queue_messages = 3;
            listener->limits.subscriptions = 4;
            listener->limits.topic_levels = 4;
        }
        device_listener_ = listener;
        if ((options & behind_proxy) != 0) {
            auto behind = std::make_shared<endpoints::Listener>(*listener);
            behind->proxies.push_back({.address = kPeer, .bits = 32});
            listener = behind;
        }
        listener_ = listener;
        broker_.bind(publisher_);
        broker_.bind(connections_);
        broker_.apply_policies(around_.policies);
        publisher_.use(around_.routes);
        connections_.bind(services_);
    }
    ~World() {
        connections_.drop_all();
        step();
        WEIR_ASSERT(connections_.size() == 0);
    }

    /// @return The peer's end of a new connection.
    runtime::UniqueFd connect(bool as_device) {
        std::array<int, 2> fds{};
        WEIR_ASSERT(
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0
        );
        connections_.adopt(
            as_device ? device_listener_ : listener_,
            {.fd = runtime::UniqueFd{fds[0]}, .peer = kPeer, .slot = {}}
        );
        return runtime::UniqueFd{fds[1]};
    }
    /// Until nothing is on its way, to the store and back either.
    void step() {
        do {
            for (int i = 0; i < 3; ++i) {
                around_.shard.run_once(0ms);
            }
            around_.store->drain();
        } while (!journal_.idle());
    }
    void pass(std::chrono::milliseconds time) {
        around_.clock.advance(time);
        step();
        broker_.advance();
        publisher_.advance();
        step();
    }

private:
    static constexpr net::Address kPeer{.ip = {192, 0, 2, 7}, .port = 50'000};

    Surroundings& around_;
    model::Limits limits_{.retained_messages = 20};
    model::ShardMetrics metrics_;
    why::DecisionLog decisions_{64 * 1024};
    broker::Context context_{around_.clock, metrics_, decisions_};
    metering::Meter meter_{around_.clock.wall()};
    NoPeers peers_;
    std::array<broker::Broker*, 1> brokers_{};
    std::array<endpoints::Services*, 1> services_table_{};
    std::array<pipeline::Publisher*, 1> publishers_{&publisher_};
    broker::Journal journal_{*around_.store, [this](runtime::Task work) { around_.shard.post(std::move(work)); }};
    broker::Broker broker_{context_, journal_, {brokers_, &peers_, 0}, limits_.retained_messages};
    endpoints::Connections connections_{around_.io};
    pipeline::Publisher publisher_{{
        .broker = broker_,
        .meter = meter_,
        .limits = limits_,
        .shard = 0,
        .publishers = publishers_,
        .peers = &peers_,
    }};
    endpoints::Services services_{
        .shard = around_.shard,
        .io = around_.io,
        .self = 0,
        .shards = 1,
        .broker = broker_,
        .publisher = publisher_,
        .meter = meter_,
        .registry = around_.registry,
        .mechanisms = around_.mechanisms,
        .pool = around_.pool,
        .connections = connections_,
        .all = services_table_.data(),
    };
    endpoints::ListenerPtr device_listener_;
    endpoints::ListenerPtr listener_;
};

/// @return False at the end of the stream.
template <class Take>
bool drain(int fd, Take&& take) {
    std::array<Byte, 16 * 1024> buffer;
    for (;;) {
        const auto count = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count <= 0) {
            return count != 0;
        }
        take(ByteView{buffer}.first(static_cast<std::size_t>(count)));
    }
}

/// The device beside the peer.
class Device final : private mqtt::ClientProtocol::Handler {
public:
    explicit Device(World& world) : world_{world}, fd_{world.connect(true)} {
        Bytes out;
        protocol_.connect(
            out, {.version = mqtt::Version::v5, .keep_alive_s = 0xFFFF, .client_id = kName}
        );
        Bytes list;
        mqtt::append_subscription(list, {.filter = "#", .qos = mqtt::Qos::at_least_once});
        mqtt::append_packet(
            out, mqtt::Subscribe{.packet_id = 1, .subscriptions = {list, 1}}, mqtt::Version::v5
        );
        send(out);
        world_.step();
        listen();
        WEIR_ASSERT(is_subscribed_);
    }

    void listen() {
        const bool open = drain(fd_.get(), [this](ByteView bytes) {
            WEIR_ASSERT(protocol_.feed(bytes, *this).has_value());
        });
        WEIR_ASSERT(open || was_replaced_);
    }
    void expect_service() {
        if (was_replaced_) {
            return;
        }
        answered_ = false;
        send(Bytes{0xC0, 0});
        world_.step();
        listen();
        WEIR_ASSERT(answered_ || was_replaced_);
    }

private:
    static constexpr std::string_view kName = "the-device-beside-the-peer";

    void send(const Bytes& bytes) {
        WEIR_ASSERT(
            was_replaced_ || ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0
        );
    }
    mqtt::Next on_connack(const mqtt::Connack& packet) noexcept override {
        WEIR_ASSERT(packet.reason_code == mqtt::ReasonCode::success);
        return mqtt::Next::go_on;
    }
    mqtt::Next on_publish(const mqtt::Publish& packet) noexcept override {
        WEIR_ASSERT(
            mqtt::is_valid_topic_name(packet.topic) && !packet.topic.starts_with("secret/")
        );
        if (packet.qos == mqtt::Qos::at_least_once) {
            Bytes out;
            mqtt::append_packet(
                out,
                mqtt::Ack{.type = mqtt::PacketType::puback, .packet_id = packet.packet_id},
                mqtt::Version::v5
            );
            send(out);
        }
        return mqtt::Next::go_on;
    }
    mqtt::Next on_ack(const mqtt::Ack& /*packet*/) noexcept override { return mqtt::Next::go_on; }
    mqtt::Next on_suback(const mqtt::Suback& /*packet*/) noexcept override {
        is_subscribed_ = true;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_unsuback(const mqtt::Unsuback& /*packet*/) noexcept override {
        return mqtt::Next::go_on;
    }
    mqtt::Next on_pingresp() noexcept override {
        answered_ = true;
        return mqtt::Next::go_on;
    }
    /// The peer may call itself what the device is called; nothing else ends it.
    mqtt::Next on_disconnect(const mqtt::Disconnect& packet) noexcept override {
        WEIR_ASSERT(packet.reason_code == mqtt::ReasonCode::session_taken_over);
        was_replaced_ = true;
        return mqtt::Next::go_on;
    }
    mqtt::Next on_auth(const mqtt::Auth& /*packet*/) noexcept override { return mqtt::Next::go_on; }

    World& world_;
    runtime::UniqueFd fd_;
    mqtt::ClientProtocol protocol_;
    bool is_subscribed_ = false;
    bool answered_ = false;
    bool was_replaced_ = false;
};

/// @return How many bytes the peer was sent.
std::size_t run(Surroundings& around, ByteView in, std::size_t chunk, std::uint8_t options) {
    World world{around, options};
    Device device{world};
    const runtime::UniqueFd peer = world.connect(false);
    std::size_t got = 0;
    const auto listen = [&] {
        world.step();
        drain(peer.get(), [&got](ByteView bytes) { got += bytes.size(); });
        device.listen();
    };
    while (!in.empty()) {
        const auto part = in.first(std::min(chunk, in.size()));
        if (::send(peer.get(), part.data(), part.size(), MSG_NOSIGNAL) < 0) {
            break;  // The gateway has closed.
        }
        in = in.subspan(part.size());
        listen();
        if ((options & time_passes) != 0) {
            world.pass(2s);
        }
    }
    if ((options & peer_stays) == 0) {
        ::shutdown(peer.get(), SHUT_RDWR);
    }
    listen();
    device.expect_service();
    return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Surroundings around;
    constexpr std::size_t kInputMax = 8 * 1024;  // The sockets take it in one piece.
    if (size < 3 || size > kInputMax) {
        return 0;
    }
    const ByteView in{data + 2, size - 2};
    const std::uint8_t options = data[1];
    const auto stored_before = around.store->stats().bytes;
    const auto cut = run(around, in, std::size_t{data[0]} + 1, options);
    const bool is_mqtt = in[0] == 0x10 && (options & (behind_proxy | time_passes)) == 0;
    // An acknowledgement that waits for the store may come too late for a peer that ends the connection at once.
    const bool at_once = around.store->stats().bytes == stored_before;
    if (is_mqtt && at_once) {
        WEIR_ASSERT(run(around, in, in.size(), options) == cut);
    }
    return 0;
}
