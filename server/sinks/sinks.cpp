#include <weir/sinks/sinks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/sinks/detail/http_request.hpp>
#include <weir/sinks/detail/http_sink.hpp>
#include <weir/sinks/detail/sink_state.hpp>

namespace weir::sinks {
namespace {

constexpr std::chrono::hours kWaitMax{1};
/// Somebody waits for a probe.
constexpr std::chrono::milliseconds kProbeTimeoutMax{30'000};

void check_all(const std::vector<HttpSinkConfig>& configs) {
    std::set<std::string> names;
    for (const auto& config : configs) {
        if (const auto problem = check(config); !problem.empty()) {
            throw std::invalid_argument{fmt::format("sink {}: {}", config.name, problem)};
        }
        if (!names.insert(config.name).second) {
            throw std::invalid_argument{
                fmt::format("sink {}: there are two of this name", config.name)
            };
        }
    }
}

/// As often as the server redirects, and the sink follows. Each step signs anew.
void send_probe(
    const detail::Surroundings& surroundings,
    const HttpSinkConfig& config,
    http_client::Request request,
    std::uint32_t followed,
    http_client::Completion done
) {
    if (config.redirects == Redirects::none) {
        surroundings.client->submit(std::move(request), std::move(done));
        return;
    }
    auto again = request;
    surroundings.client->submit(
        std::move(request),
        [surroundings, config, again = std::move(again), followed, done = std::move(done)](
            http_client::Outcome&& outcome
        ) mutable {
            if (outcome.error || !detail::follows_redirect(config, outcome.response, followed)) {
                done(std::move(outcome));
                return;
            }
            again.url = outcome.response.location;
            if (config.sigv4) {
                ignore_error(
                    http_client::sign(again, *config.sigv4, surroundings.clock->wall()),
                    "it is a URL of the sink's server"
                );
            }
            send_probe(surroundings, config, std::move(again), followed + 1, std::move(done));
        }
    );
}

}  // namespace

struct Sinks::Impl {
    Impl(
        storage::Store& store,
        http_client::Client& client,
        const Clock& clock,
        ErrorActions actions
    )
        : error_actions{std::move(actions)},
          surroundings{
              &store, &client, &clock, std::make_shared<detail::EventQueue>(), &error_actions
          } {}

    struct Named {
        std::uint32_t id;
        std::unique_ptr<detail::HttpSink> sink;
    };

    void run();
    std::chrono::milliseconds poll();
    [[nodiscard]] detail::HttpSink* find(std::uint32_t id);
    [[nodiscard]] bool busy();
    [[nodiscard]] SinkStatus removed(const std::string& name) const;

