// Live messages, as operators see them: every shard keeps its own for them.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "gateway_impl.hpp"

namespace weir::app {
namespace {

constexpr std::size_t kTapsMax = 4;

}  // namespace

std::optional<std::string> Gateway::open_tap(model::TapQuery query) {
    Impl& impl = *impl_;
    const SteadyTime now = impl.clock.steady();
    const auto tap = std::make_shared<pipeline::Tap>(std::move(query), impl.parts.size(), now);
    auto id = impl.taps.with([&](Impl::OpenTaps& open) -> std::optional<std::string> {
        std::erase_if(open.by_id, [now](const auto& each) {
            return each.second->is_abandoned(now);
        });
        if (open.by_id.size() >= kTapsMax) {
            return std::nullopt;
        }
        return open.by_id.emplace(fmt::to_string(++open.last), tap).first->first;
    });
    if (id) {
        impl.on_every_shard([&tap](GatewayShard& shard) { shard.publisher.taps().open(tap); });
    }
    return id;
}

std::optional<model::TapPage> Gateway::read_tap(const std::string& id) {
    Impl& impl = *impl_;
    const SteadyTime now = impl.clock.steady();
    const auto tap = impl.taps.with([&id](const Impl::OpenTaps& open) {
        const auto found = open.by_id.find(id);
        return found == open.by_id.end() ? nullptr : found->second;
    });
    if (tap == nullptr || tap->is_abandoned(now)) {
        return std::nullopt;
    }
    tap->was_read(now);
    model::TapPage page{.is_open = !tap->is_closed(now)};
    std::vector<std::vector<model::Tapped>> parts(impl.parts.size());
    impl.on_every_shard([&](GatewayShard& shard) {
        const auto number = index_of(shard.shard.id());
        parts[number] = tap->hand_out(static_cast<unsigned>(number));
    });
    for (auto& part : parts) {
        std::ranges::move(part, std::back_inserter(page.messages));
    }
    std::ranges::stable_sort(page.messages, {}, &model::Tapped::time);
    page.over_messages = tap->over_messages();
    page.over_bytes = tap->over_bytes();
    return page;
}

void Gateway::close_tap(const std::string& id) {
    Impl& impl = *impl_;
    const auto tap = impl.taps.with([&id](Impl::OpenTaps& open) {
        auto node = open.by_id.extract(id);
        return node ? std::move(node.mapped()) : nullptr;
    });
    if (tap != nullptr) {
        impl.on_every_shard([&tap](GatewayShard& shard) { shard.publisher.taps().close(*tap); });
    }
}

}  // namespace weir::app
