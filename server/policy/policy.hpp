/// A policy as data: what one file grants and refuses, and to whom. Made by parse_policy(), judged
/// through a PolicySet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/document/readers.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/reason.hpp>
#include <weir/policy/pattern.hpp>

namespace weir::policy {

enum class Effect : std::uint8_t { allow, deny };

/// What a rule is about. No right includes another, but that an allowed subscription without a
/// `receive` of its own is parsed into two rules.
enum class Right : std::uint8_t { connect, publish, subscribe, receive };
inline constexpr std::size_t kRights = 4;

/// Which publishes a rule is about.
enum class Retained : std::uint8_t {
    any,
    never,  ///< Only those without RETAIN: an allow that does not say `retain: true`.
    only,   ///< Only those with RETAIN: a deny that says `retain: true`.
};

[[nodiscard]] std::string_view name(Effect effect) noexcept;
[[nodiscard]] std::string_view name(Right right) noexcept;

struct Rule {
    Effect effect = Effect::deny;
    Right right = Right::connect;
    Retained retained = Retained::any;
    Pattern pattern = {};
    std::string text = {};      ///< The pattern as written.
    model::Source source = {};  ///< Where it is written.
};

/// What happens to a device that does what it may not. In the order of strictness; the strictest of
/// a device's policies holds.
enum class OnViolation : std::uint8_t {
    drop,        ///< Not done, but acknowledged as if it were; `why` shows it.
    nack,        ///< Refused with a reason code where the protocol has one (MQTT 5, AMQP), else as
                 ///< `drop`.
    disconnect,  ///< The connection ends.
};

/// Per-device limits are for devices: an application's are lifted.
enum class Standing : std::uint8_t { device, application };

/// Nothing: not limited by this policy. Of several policies the slower rate holds.
struct Rates {
    std::optional<document::Rate> publish_rate = {
    };  ///< Messages in; an amount of model::kUnlimited if written `unlimited`.
    std::optional<document::Rate> byte_rate = {};  ///< Topic and payload bytes in; likewise.

    friend bool operator==(const Rates&, const Rates&) = default;
};

/// Whom a policy applies to without being attached: every list that is not empty must contain the
/// principal's value.
struct Match {
    std::vector<std::string> things = {};
    std::vector<std::string> thing_types = {};
    std::vector<std::string> groups = {};  ///< One of the principal's groups is enough.
    bool anonymous = false;                ///< Peers without any identity; excludes the lists.

    [[nodiscard]] bool applies_to(const model::Principal& principal) const noexcept;
};

struct Policy {
    std::string name;
    model::Source source;
    std::optional<Match> match;  ///< Nothing: only by attachment.
    std::vector<Rule> rules;
    std::optional<OnViolation> on_violation;
    Standing standing = Standing::device;
    Rates rates;
};

}  // namespace weir::policy
