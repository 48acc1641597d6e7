/// Runs programs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <weir/rules/detail/context.hpp>
#include <weir/rules/program.hpp>

namespace weir::rules {
class Recorder;
}

namespace weir::rules::detail {

/// Evaluates nodes of one program after the other over a Context. One thread. The depth of its
/// recursion is bounded by the depth of expressions, which the parser bounds.
class Machine {
public:
    explicit Machine(Context& context) noexcept : context_{&context} {}

    /// Forgets variables and elements of what ran before. @param recorder  May be null.
    void begin(const Program& program, Recorder* recorder);

    /// Whom to tell from now on; may be null.
    void watch(Recorder* recorder) noexcept { recorder_ = recorder; }
    [[nodiscard]] Value run(NodeId id);
    /// What the element of FOREACH is from now on.
    void set_element(const Value& element) { elements_[1] = context_->found(element); }

private:
    enum class VariableState : std::uint8_t { unset, running, set };
    struct Variable {
        VariableState state = VariableState::unset;
        Value value;
    };

    [[nodiscard]] Value evaluate(const ProgramNode& node);
    void record(const ProgramNode& node, const Value& value);
    [[nodiscard]] NodeId operand(const ProgramNode& node, std::size_t i) const noexcept {
        return program_->operands[node.first + i];
    }
    [[nodiscard]] Value run_operand(const ProgramNode& node, std::size_t i) {
        return run(operand(node, i));
    }

    [[nodiscard]] Value path(const ProgramNode& node);
    [[nodiscard]] Value variable(const ProgramNode& node);
    [[nodiscard]] Value logic(const ProgramNode& node, bool deciding);
    [[nodiscard]] Value equality(const ProgramNode& node);
    [[nodiscard]] Value ordering(const ProgramNode& node);
    [[nodiscard]] Value membership(const ProgramNode& node);
    [[nodiscard]] Value arithmetic(Op op, const Value& a, const Value& b);
    [[nodiscard]] Value chain(const ProgramNode& node);
    [[nodiscard]] Value addition(const Value& a, const Value& b);
    [[nodiscard]] Value negate(const Value& value);
    [[nodiscard]] Value case_of(const ProgramNode& node);
    [[nodiscard]] Value case_when(const ProgramNode& node);
    [[nodiscard]] Value object(const ProgramNode& node);
    [[nodiscard]] Value array(const ProgramNode& node);
    [[nodiscard]] Value call(const ProgramNode& node);
    [[nodiscard]] Value cast(const ProgramNode& node);
    [[nodiscard]] Value subquery(const ProgramNode& node);
    [[nodiscard]] Value exists(const ProgramNode& node);
    [[nodiscard]] Value changed(const ProgramNode& node);
    [[nodiscard]] bool passes(const Program::Subquery& query, const Value& element);
    /// The argument as the parameter wants it. @return false: it cannot be.
    [[nodiscard]] bool convert(Parameter parameter, Value& argument);

    Context* context_;
    const Program* program_ = nullptr;
    Recorder* recorder_ = nullptr;
    std::vector<Value> elements_;  ///< By level.
    std::vector<Variable> variables_;
};

}  // namespace weir::rules::detail
