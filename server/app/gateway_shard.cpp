#include "gateway_shard.hpp"

#include <utility>


namespace weir::app {
namespace {

constexpr std::chrono::seconds kEverySecond{1};

}  // namespace

bool ShardPeers::try_send(unsigned shard, runtime::Task& work) noexcept {
    return waiting_[shard].empty() &&
           shard_.try_send(runtime::ShardId{static_cast<std::uint16_t>(shard)}, std::move(work));
}

void ShardPeers::send(unsigned shard, runtime::Task work) {
    if (try_send(shard, work)) {
        return;
    }
    waiting_[shard].push_back(std::move(work));
    if (waiting_[shard].size() == 1) {
        shard_.when_room(runtime::ShardId{static_cast<std::uint16_t>(shard)}, [this, shard] {
            drain(shard);
        });
    }
}

void ShardPeers::drain(unsigned shard) {
    auto& waiting = waiting_[shard];
    const runtime::ShardId to{static_cast<std::uint16_t>(shard)};
    while (!waiting.empty() && shard_.try_send(to, std::move(waiting.front()))) {
        waiting.pop_front();
    }
    if (!waiting.empty()) {
        shard_.when_room(to, [this, shard] { drain(shard); });
    }
}

namespace {

/// A shard's part of a limit for all of them; what is limited is spread by its hash.
[[nodiscard]] std::uint64_t part_of(std::uint64_t limit, std::size_t shards) noexcept {
    return limit / shards + (limit % shards == 0 ? 0 : 1);
}

}  // namespace

GatewayShard::GatewayShard(runtime::Shard& owner, unsigned number, const Shared& shared)
    : shard{owner},
      clock{owner},
      decisions{shared.decision_bytes_max},
      context{clock, metrics, decisions},
      io{owner},
      meter{SystemClock{}.wall()},
      peers{owner, shared.brokers.size()},
      journal{shared.store, [&owner](runtime::Task work) { owner.post(std::move(work)); }},
      broker{
          context,
          journal,
          {shared.brokers, &peers, number},
          part_of(shared.limits.retained_messages, shared.brokers.size()),
          part_of(shared.limits.sessions, shared.brokers.size())
      },
      connections{io},
      publisher{{
          .broker = broker,
          .meter = meter,
          .limits = shared.limits,
          .shard = number,
          .publishers = shared.publishers,
          .peers = &peers,
      }},
      services{
          .shard = owner,
          .io = io,
          .self = number,
          .shards = static_cast<unsigned>(shared.brokers.size()),
          .broker = broker,
          .publisher = publisher,
          .meter = meter,
          .registry = shared.registry,
          .mechanisms = shared.mechanisms,
          .pool = shared.pool,
          .connections = connections,
          .all = shared.services,
      },
      status{broker, shared.status},
      store_{shared.store},
      ledger_{shared.ledger},
      registry_{shared.registry},
      registry_version_{shared.registry.version()} {
    broker.bind(publisher);
    broker.bind(connections);
    connections.bind(services);
}

MessageTotals GatewayShard::totals() const noexcept {
    MessageTotals totals{.out = metrics.redelivered.value()};
    for (const Counter& counter : metrics.received) {
        totals.in += counter.value();
    }
    for (const Counter& counter : metrics.delivered) {
        totals.out += counter.value();
    }
    return totals;
}

void GatewayShard::start() {
    rates.with([this](MessageRates& all) { all.sample(shard.now(), totals()); });
    shard.coarse_timers().arm(*this, shard.now() + kEverySecond);
}

void GatewayShard::flush_usage(std::move_only_function<void()> done) {
    next_flush_.push_back(std::move(done));
    begin_flush();
}

void GatewayShard::begin_flush() {
    if (meter.draining()) {
        return;  // The next one begins when this one is over.
    }
    flush_ = std::exchange(next_flush_, {});
    flush_some();
}

void GatewayShard::flush_some() {
    storage::Batch batch;
    if (!meter.drain(batch)) {
        end_flush();
        return;
    }
    ledger_.stamp(batch, shard.wall_now());
    store_.submit(std::move(batch), [this](const Result<storage::CommitInfo>& outcome) {
        shard.post([this, committed = outcome.has_value()] {
            if (meter.drained(committed)) {
                flush_some();
            } else {
                end_flush();
            }
        });
    });
}

void GatewayShard::end_flush() {
    for (auto& done : std::exchange(flush_, {})) {
        done();
    }
    if (!next_flush_.empty()) {
        begin_flush();
    }
}

std::optional<SteadyTime> GatewayShard::on_deadline(SteadyTime now) noexcept {
    rates.with([&](MessageRates& all) { all.sample(now, totals()); });
    meter.tick(shard.wall_now());
    begin_flush();
    broker.advance();
    status.tick(now, shard.wall_now());
    publisher.advance();
    if (const auto version = registry_.version(); version != registry_version_) {
        registry_version_ = version;
        broker.apply_principals([this](const model::PrincipalPtr& principal) -> broker::Refreshed {
            auto known = registry_.refresh(principal);
            if (known) {
                return {.principal = std::move(*known)};
            }
            const bool is_disabled = known.error() == identity::errc::device_disabled;
            return {
                .reason = is_disabled ? model::Reason::device_disabled
                                      : model::Reason::credential_removed};
        });
    }
    return now + kEverySecond;
}

}  // namespace weir::app
