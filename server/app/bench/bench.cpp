#include <weir/bench/bench.hpp>

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <weir/bench/detail/board.hpp>
#include <weir/bench/detail/worker.hpp>
#include <weir/bench/process.hpp>

namespace weir::bench {
namespace {

using namespace detail;
using std::chrono::milliseconds;

constexpr milliseconds kLook{1};

void sleep(Seconds time) {
    std::this_thread::sleep_for(time);
}

void allow_files(std::uint32_t clients) {
    constexpr rlim_t kOthers = 64;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (clients + kOthers > limit.rlim_cur) {
        throw std::runtime_error{fmt::format(
            "{} clients need as many open files, {} are allowed: ulimit -n", clients, limit.rlim_cur
        )};
    }
}

/// Time and processor time from construction on.
class Watch {
public:
    explicit Watch(const std::vector<int>& broker)
        : broker_{broker},
          begin_ns_{steady_ns()},
          own_{own_cpu_seconds()},
          brokers_{cpu_seconds(broker)} {}

    [[nodiscard]] double seconds() const {
        return static_cast<double>(steady_ns() - begin_ns_) / 1e9;
    }
    /// Writes what was used per unit.
    void read(Report& report, double seconds, std::uint64_t units) const {
        const auto processor = [&](double used) {
            return Processor{
                .seconds = used,
                .percent = seconds > 0 ? 100 * used / seconds : 0,
                .us_each = units > 0 ? 1e6 * used / static_cast<double>(units) : 0,
            };
        };
        report.generator = processor(own_cpu_seconds() - own_);
        if (!broker_.empty()) {
            report.broker = processor(cpu_seconds(broker_) - brokers_);
        }
    }

private:
    const std::vector<int>& broker_;
    std::uint64_t begin_ns_;
    double own_;
    double brokers_;
};

/// The threads of one run and the order of its phases.
class Run {
public:
    Run(const Options& options, const Address& address, std::vector<DeviceFolder> devices)
        : options_{options}, board_{options, address, std::move(devices)} {
        for (unsigned i = 0; i < options.threads; ++i) {
            workers_.push_back(std::make_unique<Worker>(board_, i));
        }
        const auto counts = board_.plan.counts();
        std::uint32_t id = 0;
        const auto add = [&](Client::Role role, std::uint32_t count) {
            for (std::uint32_t number = 0; number < count; ++number) {
                workers_[number % workers_.size()]->add(role, id++, number);
            }
        };
        add(Client::Role::subscriber, counts.subscribers);
        add(Client::Role::publisher, counts.publishers);
        add(Client::Role::idle, counts.idle);
    }

