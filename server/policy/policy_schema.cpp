#include <weir/policy/policy_schema.hpp>

#include <weir/policy/policy_file.hpp>

namespace weir::policy {

// clang-format off
const document::Schema& schema() {
    using enum document::Type;
    static const document::Schema keys = {
        {.path = "policy", .type = text, .min = 1, .max = kNameBytesMax, .required = true, .help = "Name by which devices are attached to it: letters, digits, '.', '_' and '-'."},

        {.path = "match", .type = mapping, .help = "Whom it applies to without being attached: all keys that are given must hold. Without it, only where it is attached."},
        {.path = "match.thing", .type = texts, .help = "Names of devices."},
        {.path = "match.thing_type", .type = texts, .help = "Types of devices."},
        {.path = "match.group", .type = texts, .help = "Groups; a device that is in one of them is meant."},
        {.path = "match.anonymous", .type = boolean, .fallback = "false", .help = "Peers without any credential; excludes the other keys."},

        {.path = "allow", .type = list, .max = kRulesMax, .help = "What is permitted; all else is refused. An entry names one right or more."},
        {.path = "allow[].connect", .type = texts, .help = "Client ids; '*' stands for any run of characters."},
        {.path = "allow[].publish", .type = texts, .help = "Filters of topics to publish to, wills included."},
        {.path = "allow[].subscribe", .type = texts, .help = "Filters; a subscription must lie within one of them. Permits to receive there too, unless the entry has a receive."},
        {.path = "allow[].receive", .type = texts, .help = "Filters of topics whose messages may be delivered."},
        {.path = "allow[].retain", .type = boolean, .fallback = "false", .help = "Whether publish of this entry takes messages with RETAIN too."},
        {.path = "allow[].shared", .type = boolean, .fallback = "false", .help = "Says that the devices share these names on purpose: no warning WEIR-0203. Nothing to do with $share."},

        {.path = "deny", .type = list, .max = kRulesMax, .help = "What is refused, whatever any policy allows."},
        {.path = "deny[].connect", .type = texts, .help = "Client ids; '*' stands for any run of characters."},
        {.path = "deny[].publish", .type = texts, .help = "Filters of topics, wills included."},
        {.path = "deny[].subscribe", .type = texts, .help = "Filters; a subscription that could match a topic of one of them is refused."},
        {.path = "deny[].receive", .type = texts, .help = "Filters of topics whose messages are not delivered."},
        {.path = "deny[].retain", .type = boolean, .help = "true: publish of this entry is about messages with RETAIN only. Left out: about all."},

        {.path = "on_violation", .type = word, .fallback = "nack", .words = {"drop", "nack", "disconnect"}, .help = "What a refused publish leads to; of several policies the strictest holds. drop: acknowledged, not done; nack: a reason code where the protocol has one, else as drop; disconnect: the connection ends."},
        {.path = "standing", .type = word, .fallback = "device", .words = {"device", "application"}, .help = "application lifts the rates of the listener."},
        {.path = "limits", .type = mapping, .help = "How fast a device may publish; of several policies and the listener the slower holds."},
        {.path = "limits.publish_rate", .type = rate, .words = {"unlimited"}, .help = "Messages: 20/s."},
        {.path = "limits.byte_rate", .type = rate, .words = {"unlimited"}, .help = "Bytes of topics and payloads: 64KiB/s."},
    };
    return keys;
}
// clang-format on

}  // namespace weir::policy
