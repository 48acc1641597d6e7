// Retained messages, as operators see them: each shard is asked for its own, a page at a time.
#include <algorithm>
#include <iterator>
#include <utility>

#include <weir/base/topic.hpp>

#include "gateway_impl.hpp"

namespace weir::app {
namespace {

[[nodiscard]] RetainedStatus status_of(const broker::Retained& retained) {
    const model::Message& message = *retained.message;
    return {
        .topic = std::string{message.topic()},
        .bytes = message.payload().size(),
        .qos = static_cast<unsigned>(message.qos()),
        .publisher = retained.publisher ? retained.publisher->thing : std::string{},
        .client_id = retained.client_id,
        .created = message.created(),
        .expires = message.expires(),
    };
}

}  // namespace

RetainedList Gateway::retained(const RetainedQuery& query) const {
    struct Part {
        std::string after;
        std::vector<RetainedStatus> found = {};
        bool is_read = false;
    };
    const Impl& impl = *impl_;
    std::vector<Part> parts(impl.parts.size(), {.after = query.after});
    while (impl.running && !std::ranges::all_of(parts, &Part::is_read)) {
        impl.on_every_shard([&](GatewayShard& shard) {
            Part& part = parts[index_of(shard.shard.id())];
            if (part.is_read) {
                return;
            }
            const auto page = shard.broker.retained().collect(
                query.filter, part.after, shard.clock.wall(), broker::RetainedStore::kPageLooks
            );
            std::ranges::transform(page.found, std::back_inserter(part.found), status_of);
            part.after = page.last;
            part.is_read = page.last.empty() || part.found.size() > query.limit;
        });
    }
    RetainedList list;
    for (auto& part : parts) {
        std::ranges::move(part.found, std::back_inserter(list.messages));
    }
    std::ranges::sort(list.messages, broker::RetainedStore::comes_before, &RetainedStatus::topic);
    list.goes_on = list.messages.size() > query.limit;
    list.messages.resize(std::min(list.messages.size(), query.limit));
    return list;
}

RetainedCleared Gateway::clear_retained(const RetainedQuery& query) {
    const Impl& impl = *impl_;
    const RetainedList list = retained(query);
    if (list.messages.empty()) {
        return {};
    }
    const auto shards = static_cast<unsigned>(impl.parts.size());
    std::vector<std::vector<std::string>> topics(shards);
    for (const auto& message : list.messages) {
        topics[broker::Broker::owner_of_topic(message.topic, shards)].push_back(message.topic);
    }
    std::atomic<std::size_t> cleared{0};
    std::atomic<bool> all_stored{true};
    std::latch done{static_cast<std::ptrdiff_t>(shards)};
    impl.on_every_shard(
        [&](GatewayShard& shard) {
            cleared += shard.broker.clear_retained(
                topics[index_of(shard.shard.id())],
                [&](bool stored) {
                    if (!stored) {
                        all_stored = false;
                    }
                    done.count_down();
                }
            );
        },
        [&done] { done.wait(); }
    );
    return {
        .messages = cleared,
        .last = list.goes_on ? list.messages.back().topic : std::string{},
        .stored = all_stored,
    };
}

}  // namespace weir::app
