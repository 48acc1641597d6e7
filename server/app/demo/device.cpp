#include <weir/demo/device.hpp>

#include <fmt/format.h>

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <weir/demo/detail/tls_client.hpp>
#include <weir/mqtt/client_protocol.hpp>

namespace weir::demo {
namespace {

using mqtt::Next;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kReadMax{100};  ///< How late a stop may be noticed.
constexpr milliseconds kConnectAgain{1'000};
constexpr std::uint16_t kKeepAlive_s = 30;
constexpr std::uint64_t kFalseAlarmEvery = 5;

}  // namespace

/// One connection of a device. Lives on the device's thread.
class Device::Session final : mqtt::ClientProtocol::Handler {
public:
    /// @throws std::runtime_error: refused, or no gateway.
    explicit Session(Device& device)
        : device_{device},
          name_{kDevices[device.options_.number]},
          connection_{device.options_.port, device.options_.files} {
        Bytes out;
        protocol_.connect(out, {.keep_alive_s = kKeepAlive_s, .client_id = name_});
        connection_.write(out);
        wait_until([this] { return connected_; });
        subscribe();
        wait_until([this] { return subscribed_; });
    }

    /// Publishes until asked to stop. @throws std::runtime_error: the connection ended.
    void run(const std::stop_token& stop) {
        auto due = steady_clock::now();
        while (!stop.stop_requested()) {
            const auto now = steady_clock::now();
            if (now >= due) {
                publish_reading();
                due = now + device_.options_.interval;
            }
            read(std::min(kReadMax, std::chrono::ceil<milliseconds>(due - now)));
        }
        wait_until([this] { return in_flight_.empty(); });
        Bytes out;
        mqtt::append_packet(out, mqtt::Disconnect{}, mqtt::Version::v5);
        connection_.write(out);
        connection_.close();
    }

private:
    template <class Change>
    void note(Change&& change) {
        device_.tally_.with(std::forward<Change>(change));
    }

    void subscribe() {
        const auto filter = fmt::format("cmd/{}/#", name_);
        Bytes filters;
        mqtt::append_subscription(filters, {.filter = filter, .qos = mqtt::Qos::at_least_once});
        Bytes out;
        mqtt::append_packet(
            out,
            mqtt::Subscribe{.packet_id = protocol_.next_packet_id(), .subscriptions = {filters, 1}},
            mqtt::Version::v5
        );
        note([&](Tally& tally) { tally.on_subscribed(filter); });
        connection_.write(out);
    }

    void publish_reading() {
        const auto sequence = device_.sequence_++;
        publish(name_, make_reading(device_.options_.number, sequence));
        if (name_ == kMisbehaving && sequence % kFalseAlarmEvery == 0) {
            publish(kDevices.front(), {.tenths = 999, .sequence = sequence});
        }
    }

    /// @param as  The device that the topic claims.
    void publish(std::string_view as, const Reading& reading) {
        const auto topic = fmt::format("data/{}/temp", as);
        const auto payload = to_json(reading);
        const auto packet_id = protocol_.next_packet_id();
        Bytes out;
        mqtt::append_publish(
            out,
            {.topic = topic,
             .payload_bytes = payload.size(),
             .packet_id = packet_id,
             .qos = mqtt::Qos::at_least_once},
            as_bytes(payload),
            mqtt::Version::v5
        );
        in_flight_.insert_or_assign(
            packet_id, SentPublish{topic.size(), payload.size(), reading.is_hot()}
        );
        note([](Tally& tally) { ++tally.sent; });
        connection_.write(out);
    }

    template <class Condition>
    void wait_until(const Condition& reached) {
        const auto last = steady_clock::now() + kAnswersMax;
        while (!reached()) {
            if (steady_clock::now() >= last) {
                throw std::runtime_error{"the gateway does not answer"};
            }
            read(kReadMax);
        }
    }

    void read(milliseconds wait) {
        std::array<Byte, 4096> buffer{};
        const auto count = connection_.read(buffer, wait);
        if (const auto fed = protocol_.feed(ByteView{buffer}.first(count), *this); !fed) {
            throw std::runtime_error{fed.error().message()};
        }
        if (!answers_.empty()) {
            connection_.write(std::exchange(answers_, {}));
        }
        if (!refusal_.empty()) {
            throw std::runtime_error{refusal_};
        }
    }

    Next on_connack(const mqtt::Connack& packet) noexcept override {
        if (mqtt::is_error(packet.reason_code)) {
            refusal_ = mqtt::name(packet.reason_code);
        } else {
            connected_ = true;
            note([](Tally& tally) { tally.on_connected(); });
        }
        return Next::go_on;
    }

    Next on_suback(const mqtt::Suback& packet) noexcept override {
        if (mqtt::is_error(packet.reason_codes[0])) {
            refusal_ = mqtt::name(packet.reason_codes[0]);
        }
        subscribed_ = true;
        return Next::go_on;
    }

    Next on_ack(const mqtt::Ack& packet) noexcept override {
        if (const auto found = in_flight_.find(packet.packet_id); found != in_flight_.end()) {
            note([&](Tally& tally) { tally.on_acknowledged(found->second, packet.reason_code); });
            in_flight_.erase(found);
        }
        return Next::go_on;
    }

    Next on_publish(const mqtt::Publish& packet) noexcept override {
        const bool with_puback = packet.qos == mqtt::Qos::at_least_once;
        note([&](Tally& tally) {
            tally.on_command(packet.topic.size(), packet.payload.size(), with_puback);
        });
        if (with_puback) {
            mqtt::append_packet(
                answers_, mqtt::Ack{.packet_id = packet.packet_id}, mqtt::Version::v5
            );
        }
        return Next::go_on;
    }

    Next on_disconnect(const mqtt::Disconnect& packet) noexcept override {
        refusal_ = mqtt::name(packet.reason_code);
        return Next::stop;
    }

    Next on_unsuback(const mqtt::Unsuback& /*packet*/) noexcept override { return Next::go_on; }
    Next on_pingresp() noexcept override { return Next::go_on; }
    Next on_auth(const mqtt::Auth& /*packet*/) noexcept override { return Next::go_on; }

    Device& device_;
    std::string_view name_;
    detail::TlsClient connection_;
    mqtt::ClientProtocol protocol_;
    boost::unordered_flat_map<std::uint16_t, SentPublish> in_flight_;
    Bytes answers_;
    std::string refusal_;  ///< Why the gateway ends the connection; empty: it does not.
    bool connected_ = false;
    bool subscribed_ = false;
};

Device::Device(DeviceOptions options)
    : options_{std::move(options)},
      tally_{Tally{.device = std::string{kDevices[options_.number]}}},
      thread_{[this](const std::stop_token& stop) { run(stop); }} {}

void Device::stop() {
    thread_.request_stop();
    if (thread_.joinable()) {
        thread_.join();
    }
}

Tally Device::tally() const {
    return tally_.with([](const Tally& tally) { return tally; });
}

void Device::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested()) {
        try {
            Session{*this}.run(stop);
            tally_.with([](Tally& tally) { tally.online = false; });
            return;
        } catch (const std::exception& error) {
            tally_.with([&](Tally& tally) { tally.on_failure(error.what()); });
        }
        std::unique_lock lock{mutex};
        stopped.wait_for(lock, stop, kConnectAgain, [] { return false; });
    }
}

}  // namespace weir::demo
