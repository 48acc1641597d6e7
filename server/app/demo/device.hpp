/// A simulated device: an MQTT 5 client over TLS, with a certificate of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include <weir/base/guarded.hpp>
#include <weir/demo/home.hpp>
#include <weir/demo/tally.hpp>

namespace weir::demo {

struct DeviceOptions {
    std::size_t number = 0;  ///< Index in kDevices.
    std::uint16_t port = 0;  ///< Of the gateway, on 127.0.0.1.
    ClientFiles files = {};
    std::chrono::milliseconds interval{500};  ///< Between two readings.
};

/// Publishes readings to data/<device>/temp with QoS 1 and takes commands from cmd/<device>/#. The
/// misbehaving one also sends a false alarm in the name of another device now and then. Runs on a
/// thread of its own from construction to stop(); connects again if the connection ends.
class Device {
public:
    explicit Device(DeviceOptions options);
    /// stop()s.
    ~Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// Sends nothing new; waits for the answers that are due, at most kAnswersMax; disconnects.
    void request_stop() { thread_.request_stop(); }
    /// request_stop(), then waits for it.
    void stop();
    /// As of now. Any thread.
    [[nodiscard]] Tally tally() const;

    static constexpr std::chrono::milliseconds kAnswersMax{5'000};

private:
    class Session;

    void run(const std::stop_token& stop);

    DeviceOptions options_;
    Guarded<Tally> tally_;
    std::uint64_t sequence_ = 0;
    std::jthread thread_;  ///< Last: uses everything above.
};

}  // namespace weir::demo
