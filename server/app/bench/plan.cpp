#include <weir/bench/plan.hpp>

#include <fmt/format.h>

namespace weir::bench {
namespace {

/// The filter with that number, of twenty: 14 are exact, 3 have '+' at the third level, 1 has it at
/// the second, 2 end in '#'.
std::string wild_filter(const std::string& prefix, std::uint32_t number, std::uint32_t sites) {
    const auto site = number % sites;
    const auto kind = number / sites % 20;
    if (kind < 14) {
        return fmt::format("{}/w/s{}/d{}/temp", prefix, site, number);
    }
    if (kind < 17) {
        return fmt::format("{}/w/s{}/+/x{}", prefix, site, number);
    }
    if (kind < 18) {
        return fmt::format("{}/w/+/q{}/temp", prefix, number);
    }
    return fmt::format("{}/w/s{}/h{}/#", prefix, site, number);
}

/// A topic that matches the filter with that number and no other.
std::string wild_topic(const std::string& prefix, std::uint32_t number, std::uint32_t sites) {
    const auto site = number % sites;
    const auto kind = number / sites % 20;
    const auto any = number * 2'654'435'761U >> 16U;  // For levels that match anything.
    if (kind < 14) {
        return fmt::format("{}/w/s{}/d{}/temp", prefix, site, number);
    }
    if (kind < 17) {
        return fmt::format("{}/w/s{}/r{}/x{}", prefix, site, any % 10'000, number);
    }
    if (kind < 18) {
        return fmt::format("{}/w/s{}/q{}/temp", prefix, any % sites, number);
    }
    return fmt::format("{}/w/s{}/h{}/a{}/b", prefix, site, number, any % 100);
}

}  // namespace

Plan::Counts Plan::counts_of(const Options& options) noexcept {
    switch (options.scenario) {
        case Scenario::pairs:
        case Scenario::ping_pong:
            return {.publishers = options.pairs, .subscribers = options.pairs};
        case Scenario::fan_in:
        case Scenario::wild:
            return {.publishers = options.publishers, .subscribers = options.subscribers};
        case Scenario::fan_out:
            return {.publishers = 1, .subscribers = options.subscribers};
        case Scenario::connects:
        case Scenario::idle:
            break;
    }
    return {.idle = options.connections};
}

Plan::Plan(const Options& options)
    : counts_{counts_of(options)},
      sites_{options.sites},
      has_pairs_{options.scenario == Scenario::pairs || options.scenario == Scenario::ping_pong},
      scenario_{options.scenario},
      prefix_{options.topic_prefix},
      share_{options.share} {
    if (scenario_ == Scenario::wild) {
        any_topic_ = true;
        whole_flows_ = false;
        filters_of_each_ = options.filters;
        const auto filters = counts_.subscribers * filters_of_each_;
        topics_.reserve(filters);
        for (std::uint32_t i = 0; i < filters; ++i) {
            topics_.push_back(wild_topic(prefix_, i, sites_));
        }
        return;
    }
    if (!has_pairs_) {
        copies_ = share_.empty() ? counts_.subscribers : 1;
        whole_flows_ = share_.empty();
    }
    for (std::uint32_t i = 0; i < counts_.publishers; ++i) {
        topics_.push_back(fmt::format("{}/{}/{}", prefix_, name(scenario_), i));
    }
}

std::span<const std::string> Plan::topics_of(std::uint32_t publisher) const noexcept {
    return any_topic_ ? std::span{topics_} : std::span{topics_}.subspan(publisher, 1);
}

std::string Plan::filter(std::uint32_t subscriber, std::uint32_t number) const {
    if (scenario_ == Scenario::wild) {
        return wild_filter(prefix_, subscriber * filters_of_each_ + number, sites_);
    }
    if (has_pairs_) {
        return topics_[subscriber];
    }
    if (scenario_ == Scenario::fan_out) {
        return topics_.front();
    }
    const auto group = share_.empty() ? std::string{} : fmt::format("$share/{}/", share_);
    return fmt::format("{}{}/{}/#", group, prefix_, name(scenario_));
}

}  // namespace weir::bench
