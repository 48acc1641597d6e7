/// Evaluates rules over messages.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/rules/error.hpp>
#include <weir/rules/input.hpp>
#include <weir/rules/recorder.hpp>
#include <weir/rules/rule_set.hpp>
#include <weir/rules/state.hpp>
#include <weir/rules/template.hpp>

namespace weir::rules {

/// What a rule makes of a message that it matches. Views are valid during the callback.
struct Output {
    enum class Kind : std::uint8_t {
        json,    ///< `bytes` is JSON text; empty for SELECT VALUE of Undefined.
        raw,     ///< `bytes` is the payload as it came: SELECT * of something that is not JSON.
        failed,  ///< `error` says why; there are no bytes.
    };
    Kind kind = Kind::json;
    ByteView bytes = {};
    error_code error = {};
    std::uint32_t index = 0;  ///< Of FOREACH: the how manieth output of the message, from 0.
};

/// What a rule made of a message whose topic it takes. Views are valid during the callback.
struct Evaluated {
    enum class Where : std::uint8_t { is_true, is_false, is_undefined };

    std::span<const Output> outputs = {};
    Where where = Where::is_true;
    bool is_duplicate = false;  ///< `deduplicate` held back what there would have been.
    std::uint32_t steps = 0;    ///< Of 10,000, and with FOREACH 30 more for each of up to kOutputsMax elements.
};

/// One per shard: owns the scratch memory, which is reused. A message that matches no rule costs
/// the index look-up; one that a WHERE turns down costs one parse of its payload, for all rules
/// together, and no allocation. Never calls out.
class Evaluator {
public:
    Evaluator();
    Evaluator(Evaluator&&) noexcept;
    Evaluator& operator=(Evaluator&&) noexcept;
    ~Evaluator();

    /// Outputs that FOREACH makes of one message; more fail the rule.
    static constexpr std::size_t kOutputsMax = 1000;

    /// Calls `visit(const Rule&, const Evaluated&)` for each rule whose FROM takes the message and whose
    /// memory is here, in the order of the rules' indexes. The callback may call `render(template)`, but
    /// not `evaluate`.
    /// @param state  What rules remember. Without it they remember nothing, and nothing is a duplicate.
    template <class Visitor>
    void evaluate(
        const RuleSet& rules, const Input& input, StateView* state, Visitor&& visit
    ) noexcept {
        begin(rules, input);
        while (const Rule* rule = next(rules)) {
            if (const auto evaluated = run(rule->definition(), state, nullptr)) {
                visit(*rule, *evaluated);
            }
        }
    }

    /// One rule alone, whatever its FROM says.
    /// @return Nothing: its memory is not here. Valid until the next evaluation.
    /// @param recorder  May be null.
    [[nodiscard]] std::optional<Evaluated> evaluate(
        const RuleDefinition& rule,
        const Input& input,
        StateView* state = nullptr,
        Recorder* recorder = nullptr
    ) noexcept;
    /// One statement alone, without a memory.
    [[nodiscard]] std::span<const Output> evaluate(
        const Program& program, const Input& input, Recorder* recorder = nullptr
    ) noexcept;

    /// Makes the value of an expression fit for the text around it.
    using Escape = std::string (*)(std::string_view value);

    /// Fills in a template for the message whose callback is running, or that was given to begin().
    /// @param escape  Null: values stand as they are.
    /// @return Valid until the next render.
    [[nodiscard]] Result<std::string_view> render(
        const Template& text, Escape escape = nullptr
    ) noexcept;
    /// The message that render() is about, outside of a callback.
    void begin(const Input& input) noexcept;
    [[nodiscard]] Result<std::string_view> render(
        const Template& text, const Input& input
    ) noexcept;

private:
    struct State;

    void begin(const RuleSet& rules, const Input& input) noexcept;
    [[nodiscard]] const Rule* next(const RuleSet& rules) noexcept;
    [[nodiscard]] std::optional<Evaluated> run(
        const RuleDefinition& rule, StateView* state, Recorder* recorder
    ) noexcept;

    std::unique_ptr<State> state_;
};

inline constexpr std::string_view kBasicIngestPrefix = "$aws/rules/";

/// A topic of AWS's Basic Ingest, $aws/rules/<rule>/<topic>: the message goes to that rule alone,
/// under <topic>, which may be empty.
struct BasicIngest {
    std::string_view rule;
    std::string_view topic;
};
[[nodiscard]] std::optional<BasicIngest> parse_basic_ingest(std::string_view topic) noexcept;

}  // namespace weir::rules
