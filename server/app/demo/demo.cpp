#include <weir/demo/demo.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>
#include <weir/demo/checks.hpp>
#include <weir/demo/device.hpp>
#include <weir/demo/home.hpp>
#include <weir/demo/observe.hpp>
#include <weir/demo/receiver.hpp>
#include <weir/demo/view.hpp>

namespace weir::demo {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kRedraw{1};
constexpr std::chrono::seconds kDeliveryMax{10};

/// SIGINT and SIGTERM, waited for instead of interrupting. Threads started meanwhile inherit that.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    ~StopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    /// Waits until then. @return true: a signal came first.
    [[nodiscard]] bool wait_until(steady_clock::time_point when) const {
        const auto left = std::max(when - steady_clock::now(), steady_clock::duration::zero());
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec timeout{
            .tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds{left - seconds}.count()
        };
        return sigtimedwait(&signals_, nullptr, &timeout) > 0;
    }

private:
    sigset_t signals_{};
    sigset_t before_{};
};

/// Blocks until a change of the registry took effect.
template <class Start>
void change(const Start& start) {
    std::promise<Result<void>> promise;
    auto outcome = promise.get_future();
    start([&promise](const Result<void>& result) { promise.set_value(result); });
    if (const auto result = outcome.get(); !result) {
        throw std::runtime_error{"cannot register a device: " + result.error().message()};
    }
}

void register_members(identity::Registry& registry, const std::vector<Member>& members) {
    for (const auto& [name, type, certificate] : members) {
        const identity::ThingId id{.name = name};
        change([&](identity::Done done) {
            registry.create({.id = id, .type = type}, std::move(done));
        });
        change([&](identity::Done done) {
            registry.add_certificate(id, {.sha256 = certificate}, std::move(done));
        });
    }
}

/// Everything that runs, from construction to destruction.
class Demonstration {
public:
    explicit Demonstration(std::uint16_t port)
        : home_{{.listener = port, .receiver = receiver_.port()}},
          gateway_{{.config = home_.path(), .in_memory = true}},
          since_{gateway_.clock().wall()} {
        register_members(gateway_.registry(), home_.members());
        gateway_.start();
        for (std::size_t i = 0; i < kDevices.size(); ++i) {
            devices_.push_back(std::make_unique<Device>(DeviceOptions{
                .number = i,
                .port = gateway_.listeners().at(0).port,
                .files = home_.client_files(kDevices[i]),
            }));
        }
    }

    ~Demonstration() {
        stop_devices();
        gateway_.stop();
    }

    Demonstration(const Demonstration&) = delete;
    Demonstration& operator=(const Demonstration&) = delete;

    [[nodiscard]] Place place() const {
        const auto port = gateway_.listeners().at(0).port;
        return {.address = fmt::format("127.0.0.1:{}", port), .port = port, .folder = home_.path()};
    }

    [[nodiscard]] Observation observe() {
        std::vector<Tally> tallies;
        for (const auto& device : devices_) {
            tallies.push_back(device->tally());
        }
        return demo::observe(gateway_, std::move(tallies), receiver_, since_);
    }

    /// Returns when all of them have their answers and are gone.
    void stop_devices() {
        for (const auto& device : devices_) {
            device->request_stop();
        }
        for (const auto& device : devices_) {
            device->stop();
        }
    }

private:
    Receiver receiver_;
    Home home_;
    app::Gateway gateway_;
    WallTime since_;
    std::vector<std::unique_ptr<Device>> devices_;
};

/// Shows what happens until `end`. @return false: a signal came first.
bool watch(Demonstration& demonstration, const StopSignals& signals, steady_clock::time_point end) {
    View view{demonstration.place()};
    for (auto next = steady_clock::now(); next < end;) {
        view.show(demonstration.observe());
        next = std::min(end, next + kRedraw);
        if (signals.wait_until(next)) {
            return false;
        }
    }
    return true;
}

/// Waits until the sink has delivered what the rule gave it, or kDeliveryMax.
Observation settle(Demonstration& demonstration, const StopSignals& signals) {
    constexpr std::chrono::milliseconds kLookAgain{200};
    demonstration.stop_devices();
    const auto last = steady_clock::now() + kDeliveryMax;
    for (;;) {
        auto seen = demonstration.observe();
        const auto now = steady_clock::now();
        if (seen.received.records >= seen.stream_records || now >= last ||
            signals.wait_until(now + kLookAgain)) {
            return seen;
        }
    }
}

bool run_once(
    Demonstration& demonstration, const StopSignals& signals, std::chrono::seconds duration
) {
    if (!watch(demonstration, signals, steady_clock::now() + duration)) {
        fmt::print("demo: FAILED: interrupted\n");
        return false;
    }
    const auto checks = check(settle(demonstration, signals));
    fmt::print("{}{}\n", render(checks), verdict(checks));
    return std::ranges::all_of(checks, &Check::holds);
}

}  // namespace

bool run(const Options& options) {
    log::configure(log::Level::error, log::Format::pretty);  // The view has the terminal.
    const StopSignals signals;
    Demonstration demonstration{options.port};
    if (options.once) {
        return run_once(demonstration, signals, *options.once);
    }
    static_cast<void>(watch(demonstration, signals, steady_clock::time_point::max()));
    fmt::print("demo: stopped\n");
    return true;
}

}  // namespace weir::demo
