#include <weir/policy/policy_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <weir/document/readers.hpp>
#include <weir/policy/codes.hpp>
#include <weir/policy/detail/lint.hpp>
#include <weir/policy/policy_schema.hpp>

namespace weir::policy {
namespace {

using document::Diagnostics;
using document::Node;

constexpr std::array kViolationWords = {
    document::Word<OnViolation>{"drop", OnViolation::drop},
    document::Word<OnViolation>{"nack", OnViolation::nack},
    document::Word<OnViolation>{"disconnect", OnViolation::disconnect},
};

constexpr std::array kStandingWords = {
    document::Word<Standing>{"device", Standing::device},
    document::Word<Standing>{"application", Standing::application},
};

/// The part of a scalar that an error is about; the whole scalar if escapes hide where that stands.
document::Range part_of(const Node& node, std::size_t offset, std::size_t size) {
    const auto whole = node.range();
    const auto columns = [](std::string_view text) {
        return static_cast<std::uint32_t>(std::ranges::count_if(text, [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    };
    const auto text = node.text();
    if (size == 0 || whole.begin.line != whole.end.line ||
        whole.end.column - whole.begin.column != columns(text)) {
        return whole;
    }
    auto part = whole;
    part.begin.column += columns(text.substr(0, offset));
    part.end.column = part.begin.column + columns(text.substr(offset, size));
    return part;
}

/// Reads one file; collects errors and goes on after each.
class PolicyReader {
public:
    PolicyReader(std::string_view path, Diagnostics& diagnostics)
        : path_{path}, diagnostics_{diagnostics} {}

    Policy read(const Node& root);

private:
    void read_name(const Node& root);
    void read_match(const Node& node);
    void read_entries(const Node& node, Effect effect);
    void read_entry(const Node& entry, Effect effect);
    void read_patterns(const Node& patterns, const Rule& like, bool shared, bool implies_receive);
    void read_pattern(const Node& node, Rule rule, bool shared, bool implies_receive);
    std::optional<Pattern> parse_pattern(const Node& node, Right right);
    Retained read_retain(const Node& entry, Effect effect);
    bool read_flag(const Node& entry, std::string_view key);
    std::optional<document::Rate> read_rate(const Node& limits, std::string_view key);
    std::vector<std::string> read_names(const Node& match, std::string_view key);
    [[nodiscard]] model::Source source_of(const Node& node) const {
        return {.file = std::string{path_}, .line = node.range().begin.line};
    }

    std::string_view path_;
    Diagnostics& diagnostics_;
    Policy policy_;
    detail::Lint lint_{diagnostics_};
};

Policy PolicyReader::read(const Node& root) {
    policy_.source = source_of(root);
    if (!document::expect_mapping(root, diagnostics_, "a policy")) {
        return std::move(policy_);
    }
    document::check_keys(root, diagnostics_, schema(), "", "a policy setting");
    read_name(root);
    if (const auto match = root.get("match")) {
        read_match(*match);
    }
    if (const auto allow = root.get("allow")) {
        read_entries(*allow, Effect::allow);
    }
    if (const auto deny = root.get("deny")) {
        read_entries(*deny, Effect::deny);
    }
    if (const auto node = root.get("on_violation")) {
        policy_.on_violation = document::as_enum<OnViolation>(*node, diagnostics_, kViolationWords);
    }
    if (const auto node = root.get("standing")) {
        policy_.standing = document::as_enum<Standing>(*node, diagnostics_, kStandingWords)
                               .value_or(Standing::device);
    }
    if (const auto limits = root.get("limits");
        limits && document::expect_mapping(*limits, diagnostics_, "limits")) {
        document::check_keys(*limits, diagnostics_, schema(), "limits", "a limit of a policy");
        policy_.rates = {
            .publish_rate = read_rate(*limits, "publish_rate"),
            .byte_rate = read_rate(*limits, "byte_rate")
        };
    }
    lint_.finish();
    return std::move(policy_);
}

void PolicyReader::read_name(const Node& root) {
    const auto node = document::require_key(root, diagnostics_, "policy");
    if (!node) {
        return;
    }
    policy_.source = source_of(*node);
    const auto name = document::as_string(*node, diagnostics_, {.min = 1, .max = kNameBytesMax});
    if (!name) {
        return;
    }
    constexpr std::string_view kOthers = "._-";
    const bool plain = std::ranges::all_of(*name, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kOthers.find(c) != std::string_view::npos;
    });
    if (!plain) {
        document::report(
            diagnostics_,
            *node,
            code::kBadName,
            "the name of a policy has letters, digits, '.', '_' and '-' only"
        );
        return;
    }
    policy_.name = *name;
}

std::vector<std::string> PolicyReader::read_names(const Node& match, std::string_view key) {
    std::vector<std::string> names;
    const auto value = match.get(key);
    if (!value) {
        return names;
    }
    const auto nodes = document::one_or_more(*value);
    if (nodes.empty()) {
        document::report(
            diagnostics_, *value, code::kEmptyMatch, fmt::format("'{}' is an empty list", key)
        );
    }
    for (const Node& node : nodes) {
        if (auto name = document::as_string(node, diagnostics_)) {
            names.push_back(std::move(*name));
        }
    }
    return names;
}

void PolicyReader::read_match(const Node& node) {
    policy_.match.emplace();
    if (!document::expect_mapping(node, diagnostics_, "what the policy applies to")) {
        return;
    }
    document::check_keys(node, diagnostics_, schema(), "match", "something a policy can match");
    policy_.match->things = read_names(node, "thing");
    policy_.match->thing_types = read_names(node, "thing_type");
    policy_.match->groups = read_names(node, "group");
    policy_.match->anonymous = read_flag(node, "anonymous");
    const bool by_thing = node.get("thing") || node.get("thing_type") || node.get("group");
    if (by_thing == policy_.match->anonymous) {
        document::report(
            diagnostics_,
            node,
            code::kEmptyMatch,
            by_thing ? "'anonymous' excludes the other keys: an anonymous peer is no thing"
                     : "the match is empty",
            "give thing, thing_type or group; leave 'match' out for a policy that only applies "
            "where it is attached"
        );
    }
}

bool PolicyReader::read_flag(const Node& entry, std::string_view key) {
    const auto node = entry.get(key);
    return node && document::as_bool(*node, diagnostics_).value_or(false);
}

std::optional<document::Rate> PolicyReader::read_rate(const Node& limits, std::string_view key) {
    const auto node = limits.get(key);
    if (!node) {
        return std::nullopt;
    }
    if (document::is_unlimited(*node)) {
        return document::Rate{.amount = model::kUnlimited};
    }
    return document::as_rate(*node, diagnostics_);
}

void PolicyReader::read_entries(const Node& node, Effect effect) {
    if (!document::expect_sequence(
            node, diagnostics_, fmt::format("the list of what to {}", name(effect))
        )) {
        return;
    }
    for (const Node& entry : node.items()) {
        if (document::expect_mapping(
                entry, diagnostics_, "an entry like '- publish: [\"data/{thing}/#\"]'"
            )) {
            read_entry(entry, effect);
        }
    }
}

void PolicyReader::read_entry(const Node& entry, Effect effect) {
    const auto entries = effect == Effect::allow ? "allow[]" : "deny[]";
    document::check_keys(entry, diagnostics_, schema(), entries, "a right or its option");
    const auto retained = read_retain(entry, effect);
    const bool shared = effect == Effect::allow && read_flag(entry, "shared");
    const bool implies_receive = effect == Effect::allow && !entry.get("receive");
    bool any = false;
    for (const Right right : {Right::connect, Right::publish, Right::subscribe, Right::receive}) {
        if (const auto patterns = entry.get(name(right))) {
            any = true;
            const Rule like{
                .effect = effect,
                .right = right,
                .retained = right == Right::publish ? retained : Retained::any
            };
            read_patterns(*patterns, like, shared, implies_receive && right == Right::subscribe);
        }
    }
    if (!any) {
        document::report(
            diagnostics_,
            entry,
            code::kNoRight,
            fmt::format("the entry has nothing to {}", name(effect)),
            "name at least one of connect, publish, subscribe, receive"
        );
    }
}

Retained PolicyReader::read_retain(const Node& entry, Effect effect) {
    const Retained without = effect == Effect::allow ? Retained::never : Retained::any;
    const auto node = entry.get("retain");
    if (!node) {
        return without;
    }
    const auto retain = document::as_bool(*node, diagnostics_);
    if (!entry.get("publish")) {
        document::report(
            diagnostics_, *node, code::kRetain, "'retain' needs a 'publish' in the same entry"
        );
    } else if (effect == Effect::deny && retain == false) {
        document::report(
            diagnostics_,
            *node,
            code::kRetain,
            "a deny cannot say 'retain: false'",
            "leave it out to deny all publishes; 'retain: true' denies retained ones only"
        );
    }
    if (!retain.value_or(false)) {
        return without;
    }
    return effect == Effect::allow ? Retained::any : Retained::only;
}

void PolicyReader::read_patterns(
    const Node& patterns, const Rule& like, bool shared, bool implies_receive
) {
    const auto nodes = document::one_or_more(patterns);
    if (nodes.empty()) {
        document::report(
            diagnostics_,
            patterns,
            code::kNoRight,
            fmt::format("'{}' is an empty list", name(like.right))
        );
    }
    for (const Node& node : nodes) {
        if (policy_.rules.size() >= kRulesMax) {
            document::report(
                diagnostics_,
                node,
                code::kTooManyRules,
                fmt::format("the policy has more than {} patterns", kRulesMax)
            );
            return;
        }
        read_pattern(node, like, shared, implies_receive);
    }
}

void PolicyReader::read_pattern(const Node& node, Rule rule, bool shared, bool implies_receive) {
    auto pattern = parse_pattern(node, rule.right);
    if (!pattern) {
        return;
    }
    rule.pattern = std::move(*pattern);
    rule.text = node.text();
    rule.source = source_of(node);
    lint_.check(node, rule, shared);
    if (implies_receive) {
        policy_.rules.push_back(rule);
        rule.right = Right::receive;
    }
    policy_.rules.push_back(std::move(rule));
}

std::optional<Pattern> PolicyReader::parse_pattern(const Node& node, Right right) {
    const auto text = document::as_string(node, diagnostics_, {.min = 1, .max = kPatternBytesMax});
    if (!text) {
        return std::nullopt;
    }
    const auto unwrap = [&](auto parsed) -> std::optional<Pattern> {
        if (auto* error = std::get_if<PatternError>(&parsed)) {
            diagnostics_.add({
                .severity = document::Severity::error,
                .code = std::string{code::kBadPattern},
                .message = std::move(error->message),
                .file = std::string{path_},
                .range = part_of(node, error->offset, error->size),
                .label = {},
                .help = std::move(error->help),
            });
            return std::nullopt;
        }
        return std::move(std::get<0>(parsed));
    };
    return right == Right::connect ? unwrap(parse_text_pattern(*text))
                                   : unwrap(parse_topic_pattern(*text));
}

}  // namespace

std::optional<Policy> parse_policy(
    std::string_view text, std::string_view path, Diagnostics& diagnostics
) {
    const auto errors_before = diagnostics.errors();
    const auto document = document::Document::parse(text, path, diagnostics);
    if (!document) {
        return std::nullopt;
    }
    auto policy = PolicyReader{path, diagnostics}.read(document->root());
    if (diagnostics.errors() != errors_before) {
        return std::nullopt;
    }
    return policy;
}

PolicySetPtr load_policies(std::span<const PolicyFile> files, Diagnostics& diagnostics) {
    const auto errors_before = diagnostics.errors();
    std::vector<Policy> policies;
    for (const PolicyFile& file : files) {
        auto policy = parse_policy(file.text, file.path, diagnostics);
        if (!policy) {
            continue;
        }
        const auto same = std::ranges::find(policies, policy->name, &Policy::name);
        if (same != policies.end()) {
            const document::Position place{.line = policy->source.line, .column = 1};
            diagnostics.add({
                .severity = document::Severity::error,
                .code = std::string{code::kSameName},
                .message = fmt::format("the policy name '{}' is used twice", policy->name),
                .file = file.path,
                .range = {.begin = place, .end = place},
                .label = {},
                .help = fmt::format("{}:{} has it too", same->source.file, same->source.line),
            });
            continue;
        }
        policies.push_back(std::move(*policy));
    }
    return diagnostics.errors() == errors_before ? PolicySet::make(std::move(policies)) : nullptr;
}

}  // namespace weir::policy
