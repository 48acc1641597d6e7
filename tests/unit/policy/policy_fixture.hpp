/// Policies as tests write them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <weir/document/diagnostic.hpp>
#include <weir/policy/policy_file.hpp>

namespace weir::policy::test {

/// A set of files that must be free of errors; they are called p0.yaml, p1.yaml ...
inline PolicySetPtr load(const std::vector<std::string>& texts) {
    std::vector<PolicyFile> files;
    for (const auto& text : texts) {
        files.push_back({.path = "p" + std::to_string(files.size()) + ".yaml", .text = text});
    }
    document::Diagnostics diagnostics;
    auto set = load_policies(files, diagnostics);
    EXPECT_NE(set, nullptr) << diagnostics.render_text();
    return set;
}

/// One policy that applies to everything of type "probe".
inline PolicySetPtr load_rules(std::string_view rules) {
    return load({"policy: p\nmatch: {thing_type: probe}\n" + std::string{rules}});
}

inline model::Principal probe(std::string name = "p7") {
    model::Principal principal;
    principal.thing = std::move(name);
    principal.thing_type = "probe";
    principal.method = model::AuthMethod::x509;
    return principal;
}

}  // namespace weir::policy::test
