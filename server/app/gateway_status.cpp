// What a running gateway tells of itself. Asked by control threads.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>

#include <weir/app/gateway.hpp>
#include <weir/base/digest.hpp>
#include <weir/pipeline/failure.hpp>

#include "gateway_impl.hpp"

namespace weir::app {
namespace {

std::string text_of(const pipeline::LastFailure::Failure& failure, const rules::Rule& rule) {
    const auto why =
        failure.error ? failure.error.message() : std::string{model::info(failure.reason).text};
    const auto actions = rule.actions();
    const rules::Action* action = nullptr;
    if (failure.action < actions.size()) {
        action = &actions[failure.action];
    } else if (failure.action == actions.size()) {
        action = rule.on_error();
    }
    if (action == nullptr) {
        return why;
    }
    const auto resource = pipeline::resource_of(*action);
    return fmt::format(
        "{}{}{}: {}", pipeline::kind_of(*action), resource.empty() ? "" : " ", resource, why
    );
}

[[nodiscard]] SessionStatus status_of(const broker::Session& session) {
    const model::Limits& limits = session.limits();
    const broker::PeerInfo peer = session.peer();
    SessionStatus status{
        .client_id = session.client_id(),
        .thing = session.principal().thing,
        .online = session.online(),
        .protocol = std::string{peer.protocol},
        .listener = std::string{peer.listener},
        .address = std::string{peer.address},
        .encrypted = peer.encrypted,
        .subscriptions = {session.subscriptions().size(), limits.subscriptions},
        .queued = {session.queued(), limits.queue_messages},
        .queued_bytes = {session.queued_bytes(), limits.queue_bytes},
        .in_flight = {session.in_flight(), session.window()},
        .unreleased = session.unreleased(),
    };
    if (const broker::Books* const books = session.books()) {
        status.lasts = true;
        status.in = books->in;
        status.out = books->out;
        status.lost = books->lost;
        status.last_loss = books->last_loss;
        status.limits = books->limits;
    }
    return status;
}

[[nodiscard]] std::vector<SubscriptionStatus> filters_of(const broker::Session& session) {
    std::vector<SubscriptionStatus> out;
    session.subscriptions().for_each([&out](const broker::Subscription& subscription) {
        out.push_back({
            .filter = subscription.filter,
            .qos = static_cast<unsigned>(subscription.options.qos),
            .id = subscription.options.id,
        });
    });
    std::ranges::sort(out, {}, &SubscriptionStatus::filter);
    return out;
}

}  // namespace

bool Gateway::ready() const {
    return impl_->running && impl_->store->health().state == storage::Health::ok;
}

SteadyTime Gateway::started() const noexcept {
    return impl_->started;
}

std::filesystem::path Gateway::admin_socket() const {
    return configuration()->config.admin.socket;
}

std::optional<Endpoint> Gateway::metrics_endpoint() const {
    return configuration()->config.metrics.listen;
}

std::string Gateway::config_hash() const {
    const auto now = configuration();
    std::string all = impl_->files.read(now->config.file).value_or("");
    const auto add = [&all](const auto& list) {
        for (const auto& file : list) {
            all += file.path + '\0' + file.text + '\0';
        }
    };
    add(now->config.policies);
    add(now->config.rules);
    add(now->config.pricing);
    return to_hex(sha256(as_bytes(all))).substr(0, 12);
}

const Clock& Gateway::clock() const noexcept {
    return impl_->clock;
}

std::optional<BackupReport> Gateway::backups() const {
    return impl_->backups.report();
}

storage::Store& Gateway::store() noexcept {
    return *impl_->store;
}

Durability Gateway::durability() const noexcept {
    return impl_->at_start->config.storage.durability;
}

identity::Registry& Gateway::registry() noexcept {
    return impl_->registry;
}

std::shared_ptr<const Configuration> Gateway::configuration() const {
    return impl_->configuration.with([](const auto& now) { return now; });
}

std::vector<ListenerStatus> Gateway::listeners() const {
    std::vector<ListenerStatus> out;
    for (const auto& door : impl_->doors) {
        const auto& address = door->acceptor->address();
        out.push_back({
            .name = door->name,
            .address = proxy::to_text(address),
            .port = address.port,
            .tls = door->tls,
            .certificate_ends = WallTime{door->certificate_ends_ms},
            .connections = door->acceptor->connections(),
            .refused_limit = door->acceptor->counters().refused_limit.value(),
            .refused_descriptors = door->acceptor->counters().refused_descriptors.value(),
        });
    }
    return out;
}

std::vector<SessionStatus> Gateway::sessions(const SessionQuery& query) const {
    const auto is_meant = [&query](const broker::Session& session) {
        return (query.device.empty() || session.device() == query.device) &&
               (query.name.empty() || session.device() == query.name ||
                session.client_id() == query.name) &&
               (session.online() || !query.only_online) && session.client_id() > query.after;
    };
    Guarded<std::vector<SessionStatus>> all;
    impl_->on_every_shard([&](GatewayShard& part) {
        std::vector<const broker::Session*> meant;
        part.broker.for_each_session([&](const broker::Session& session) {
            if (is_meant(session)) {
                meant.push_back(&session);
            }
        });
        const auto count = std::min(meant.size(), query.limit);
        const auto end = meant.begin() + static_cast<std::ptrdiff_t>(count);
        std::ranges::partial_sort(meant, end, {}, [](const auto* each) -> const std::string& {
            return each->client_id();
        });
        std::vector<SessionStatus> here;
        std::for_each(meant.begin(), end, [&](const broker::Session* session) {
            here.push_back(status_of(*session));
            if (query.with_filters) {
                here.back().filters = filters_of(*session);
            }
        });
        all.with([&](auto& list) { std::ranges::move(here, std::back_inserter(list)); });
    });
    auto out = all.with([](auto& list) { return std::move(list); });
    std::ranges::sort(out, {}, &SessionStatus::client_id);
    out.resize(std::min(out.size(), query.limit));
    return out;
}

Kicked Gateway::kick(std::string_view client_id) {
    std::atomic<bool> found{false};
    std::atomic<bool> kicked{false};
    impl_->on_every_shard([&](GatewayShard& part) {
        std::vector<std::uint64_t> meant;
        part.broker.for_each_session([&](const broker::Session& session) {
            if (session.client_id() == client_id) {
                meant.push_back(session.id());
            }
        });
        for (const auto id : meant) {
            found = true;
            if (part.broker.kick(*part.broker.find(id))) {
                kicked = true;
            }
        }
    });
    if (kicked) {
        return Kicked::yes;
    }
    return found ? Kicked::was_offline : Kicked::no_session;
}

Gateway::Messages Gateway::messages() const {
    const SteadyTime now = impl_->clock.steady();
    Messages messages;
    for (const auto& part : impl_->parts) {
        MessageTotals totals;
        const auto rates = part->rates.with([&](const MessageRates& all) {
            totals = part->totals();  // Not before the newest sample.
            return all.per_second(now, totals);
        });
        messages.totals.in += totals.in;
        messages.totals.out += totals.out;
        messages.rates.in += rates.in;
        messages.rates.out += rates.out;
    }
    return messages;
}

std::array<std::uint64_t, model::kQueueLimits> Gateway::queue_limits() const {
    std::array<std::uint64_t, model::kQueueLimits> lost{};
    for (const auto& part : impl_->parts) {
        for (std::size_t limit = 0; limit < lost.size(); ++limit) {
            lost[limit] += part->metrics.queue_limits[limit].value();
        }
    }
    return lost;
}

std::vector<RuleStatus> Gateway::rules() const {
    const auto routes = impl_->routes.with([](const auto& current) { return current; });
    const auto now = configuration();
    std::vector<RuleStatus> out;
    for (const rules::Rule& rule : routes->rules->rules()) {
        RuleStatus status{.name = std::string{rule.name()}};
        pipeline::LastFailure::Failure newest;
        for (const auto& shard : routes->metrics) {
            const pipeline::RuleMetrics& counted = *shard[rule.index()];
            status.matched += counted.matched.value();
            status.passed += counted.passed.value();
            status.turned_down += counted.turned_down.value();
            status.undefined += counted.undefined.value();
            status.duplicates += counted.duplicates.value();
            status.broken += counted.broken.value();
            status.failed += counted.failed.value();
            status.held_back += counted.held_back.value();
            status.steps += counted.steps.value();
            status.timed += counted.timed.value();
            status.timed_ns += counted.timed_ns.value();
            if (const auto last = counted.last_failure.get(); last.time_ms > newest.time_ms) {
                newest = last;
            }
        }
        if (newest.reason != model::Reason::none) {
            status.last_error = text_of(newest, rule);
            status.last_error_ms = newest.time_ms;
        }
        const rules::Rule* const configured = now->rules->find(rule.name());
        status.is_paused = configured != nullptr && configured->definition().enabled &&
                           !rule.definition().enabled;
        out.push_back(std::move(status));
    }
    return out;
}

std::vector<archive::ArchiveStatus> Gateway::archives() const {
    return impl_->archives.status();
}

std::vector<why::Decision> Gateway::decisions(std::string_view device) const {
    Guarded<std::vector<why::Decision>> all;
    impl_->on_every_shard([&](GatewayShard& part) {
        auto here = part.decisions.of(device);
        all.with([&](auto& list) { std::ranges::move(here, std::back_inserter(list)); });
    });
    auto out = all.with([](auto& list) { return std::move(list); });
    std::ranges::stable_sort(out, {}, &why::Decision::first);
    return out;
}

}  // namespace weir::app
