/// What a test beside a rule gives and expects, as its file says it.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/document/yaml.hpp>

#include "rule_message.hpp"

namespace weir::cli {

/// Among those of a rule there has to be one like it.
struct ExpectedOutput {
    std::string to;  ///< Empty: anywhere.
    boost::json::value payload;
    bool any_payload = true;  ///< `payload` says nothing.
};

/// What a test's `expect` says.
struct Expectation {
    std::optional<bool> match;
    std::optional<std::string> error;
    std::vector<ExpectedOutput> outputs;
    std::vector<std::string> undefined;
};

/// Reads one test. What is wrong is reported, and the test not run.
class TestReader {
public:
    explicit TestReader(document::Diagnostics& diagnostics) : diagnostics_{diagnostics} {}

    /// @param topic  Of a message that names none; empty: it has to.
    [[nodiscard]] std::optional<RuleMessage> given(
        const document::Node& node, std::string_view topic = {}
    );
    /// The messages before it; nothing if one of them is wrong.
    [[nodiscard]] std::optional<std::vector<RuleMessage>> before(
        const document::Node& test, std::string_view topic
    );
    [[nodiscard]] std::optional<Expectation> expect(const document::Node& node);

private:
    void read_payload(RuleMessage& message, const document::Node& node);
    void read_who(RuleMessage& message, const document::Node& node);
    ExpectedOutput output(const document::Node& node);
    std::optional<std::string> text(const document::Node& parent, std::string_view key);
    void refuse(const document::Node& node, std::string message, std::string help = {});

    document::Diagnostics& diagnostics_;
};

}  // namespace weir::cli
