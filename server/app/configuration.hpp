/// Everything that the files of an operator say, checked as a whole: what `check` judges and
/// `serve` and a reload take over.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <weir/app_config/config.hpp>
#include <weir/document/diagnostic.hpp>
#include <weir/metering/price_list.hpp>
#include <weir/policy/policy_set.hpp>
#include <weir/rules/request_template.hpp>
#include <weir/rules/rule_set.hpp>

namespace weir::app {

struct Configuration {
    Config config;
    policy::PolicySetPtr policies;                ///< Null after an error in one of them.
    std::shared_ptr<const rules::RuleSet> rules;  ///< Likewise.
    /// What the files of the sinks say with ${...}, in the order of Config::sinks; those of which
    /// nothing differs from message to message are constant.
    std::vector<rules::RequestTemplate> requests;
    std::vector<metering::PriceList> prices;  ///< By plan.
};

/// The expressions in requests are those of rules. @return As Configuration::requests.
[[nodiscard]] std::vector<rules::RequestTemplate> load_requests(
    const Config& config, document::Diagnostics& diagnostics
);

/// load_config, then policies, rules, prices, and what files say about each other. If `diagnostics` has errors
/// afterwards, the result must not be used.
[[nodiscard]] Configuration load_configuration(
    const std::filesystem::path& path, const ConfigFiles& files, document::Diagnostics& diagnostics
);

}  // namespace weir::app
