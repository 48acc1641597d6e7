/// The walk over a syntax tree behind compile_statement.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/ast.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/program.hpp>
#include <weir/rules/reporter.hpp>

namespace weir::rules::detail {

using ast::Expression;
using ast::ExpressionKind;

constexpr TypeSet kTruth = set_of({Type::boolean, Type::undefined});
constexpr TypeSet kNumber = set_of({Type::integer, Type::decimal, Type::undefined});
constexpr TypeSet kMayBeTrue = set_of({Type::boolean, Type::string});
constexpr TypeSet kMayBeNumber = set_of({Type::integer, Type::decimal, Type::string});

/// Fills one program; used once. Errors are reported, and leave the program unusable.
class Compiler {
public:
    Compiler(Program& program, Reporter& reporter) : program_{program}, reporter_{reporter} {}

    void variables(const ast::Statement& statement);
    void statement(const ast::Statement& statement, bool filter_required);
    void template_expression(const Expression& expression) {
        may_remember_ = false;
        source_ = program_.source;
        program_.select = this->expression(expression);
    }

private:
    /// Output keys in order; a dotted alias makes a group.
    struct Output {
        struct Entry {
            std::optional<std::string> key;  ///< Nothing: the members of the value.
            NodeId node = kNoNode;           ///< kNoNode: `group` is the value.
            std::vector<Entry> group;
        };
        std::vector<Entry> entries;
    };

    /// What a name stands for while a sub-query or FOREACH is compiled.
    struct Scope {
        std::string alias;  ///< Of the element; may be empty.
        bool has_names;     ///< Names are those of the element's members, not of the message's.
    };

    void filters(const ast::Statement& statement, bool required);
    void foreach(const ast::Foreach& foreach, const ast::Query& query);
    void open_scope(std::string alias, bool has_names);
    /// The level whose members are meant by plain names; 0: the message.
    [[nodiscard]] std::uint16_t level_of_names() const;
    NodeId query(const ast::Query& query, bool has_output = true);
    void add_output(
        std::vector<Output::Entry>& entries,
        std::span<const std::string> path,
        NodeId node,
        ast::Extent at
    );
    NodeId emit_output(std::vector<Output::Entry>& entries, ast::Extent extent);

    NodeId expression(const Expression& expression);
    NodeId path(const Expression& expression);
    NodeId star(ast::Extent extent);
    NodeId variable(const Expression& expression);
    NodeId unary(const Expression& expression);
    NodeId binary(const Expression& expression);
    NodeId arithmetic(const Expression& expression);
    NodeId operation(ast::Binary binary, ast::Extent extent, std::span<const NodeId> ids);
    NodeId call(const Expression& expression);
    NodeId remembered(const Expression& expression, const Function& function);
    NodeId cast(const Expression& expression);
    NodeId object(const Expression& expression);
    NodeId subquery(const Expression& expression);
    [[nodiscard]] bool check_call(const Expression& expression, const Function* function);
    void unknown_function(const Expression& expression);

    std::vector<NodeId> operands(const Expression& expression);
    NodeId emit(
        Op op,
        ast::Extent extent,
        TypeSet types,
        std::span<const NodeId> operands = {},
        std::uint32_t data = 0
    );
    NodeId constant(const Value& value, ast::Extent extent);
    /// Computes a node whose operands are constant, if its operator depends on nothing else.
    NodeId fold(NodeId id);
    [[nodiscard]] bool foldable(const ProgramNode& node) const;
    [[nodiscard]] Value keep(const Value& value);
    [[nodiscard]] std::string_view keep(std::string_view text);
    template <class T>
    [[nodiscard]] std::span<T> allocate(std::size_t count);
    void warn_undefined(NodeId id, std::string message, std::string help = {});
    [[nodiscard]] std::optional<Value> constant_of(NodeId id) const;
    void check_operands(Op op, std::span<const NodeId> ids);
    /// A part of WHERE that must be true, or false, for the whole to be true.
    struct Condition {
        NodeId node;
        bool is_true;
    };
    struct Comparison {
        NodeId subject;
        Op op;  ///< subject op value
        Value value;  ///< Undefined: the subject is to have none.
    };
    void find_conditions(NodeId id, bool is_true, std::vector<Condition>& found) const;
    [[nodiscard]] std::optional<Comparison> comparison_of(const Condition& condition) const;
    [[nodiscard]] bool is_no_topic_of_from(const Comparison& comparison) const;
    void check_condition(NodeId condition);
    void check_contradiction(NodeId condition);
    void check_list(NodeId list);
    void check_arguments(const Function& function, std::span<const NodeId> ids);
    void require_numbers(std::span<const NodeId> ids);

    [[nodiscard]] std::string_view text_of(ast::Extent at) const {
        return source_.substr(at.begin, at.end - at.begin);
    }
    [[nodiscard]] const ProgramNode& node(NodeId id) const { return program_.nodes[id]; }
    [[nodiscard]] ast::Extent extent(NodeId id) const { return {node(id).begin, node(id).end}; }

    Program& program_;
    Reporter& reporter_;
    std::vector<TypeSet> types_;  ///< By node.
    std::map<Program::Path, std::uint32_t> paths_;  ///< Where each is in the program.
    std::vector<std::string> variable_names_;
    std::vector<Scope> scopes_;  ///< By level - 1.
    detail::Context context_;
    bool may_remember_ = true;
    std::string_view source_;  ///< What the extents at hand are about.
    std::string set_clause_;   ///< What variables stand for.
};

}  // namespace weir::rules::detail
