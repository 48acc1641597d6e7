#include "rule_fields.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <algorithm>

#include <weir/base/text.hpp>
#include <weir/rules/functions/function.hpp>

namespace weir::cli {
namespace {

namespace json = boost::json;

bool is_of_message(const rules::ProgramNode& node) {
    return node.op == rules::Op::path && node.level == 0;
}

std::string path_of(const rules::Program& program, const rules::ProgramNode& node) {
    return fmt::format("{}", fmt::join(program.paths[node.data], "."));
}

bool has(const json::value& whole, std::string_view path) {
    const json::value* value = &whole;
    while (!path.empty()) {
        const auto name = path.substr(0, path.find('.'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        value = value->is_object() ? value->get_object().if_contains(name) : nullptr;
        if (value == nullptr) {
            return false;
        }
    }
    return true;
}

void add_paths(
    const json::object& members, const std::string& prefix, std::size_t count_max, std::set<std::string>& paths
) {
    for (const auto& [name, member] : members) {
        if (paths.size() == count_max) {
            return;
        }
        const auto path = prefix + std::string{name};
        paths.insert(path);
        if (member.is_object()) {
            add_paths(member.get_object(), path + '.', count_max, paths);
        }
    }
}

}  // namespace

RuleFields::RuleFields(const rules::Program& program) : program_{program} {
    for (const auto& node : program.nodes) {
        if (is_of_message(node)) {
            wanted_.try_emplace(path_of(program, node), 0);
        }
    }
}

void RuleFields::see(std::string_view payload) {
    boost::system::error_code error;
    const auto parsed = json::parse(payload, error);
    if (error || !parsed.is_object()) {
        return;
    }
    ++messages_;
    for (const auto& [name, member] : parsed.get_object()) {
        if (seen_.size() < kSeenMax || seen_.contains(std::string{name})) {
            ++seen_[std::string{name}];
        }
    }
    add_paths(parsed.get_object(), "", kPathsMax, paths_);
    for (auto& [path, count] : wanted_) {
        count += has(parsed, path) ? 1 : 0;
    }
}

std::string RuleFields::suggested(const std::string& path) const {
    constexpr std::string_view kPayload = "payload.";  // As other gateways have it.
    if (path.starts_with(kPayload) && paths_.contains(path.substr(kPayload.size()))) {
        return path.substr(kPayload.size());
    }
    const auto* const function = rules::find_function(path);
    if (function != nullptr && function->arguments_min == 0 && function->arguments_max < 2) {
        return path + "()";
    }
    const std::vector<std::string_view> known{paths_.begin(), paths_.end()};
    return std::string{nearest(path, known).value_or("")};
}

std::vector<RuleFields::Unknown> RuleFields::unknown() const {
    std::string all;
    for (const auto& [name, count] : seen_) {
        all += fmt::format("{}{} ({} %)", all.empty() ? "" : ", ", name, 100 * count / messages_);
    }
    std::vector<Unknown> out;
    for (const auto& [path, count] : wanted_) {
        if (count > 0 || messages_ == 0) {
            continue;
        }
        const auto near = suggested(path);
        const auto node = std::ranges::find_if(program_.nodes, [&](const auto& each) {
            return is_of_message(each) && path_of(program_, each) == path;
        });
        out.push_back({
            .path = path,
            .begin = node->begin,
            .end = node->end,
            .suggestion = near,
            .text = fmt::format(
                "field '{}' is in none of {} messages{}; they have {}",
                path,
                messages_,
                near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                all
            ),
        });
    }
    return out;
}

}  // namespace weir::cli
