/// Rule files: YAML front matter, then SQL.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <weir/document/diagnostic.hpp>
#include <weir/model/message.hpp>
#include <weir/model/reason.hpp>
#include <weir/rules/profile.hpp>
#include <weir/rules/program.hpp>
#include <weir/rules/state.hpp>
#include <weir/rules/targets.hpp>
#include <weir/rules/template.hpp>

namespace weir::rules {

inline constexpr std::size_t kActionsMax = 10;

/// Appends the output to a stream.
struct StreamAction {
    std::string stream;
};

/// Several outputs in one request. The first limit that is reached sends it.
struct Batch {
    std::uint32_t messages = 1;         ///< 1..10000.
    std::uint64_t bytes = 256 * 1024;   ///< 1 KiB..16 MiB.
    std::chrono::milliseconds wait{0};  ///< 0..60 s after the first output.
};

enum class Body : std::uint8_t {
    json,         ///< Of a batch: an array.
    json_lines,   ///< One output per line.
    array,        ///< An array, of one output too.
    cloudevents,  ///< CloudEvents 1.0 in JSON.
    raw,          ///< The output as it is; never several in one request.
};

/// Sends the output to an HTTP sink, whose file says what is left out here.
struct HttpAction {
    std::string sink;
    std::optional<Body> body = {};
    std::optional<Batch> batch = {};
};

/// Publishes the output. The topic that comes out may still be no valid name: the publisher checks
/// it.
struct RepublishAction {
    Template topic;
    model::Qos qos = model::Qos::at_most_once;  ///< 0 or 1.
    bool retain = false;
    MessageProperties properties = {};
};

using Action = std::variant<StreamAction, HttpAction, RepublishAction, LogAction, AlertAction>;

/// A rule as a file defines it.
struct RuleDefinition {
    std::string name;  ///< The file's name without its ending.
    std::string description = {};
    Profile profile = Profile::native;
    bool enabled = true;
    std::vector<Action> actions = {};
    std::optional<Action> on_error = {};
    StateSettings state = {};
    std::optional<Deduplicate> deduplicate = {};
    ProgramPtr program = {};    ///< The compiled SQL.
    model::Source source = {};  ///< Of its SQL.

    /// Whether what came before matters to it.
    [[nodiscard]] bool remembers() const noexcept {
        return deduplicate.has_value() || (program != nullptr && !program->slots.empty());
    }
};

/// @param file  As the operator would type it; its stem is the name of the rule. The text is added
/// as source.
/// @param faulty  Receives what could be read of a rule with errors, for whoever looks for more of them; may be null.
/// @return Nothing after an error; all errors of the file are in `diagnostics`.
[[nodiscard]] std::optional<RuleDefinition> parse_rule(
    std::string_view file,
    std::string_view text,
    document::Diagnostics& diagnostics,
    RuleDefinition* faulty = nullptr
);

}  // namespace weir::rules
