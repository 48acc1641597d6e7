/// Finds policy lines that are valid but grant more than they seem to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <weir/document/diagnostic.hpp>
#include <weir/document/yaml.hpp>
#include <weir/policy/policy.hpp>

namespace weir::policy::detail {

/// Looks at the lines of one policy while they are read. The nodes must live until finish().
class Lint {
public:
    explicit Lint(document::Diagnostics& diagnostics) noexcept : diagnostics_{diagnostics} {}

    /// @param shared  The author said that the line is not meant to be tied to a device.
    void check(const document::Node& node, const Rule& rule, bool shared);
    /// What can only be said when all lines are known.
    void finish();

private:
    void check_connect(
        const document::Node& node, const Rule& rule, const TextPattern& pattern, bool shared
    );
    void check_topic(
        const document::Node& node, const Rule& rule, const TopicPattern& pattern, bool shared
    );
    void warn(
        const document::Node& node, std::string_view code, std::string message, std::string help
    );

    document::Diagnostics& diagnostics_;
    bool client_id_bound_ = true;                  ///< Every allowed connect contains {thing}.
    std::vector<document::Node> client_id_users_;  ///< Allowed lines that use {client_id}.
};

}  // namespace weir::policy::detail
