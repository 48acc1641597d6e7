#include <weir/policy/codes.hpp>

#include <array>

namespace weir::policy {
namespace {

using document::CodeInfo;

constexpr std::array kCodes = {
    CodeInfo{
        code::kBadPattern,
        "a topic filter or client id pattern is not valid",
        "Publish, subscribe and receive take MQTT topic filters: '+' stands for one level, '#' for "
        "all that follow and only at "
        "the end. Variables stand in braces; write {{ or }} for a brace of the topic itself."
    },
    CodeInfo{
        code::kEveryClientId,
        "connect with {client_id} compares the client id with itself",
        "The client id is whatever the peer says. Compared with itself it always matches, so that "
        "a device could connect under "
        "the id of every other one. Tie it to the registry name: connect: \"{thing}\"."
    },
    CodeInfo{
        code::kWide,
        "an allow with a wildcard is not tied to the device",
        "Every device to which the policy applies could publish, or connect, as any other. Put "
        "{thing} into the pattern. If "
        "the devices really share these names, say so with `shared: true` in the same entry."
    },
    CodeInfo{
        code::kStar,
        "'*' is an ordinary character in a topic filter",
        "Native policies use the wildcards of MQTT: '+' for one level and '#' for all that follow. "
        "'*' is a wildcard only in "
        "client ids."
    },
    CodeInfo{
        code::kEmptyMatch,
        "the match selects nobody or everybody by accident",
        "`match` needs at least one of thing, thing_type, group (all that are given must hold) or "
        "`anonymous: true` alone. "
        "Leave `match` out for a policy that only applies where it is attached."
    },
    CodeInfo{
        code::kNoRight,
        "the entry grants or denies nothing",
        "Each entry of allow and deny names at least one of connect, publish, subscribe, receive."
    },
    CodeInfo{
        code::kSameName,
        "two policy files use one name",
        "Attachments refer to policies by name, so every name is used by one file only."
    },
    CodeInfo{
        code::kRetain,
        "retain does not fit the entry",
        "`retain` belongs to publish. `retain: true` in an allow permits retained publishes too; "
        "in a deny it restricts the "
        "entry to retained publishes."
    },
    CodeInfo{
        code::kUnboundClientId,
        "{client_id} is used, but the policy does not bind the client id to the device",
        "A peer chooses its client id. Unless connect is limited to ids that contain {thing}, a "
        "device can take the place of "
        "another one in this line. Use {thing} instead."
    },
    CodeInfo{
        code::kTooManyRules,
        "the policy has too many lines",
        "A policy holds at most 1,000 patterns, each of which may be compared for each message. "
        "Use wildcards and variables."
    },
    CodeInfo{
        code::kBadName,
        "the policy's name is not valid",
        "Names have 1 to 128 letters, digits, '.', '_' and '-'."
    },
};

}  // namespace

std::span<const document::CodeInfo> codes() noexcept {
    return kCodes;
}

}  // namespace weir::policy
