/// The policies that apply to one device, ready to be asked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <weir/policy/evaluator.hpp>
#include <weir/policy/policy.hpp>

namespace weir::policy {

class PolicySet;

/// Immutable. Devices to which the same policies apply share one; it keeps the PolicySet that it
/// came from alive. Every question: default deny; a matching deny wins over every allow, in
/// whatever order and file they stand. The source of the verdict is the deciding line or, for a
/// refusal by default, the allow that came closest; it lives as long as the Bundle.
/// @threads Any. @cost No allocation; linear in the rules of that right.
class Bundle {
public:
    /// Made by PolicySet::bundle_for. `policies` are in `set`, which keeps them alive.
    Bundle(std::shared_ptr<const PolicySet> set, std::vector<const Policy*> policies);

    /// client_id_invalid for an id with `+ # *` or control characters: inside a filter it would be
    /// more than one name.
    [[nodiscard]] model::Verdict connect(const Subject& subject) const noexcept;
    /// publish_denied, or retain_denied if only the RETAIN flag is in the way.
    [[nodiscard]] model::Verdict publish(
        const Subject& subject, std::string_view topic, bool retain
    ) const noexcept;
    /// Granted only if one allowed filter covers `filter` whole and no denied one overlaps it.
    /// Takes "$share/group/filter".
    [[nodiscard]] model::Verdict subscribe(const Subject& subject, std::string_view filter)
        const noexcept;
    [[nodiscard]] model::Verdict receive(const Subject& subject, std::string_view topic)
        const noexcept;
    /// As publish, with will_denied for every refusal; topics that begin with `$` are always
    /// refused.
    [[nodiscard]] model::Verdict will(const Subject& subject, std::string_view topic, bool retain)
        const noexcept;

    /// `nack` if no policy says.
    [[nodiscard]] OnViolation on_violation() const noexcept { return on_violation_; }
    /// `application` if one of the policies says so.
    [[nodiscard]] Standing standing() const noexcept { return standing_; }
    [[nodiscard]] const Rates& rates() const noexcept { return rates_; }
    /// In the order of their names.
    [[nodiscard]] const std::vector<const Policy*>& policies() const noexcept { return policies_; }

    [[nodiscard]] RuleList rules(Right right) const noexcept;

private:
    std::shared_ptr<const PolicySet> set_;
    std::vector<const Policy*> policies_;
    std::array<std::vector<const Rule*>, kRights> rules_;
    OnViolation on_violation_ = OnViolation::nack;
    Standing standing_ = Standing::device;
    Rates rates_;
};

using BundlePtr = std::shared_ptr<const Bundle>;

/// False for ids that could stand for more than themselves: `+ # *` or a control character. `/` is
/// legal.
[[nodiscard]] bool is_plain_client_id(std::string_view client_id) noexcept;

}  // namespace weir::policy
