#include <weir/broker/subscriptions.hpp>

#include <algorithm>
#include <utility>

namespace weir::broker {
namespace {

[[nodiscard]] auto place_of(const auto& few, std::string_view filter) noexcept {
    return std::ranges::find_if(few, [filter](const auto& each) { return each->filter == filter; });
}

}  // namespace

Subscription* Subscriptions::find(std::string_view filter) const noexcept {
    if (many_) {
        const auto found = many_->find(filter);
        return found == many_->end() ? nullptr : found->second.get();
    }
    const auto found = place_of(few_, filter);
    return found == few_.end() ? nullptr : found->get();
}

Subscription& Subscriptions::insert(std::unique_ptr<Subscription> subscription) {
    if (!many_ && few_.size() == kFewMax) {
        many_ = std::make_unique<ByFilter>();
        for (auto& each : std::exchange(few_, {})) {
            const std::string_view filter = each->filter;
            many_->emplace(filter, std::move(each));
        }
    }
    Subscription& inserted = *subscription;
    if (many_) {
        many_->emplace(std::string_view{inserted.filter}, std::move(subscription));
    } else {
        few_.push_back(std::move(subscription));
    }
    return inserted;
}

std::unique_ptr<Subscription> Subscriptions::take(std::string_view filter) {
    std::unique_ptr<Subscription> taken;
    if (many_) {
        if (const auto found = many_->find(filter); found != many_->end()) {
            taken = std::move(found->second);
            many_->erase(found);
        }
        if (many_->empty()) {
            many_.reset();
        }
    } else if (const auto found = place_of(few_, filter); found != few_.end()) {
        taken = std::move(few_[static_cast<std::size_t>(found - few_.begin())]);
        few_.erase(found);
    }
    return taken;
}

}  // namespace weir::broker