    const ErrorActions error_actions;
    const detail::Surroundings surroundings;
    mutable std::mutex mutex;  ///< Held for each turn: config and status see sinks between turns.
    std::map<std::string, Named> sinks;  ///< Under the mutex.
    std::uint32_t last_id = 0;           ///< Under the mutex.
    std::atomic<bool> stopping{false};
    std::atomic<SteadyTime> stop_at{SteadyTime{0}};
    std::thread thread;
};

detail::HttpSink* Sinks::Impl::find(std::uint32_t id) {
    const auto found =
        std::ranges::find_if(sinks, [id](const auto& named) { return named.second.id == id; });
    return found == sinks.end() ? nullptr : found->second.sink.get();
}

bool Sinks::Impl::busy() {
    const std::lock_guard lock{mutex};
    return std::ranges::any_of(sinks, [](const auto& named) { return named.second.sink->busy(); });
}

SinkStatus Sinks::Impl::removed(const std::string& name) const {
    SinkStatus status{.name = name, .activity = Activity::removed};
    const auto stored =
        detail::add_stored(status, *surroundings.store, surroundings.clock->wall());
    if (!stored) {
        status.last_error = stored.error().message();
    }
    return status;
}

std::chrono::milliseconds Sinks::Impl::poll() {
    const std::lock_guard lock{mutex};
    for (auto& event : surroundings.events->take()) {
        if (auto* const sink = find(event.sink)) {
            sink->handle(std::move(event));
        }
    }
    auto next = detail::kNever;
    for (auto& [name, named] : sinks) {
        named.sink->step();
        next = std::min(next, named.sink->due());
    }
    const auto now = surroundings.clock->steady();
    return std::clamp<std::chrono::milliseconds>(
        next - now, std::chrono::milliseconds{0}, kWaitMax
    );
}

void Sinks::Impl::run() {
    for (;;) {
        const auto idle = poll();
        const auto left = stop_at.load() - surroundings.clock->steady();
        if (stopping && (left.count() <= 0 || !busy())) {
            return;
        }
        surroundings.events->wait(stopping ? std::min(idle, left) : idle);
    }
}

Sinks::Sinks(
    storage::Store& store,
    http_client::Client& client,
    const Clock& clock,
    ErrorActions error_actions
)
    : impl_{std::make_unique<Impl>(store, client, clock, std::move(error_actions))} {}

Sinks::~Sinks() {
    stop();
}

void Sinks::configure(std::vector<HttpSinkConfig> configs) {
    check_all(configs);
    {
        const std::lock_guard lock{impl_->mutex};
        std::map<std::string, Impl::Named> next;
        for (auto& config : configs) {
            auto found = impl_->sinks.extract(config.name);
            if (found.empty()) {
                const auto id = ++impl_->last_id;
                auto name = config.name;
                next.emplace(
                    std::move(name),
                    Impl::Named{
                        id,
                        std::make_unique<detail::HttpSink>(
                            id, std::move(config), impl_->surroundings
                        )
                    }
                );
            } else {
                found.mapped().sink->reconfigure(std::move(config));
                next.insert(std::move(found));
            }
        }
        impl_->sinks = std::move(next);
    }
    impl_->surroundings.events->interrupt();
}

void Sinks::start() {
    impl_->thread = std::thread{[this] { impl_->run(); }};
}

void Sinks::stop(std::chrono::milliseconds grace) {
    if (!impl_->thread.joinable()) {
        return;
    }
    {
        const std::lock_guard lock{impl_->mutex};
        for (auto& [name, named] : impl_->sinks) {
            named.sink->wind_down();
        }
    }
    impl_->stop_at = impl_->surroundings.clock->steady() + grace;
    impl_->stopping = true;
    impl_->surroundings.events->interrupt();
    impl_->thread.join();
}

std::optional<HttpSinkConfig> Sinks::probe(
    const std::string& sink, const storage::OutboxRecord& record, http_client::Completion done
) {
    std::optional<HttpSinkConfig> config;
    {
        const std::lock_guard lock{impl_->mutex};
        const auto found = impl_->sinks.find(sink);
        if (found == impl_->sinks.end()) {
            return config;
        }
        config = found->second.sink->config();
    }
    config->timeout = std::min(config->timeout, kProbeTimeoutMax);
    config->connect_timeout = std::min(config->connect_timeout, kProbeTimeoutMax);
    std::vector<storage::OutboxEntry> batch(1);
    batch.front().record = record;
    auto request = detail::make_request(
        batch,
        *config,
        fmt::format("{}/test-{}", sink, random_hex(8)),
        {},
        impl_->surroundings.clock->wall()
    );
    if (request) {
        send_probe(impl_->surroundings, *config, std::move(*request), 0, std::move(done));
    } else {
        done({.error = request.error(), .detail = request.error().message()});
    }
    return config;
}

std::vector<SinkStatus> Sinks::status() const {
    const std::lock_guard lock{impl_->mutex};
    std::vector<SinkStatus> out;
    for (const auto& [name, named] : impl_->sinks) {
        out.push_back(named.sink->status());
    }
    for (const auto& outbox : impl_->surroundings.store->outboxes()) {
        const bool is_empty = outbox.records == 0 && outbox.dead_records == 0;
        if (!is_empty && !impl_->sinks.contains(outbox.name)) {
            out.push_back(impl_->removed(outbox.name));
        }
    }
    std::ranges::sort(out, {}, &SinkStatus::name);
    return out;
}

std::chrono::milliseconds Sinks::poll() {
    return impl_->poll();
}

}  // namespace weir::sinks
