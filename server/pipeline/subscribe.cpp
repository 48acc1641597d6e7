#include <weir/pipeline/subscribe.hpp>

#include <utility>

#include <weir/rules/evaluator.hpp>

namespace weir::pipeline {

using model::Reason;
using model::Verdict;

namespace {

/// @param filter  Maybe of a shared subscription.
[[nodiscard]] bool is_within_basic_ingest(std::string_view filter) noexcept {
    constexpr std::string_view kShare = "$share/";
    if (filter.starts_with(kShare)) {
        const auto group_end = filter.find('/', kShare.size());
        filter = group_end == std::string_view::npos ? filter : filter.substr(group_end + 1);
    }
    return filter.starts_with(rules::kBasicIngestPrefix);
}

}  // namespace

void subscribe(
    broker::Broker& broker,
    broker::Session& session,
    const model::Limits& limits,
    std::span<const broker::SubscribeRequest> requests,
    std::move_only_function<void(std::span<const Verdict>)> done
) {
    auto& [clock, metrics, decisions] = broker.context();
    std::vector<Verdict> verdicts;
    std::vector<broker::SubscribeRequest> granted;
    std::size_t count = session.subscriptions().size();
    for (const auto& request : requests) {
        // What is published to a rule by name is for that rule alone.
        Verdict verdict = is_within_basic_ingest(request.filter)
                              ? Verdict{Reason::subscribe_denied}
                              : session.policies().subscribe(session.subject(), request.filter);
        const bool is_new = session.subscriptions().find(request.filter) == nullptr;
        if (verdict.accepted() && is_new && count >= limits.subscriptions) {
            verdict = {Reason::subscriptions_limit};
        }
        verdicts.push_back(verdict);
        if (verdict.accepted()) {
            granted.push_back(request);
            count += is_new ? 1 : 0;
        } else {
            metrics.refuse(verdict.reason);
            decisions.record(
                session.who(),
                model::Action::subscribe,
                verdict.reason,
                clock.wall(),
                request.filter,
                verdict.source
            );
        }
    }
    broker.subscribe(
        session,
        granted,
        [verdicts = std::move(verdicts), done = std::move(done)](bool stored) mutable {
            for (Verdict& verdict : verdicts) {
                if (!stored && verdict.accepted()) {
                    verdict = {Reason::storage_failed};
                }
            }
            done(verdicts);
        }
    );
}

}  // namespace weir::pipeline
