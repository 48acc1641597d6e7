// Hostile policy files: whatever is accepted must also be answerable, and explained as it is
// answered.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weir/policy/explain.hpp>
#include <weir/policy/policy_file.hpp>

namespace {

using namespace weir::policy;

void ask(
    const Bundle& bundle,
    const Subject& subject,
    const Request& request,
    const weir::model::Verdict& verdict
) {
    const auto explanation = explain(bundle, subject, request);
    if (explanation.verdict.reason != verdict.reason ||
        explanation.verdict.source != verdict.source) {
        std::abort();
    }
    static_cast<void>(to_text(explanation));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<PolicyFile> files = {
        {.path = "fuzz.yaml", .text = {reinterpret_cast<const char*>(data), size}}
    };
    weir::document::Diagnostics diagnostics;
    const auto set = load_policies(files, diagnostics);
    static_cast<void>(diagnostics.render_text());
    if (set == nullptr) {
        return 0;
    }
    weir::model::Principal principal;
    principal.thing = "p7";
    principal.thing_type = "probe";
    principal.groups = {"north", "a/b"};
    principal.attributes = {{"site", "hall"}};
    principal.method = weir::model::AuthMethod::x509;
    for (const auto& policy : set->policies()) {
        principal.policies.push_back(policy.name);
    }
    const auto bundle = set->bundle_for(principal);
    const Subject subject{.principal = principal, .client_id = "c/1"};
    for (const std::string_view object :
         {"p7", "data/p7/temp", "data/+/#", "$share/g/cmd/p7/#", "$SYS/x", "#"}) {
        ask(*bundle,
            subject,
            {.right = Right::publish, .object = object},
            bundle->publish(subject, object, false));
        ask(*bundle,
            subject,
            {.right = Right::publish, .object = object, .retain = true},
            bundle->publish(subject, object, true));
        ask(*bundle,
            subject,
            {.right = Right::subscribe, .object = object},
            bundle->subscribe(subject, object));
        ask(*bundle,
            subject,
            {.right = Right::receive, .object = object},
            bundle->receive(subject, object));
    }
    ask(*bundle, subject, {.right = Right::connect, .object = "c/1"}, bundle->connect(subject));
    return 0;
}
