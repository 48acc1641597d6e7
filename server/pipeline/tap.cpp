#include <weir/pipeline/tap.hpp>

#include <algorithm>
#include <utility>

namespace weir::pipeline {

Tap::Tap(model::TapQuery query, std::size_t shards, SteadyTime now)
    : query_{std::move(query)},
      ends_{now + query_.valid},
      kept_(shards),
      read_ms_{now.count()} {}

bool Tap::wants(std::string_view topic) const noexcept {
    return std::ranges::any_of(query_.filters, [&](const std::string& filter) {
        return filter_matches(filter, topic, query_.profile);
    });
}

bool Tap::admit(const model::Message& message, SteadyTime now) noexcept {
    const auto second = std::chrono::floor<std::chrono::seconds>(now).count();
    auto counted = second_.load();
    if (second > counted && second_.compare_exchange_strong(counted, second)) {
        messages_ = 0;
        bytes_ = 0;
    }
    if (messages_++ >= query_.messages_per_s) {
        ++over_messages_;
        return false;
    }
    const auto bytes = message.footprint();
    auto taken = bytes_.load();
    do {
        if (taken + bytes > query_.bytes_per_s) {
            ++over_bytes_;
            return false;
        }
    } while (!bytes_.compare_exchange_weak(taken, taken + bytes));
    return true;
}

void Tap::keep(unsigned shard, model::Tapped&& tapped) {
    kept_[shard].push_back(std::move(tapped));
}

std::vector<model::Tapped> Tap::hand_out(unsigned shard) noexcept {
    return std::exchange(kept_[shard], {});
}

void Tap::was_read(SteadyTime now) noexcept {
    read_ms_ = now.count();
}

bool Tap::is_abandoned(SteadyTime now) const noexcept {
    return now >= SteadyTime{read_ms_} + kPatience;
}

void Taps::close(const Tap& tap) {
    std::erase_if(taps_, [&](const auto& open) { return open.get() == &tap; });
}

void Taps::take(
    const Origin& origin, const model::MessagePtr& message, SteadyTime now, WallTime wall
) {
    for (const auto& tap : taps_) {
        if (tap->is_closed(now) || tap->is_abandoned(now) || !tap->wants(message->topic()) ||
            !tap->admit(*message, now)) {
            continue;
        }
        const bool is_mqtt = message->protocol() == model::Protocol::mqtt;
        tap->keep(
            shard_,
            {
                .time = wall,
                .message = message,
                .principal = origin.principal,
                .client_id = std::string{is_mqtt ? origin.subject.client_id : std::string_view{}},
                .device = std::string{origin.device},
                .source_ip = std::string{origin.source_ip},
            }
        );
    }
}

void Taps::advance(SteadyTime now) {
    std::erase_if(taps_, [this, now](const auto& tap) {
        const bool is_abandoned = tap->is_abandoned(now);
        if (is_abandoned) {
            static_cast<void>(tap->hand_out(shard_));
        }
        return is_abandoned;
    });
}

}  // namespace weir::pipeline
