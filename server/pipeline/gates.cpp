#include <weir/pipeline/gates.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace weir::pipeline {

std::optional<std::uint64_t> RateGate::admit(const document::Rate& rate, SteadyTime now) noexcept {
    const std::int64_t now_us = now.count() * 1'000;
    const std::int64_t per_us = rate.per.count() * 1'000;
    const std::int64_t cost_us = std::max<std::int64_t>(
        per_us / static_cast<std::int64_t>(std::min<std::uint64_t>(rate.amount, 1'000'000)), 1
    );
    auto next = next_us_.load(std::memory_order_relaxed);
    for (;;) {
        const auto after = std::max(next, now_us) + cost_us;
        if (after - now_us > per_us) {
            held_back_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
        if (next_us_.compare_exchange_weak(next, after, std::memory_order_relaxed)) {
            return held_back_.exchange(0, std::memory_order_relaxed);
        }
    }
}

AlertGate::Decision AlertGate::decide(
    std::string_view key, std::chrono::milliseconds interval, SteadyTime now
) {
    const std::size_t part = TextHash{}(key) % kParts;
    return parts_[part].with([&](Entries& entries) {
        Decision decision{.part = part, .key = std::string{key}};
        auto found = entries.find(key);
        if (found == entries.end() && entries.size() >= kKeysMax / kParts) {
            // What passed its interval and has nothing to tell is as good as new.
            boost::unordered::erase_if(entries, [&](const auto& each) {
                return each.second.held_back == 0 && each.second.last + interval <= now;
            });
            if (entries.size() >= kKeysMax / kParts) {
                decision.key.clear();
                found = entries.find(decision.key);
            }
        }
        if (found == entries.end()) {
            entries.emplace(decision.key, Entry{.last = now});
            decision.admitted = true;
            return decision;
        }
        Entry& entry = found->second;
        decision.was_there = true;
        decision.before = entry.last;
        if (now < entry.last + interval) {
            ++entry.held_back;
            return decision;
        }
        decision.admitted = true;
        decision.held_back = std::exchange(entry.held_back, 0);
        entry.last = now;
        return decision;
    });
}

void AlertGate::undo(const Decision& decision) {
    parts_[decision.part].with([&](Entries& entries) {
        const auto found = entries.find(decision.key);
        if (found == entries.end()) {
            return;
        }
        Entry& entry = found->second;
        if (!decision.admitted) {
            entry.held_back -= entry.held_back == 0 ? 0 : 1;
        } else if (decision.was_there) {
            entry.last = decision.before;
            entry.held_back += decision.held_back;
        } else {
            entries.erase(found);
        }
    });
}

std::size_t RuleGates::index_of(const rules::Rule& rule, const rules::Action& action) noexcept {
    const auto actions = rule.actions();
    const std::less_equal<> le;
    const bool is_one =
        !actions.empty() && le(&actions.front(), &action) && le(&action, &actions.back());
    return is_one ? static_cast<std::size_t>(&action - actions.data()) : actions.size();
}

}  // namespace weir::pipeline
