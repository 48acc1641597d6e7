#include "device_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <weir/base/clock.hpp>
#include <weir/base/text.hpp>

namespace weir::cli {
namespace {

constexpr std::size_t kPasswordBytesMax = 64 * 1024;  ///< Of what is read; the gateway has its own.

bool has_ended(const json::object& credential) {
    const auto end = parse_time(cell(credential, "not_after"));
    return end && *end <= SystemClock{}.wall().count();
}

/// "9f86d081..., until 2027-01-31T12:00:00.000Z, CN=probe-1": what is not known is left out.
std::string credential_text(const json::object& credential) {
    auto text = cell(credential, credential.contains("sha256") ? "sha256" : "id");
    for (const auto& [name, before] : {
             std::pair{"added", "  added "},
             std::pair{"not_after", has_ended(credential) ? "  ended " : "  until "},
             std::pair{"subject", "  "},
         }) {
        if (const auto value = cell(credential, name); !value.empty()) {
            text += before + value;
        }
    }
    return text;
}

void print_line(std::string_view key, std::string_view text) {
    print(fmt::format("{:<14}{}\n", key, text));
}

}  // namespace

Target device_target(const std::string& name) {
    return Target{"/v1/devices"}.segment(name);
}

void print_device(const json::object& device, Format format) {
    if (format == Format::json) {
        print_json(device);
        return;
    }
    for (const auto& [name, value] : device) {
        std::string_view key{name};
        if (value.is_array() && !value.get_array().empty() && value.get_array()[0].is_object()) {
            for (const auto& credential : value.get_array()) {
                print_line(std::exchange(key, {}), credential_text(credential.as_object()));
            }
        } else {
            print_line(key, value.is_object() ? json::serialize(value) : cell(device, key));
        }
    }
}

std::string password_from_stdin() {
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n' && line.size() < kPasswordBytesMax;
         c = std::getchar()) {
        line += static_cast<char>(c);
    }
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

void warn_of_unknown(Api& api, const std::vector<std::string>& policies) {
    if (policies.empty()) {
        return;
    }
    std::vector<std::string> known;
    try {
        const auto answer = get(api, Target{"/v1/policies"});
        for (const auto& policy : answer.at("policies").as_array()) {
            known.push_back(cell(policy.as_object(), "name"));
        }
    } catch (const Failure&) {
        return;  // The files have errors, which `weir check` tells.
    }
    const std::vector<std::string_view> candidates{known.begin(), known.end()};
    for (const auto& policy : policies) {
        if (std::ranges::find(known, policy) != known.end()) {
            continue;
        }
        const auto near = nearest(policy, candidates);
        print_error(fmt::format(
            "warning: there is no policy '{}', and it allows nothing until there is one{}\n",
            policy,
            near ? fmt::format("; did you mean '{}'?", *near) : std::string{}
        ));
    }
}

}  // namespace weir::cli
