/// What a subscription must pass before the broker takes it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <weir/broker/broker.hpp>
#include <weir/model/limits.hpp>

namespace weir::pipeline {

/// Asks the policy for each filter, checks the limit, and gives the broker what is granted.
///
/// @param requests  Valid filters.
/// @param done      Runs on this shard with one verdict per request when every shard knows the new filters and they are stored,
///                  if the session lasts, and before the first retained message is delivered. Never runs if the session ends before.
void subscribe(
    broker::Broker& broker,
    broker::Session& session,
    const model::Limits& limits,
    std::span<const broker::SubscribeRequest> requests,
    std::move_only_function<void(std::span<const model::Verdict>)> done
);

}  // namespace weir::pipeline