    ~Run() { quit(); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Report run() {
        Report report{.options = options_};
        const auto before = memory();
        const bool connected = connect(report);
        if (!has_messages(options_.scenario)) {
            hold(report, before);
        } else if (connected) {
            sleep(options_.settle);
            note_growth(report, before);
            exchange(report);
        }
        quit();
        collect(report);
        return report;
    }

private:
    [[nodiscard]] std::uint64_t sum(Counter CrewCounters::*counter) const {
        std::uint64_t sum = 0;
        for (const auto& worker : workers_) {
            sum += (worker->counters().*counter).value();
        }
        return sum;
    }

    [[nodiscard]] Memory memory() const {
        return options_.broker_pids.empty() ? Memory{} : memory_of(options_.broker_pids);
    }

    void enter(Phase phase) {
        board_.phase.store(phase, std::memory_order_release);
        wake();
    }

    void wake() {
        for (const auto& worker : workers_) {
            worker->wake();
        }
    }

    void quit() {
        enter(Phase::quit);
        for (const auto& worker : workers_) {
            worker->join();
        }
    }

    /// Starts everything. @return true: all are connected and have subscribed.
    bool connect(Report& report) {
        const Watch watch{options_.broker_pids};
        for (const auto& worker : workers_) {
            worker->start(workers_);
        }
        const std::uint64_t wanted = board_.plan.clients();
        std::uint64_t seen = 0;
        double moved = 0;
        for (;;) {
            sleep(kLook);
            const auto done = sum(&CrewCounters::ready) + sum(&CrewCounters::failed);
            if (done >= wanted) {
                break;
            }
            if (done != seen) {
                seen = done;
                moved = watch.seconds();
            } else if (watch.seconds() - moved > options_.set_up.count()) {
                break;
            }
            if (has_messages(options_.scenario) && sum(&CrewCounters::failed) > 0) {
                break;
            }
        }
        report.clients.wanted = wanted;
        report.clients.connected = sum(&CrewCounters::ready);
        report.clients.seconds = watch.seconds();
        watch.read(report, report.clients.seconds, report.clients.connected);
        return report.clients.connected == wanted;
    }

    void hold(Report& report, const Memory& before) {
        if (options_.scenario == Scenario::idle) {
            sleep(options_.hold);
            note_growth(report, before);
        }
    }

    void note_growth(Report& report, const Memory& before) const {
        if (options_.broker_pids.empty()) {
            return;
        }
        const auto after = memory();
        const auto pss = after.pss_bytes - before.pss_bytes;
        const auto& plan = board_.plan;
        const auto units = options_.scenario == Scenario::wild
                               ? plan.counts().subscribers * plan.filters_of_each()
                               : plan.clients();
        report.broker_memory = Growth{
            .pss_bytes = pss,
            .kernel_tcp_bytes = after.kernel_tcp_bytes - before.kernel_tcp_bytes,
            .pss_bytes_each = static_cast<double>(pss) / static_cast<double>(units),
        };
    }

    void exchange(Report& report) {
        Messages messages;
        board_.rate_begin_ns = steady_ns();
        enter(Phase::run);
        sleep(options_.warm_up);
        const auto received = sum(&CrewCounters::received);
        const Watch watch{options_.broker_pids};
        enter(Phase::measure);
        watch_for_stalls(watch, messages);
        messages.seconds = watch.seconds();
        messages.delivered = sum(&CrewCounters::received) - received;
        watch.read(report, messages.seconds, messages.delivered);
        enter(Phase::drain);
        drain();
        report.messages = messages;
    }

    /// Until the measured time is over.
    void watch_for_stalls(const Watch& watch, Messages& messages) {
        constexpr Seconds kStall{1};
        std::uint64_t seen = 0;
        double moved = 0;
        while (watch.seconds() < options_.duration.count()) {
            const auto left = options_.duration - Seconds{watch.seconds()};
            sleep(std::min(Seconds{milliseconds{50}}, left));
            const auto received = sum(&CrewCounters::received);
            if (received != seen) {
                seen = received;
                moved = watch.seconds();
            } else if (watch.seconds() - moved > kStall.count()) {
                ++messages.stalls;
                board_.stalls.fetch_add(1);
                moved = watch.seconds();
                wake();
            }
        }
    }

    /// Waits for what is on its way, as long as something moves, and then for what comes twice.
    void drain() {
        constexpr Seconds kStill{3};
        constexpr milliseconds kLate{50};
        const Watch watch{options_.broker_pids};
        sleep(milliseconds{20});  // Turns that were under way.
        std::uint64_t seen = 0;
        double moved = watch.seconds();
        while (watch.seconds() - moved < std::min(kStill, options_.drain).count()) {
            const auto sent = sum(&CrewCounters::sent);
            const auto received = sum(&CrewCounters::received);
            const auto answered =
                sum(&CrewCounters::acknowledged) + sum(&CrewCounters::refused);
            const bool acknowledged =
                options_.qos == mqtt::Qos::at_most_once || answered >= sent;
            if (received >= sent * board_.plan.copies() && acknowledged) {
                break;
            }
            if (received + answered != seen) {
                seen = received + answered;
                moved = watch.seconds();
            }
            sleep(2 * kLook);
        }
        sleep(kLate);
    }

    /// What is known when the threads have ended.
    void collect(Report& report) const {
        Histogram latency;
        Histogram connect;
        std::uint64_t skipped = 0;
        std::uint64_t reordered = 0;
        for (const auto& worker : workers_) {
            latency.merge(worker->crew().latency);
            connect.merge(worker->crew().connect_time);
            skipped += worker->skipped();
            reordered += worker->reordered();
            if (report.error.empty()) {
                report.error = worker->crew().error;
            }
        }
        report.clients.failed = sum(&CrewCounters::failed);
        report.clients.closed = sum(&CrewCounters::closed);
        report.clients.connect = times_of(connect);
        report.clients.pings = sum(&CrewCounters::pings);
        report.clients.pongs = sum(&CrewCounters::pongs);
        if (!report.messages) {
            return;
        }
        auto& messages = *report.messages;
        messages.sent = sum(&CrewCounters::sent);
        messages.received = sum(&CrewCounters::received);
        messages.lost = static_cast<std::int64_t>(messages.sent * board_.plan.copies()) -
                        static_cast<std::int64_t>(messages.received);
        messages.skipped = board_.plan.whole_flows() ? skipped : 0;
        messages.reordered = reordered;
        messages.refused = sum(&CrewCounters::refused);
        messages.foreign = sum(&CrewCounters::foreign);
        if (options_.qos != mqtt::Qos::at_most_once) {
            messages.unacknowledged =
                static_cast<std::int64_t>(messages.sent) -
                static_cast<std::int64_t>(sum(&CrewCounters::acknowledged) + messages.refused);
        }
        messages.latency = times_of(latency);
    }

    const Options& options_;
    Board board_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

Report run(const Options& options) {
    const auto counts = Plan::counts_of(options);
    const auto clients = counts.publishers + counts.subscribers + counts.idle;
    allow_files(options.scenario == Scenario::connects ? options.concurrency : clients);
    const auto address = find_address(options);
    std::vector<DeviceFolder> devices;
    if (!options.devices.empty()) {
        devices = find_devices(options.devices, clients);
    }
    Run run{options, address, std::move(devices)};
    return run.run();
}

}  // namespace weir::bench
