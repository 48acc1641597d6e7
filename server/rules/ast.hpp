/// A rule statement as it was written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weir/rules/decimal.hpp>

namespace weir::rules::ast {

/// Bytes of the statement, for diagnostics and explain.
struct Extent {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

enum class Unary : std::uint8_t { negate, logical_not };

enum class Binary : std::uint8_t {
    logical_or,
    logical_and,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    add,
    subtract,
    multiply,
    divide,
    modulo,
};

struct Query;
struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class ExpressionKind : std::uint8_t {
    null,
    boolean,
    number,
    string,
    path,       ///< names: a.b.c
    star,       ///< *
    variable,   ///< text: the name
    member,     ///< operands[0] . text
    index,      ///< operands[0] [ operands[1] ]
    unary,      ///< unary, operands[0]
    binary,     ///< binary; operands: two, or any number for AND and OR
    arithmetic, ///< operands; operators: one between each two, which bind from the left
    call,       ///< text: the name as written; operands: the arguments
    cast,       ///< operands[0], text: the type as written
    case_of,    ///< operands: subject, when, then, when, then ... [else]
    case_when,  ///< operands: when, then, when, then ... [else]
    object,     ///< names: the keys; operands: the values
    array,      ///< operands
    subquery,   ///< query
    exists,     ///< query
};

struct Expression {
    ExpressionKind kind = ExpressionKind::null;
    Extent extent;
    Extent name_extent;       ///< Of the function, type, member or variable named.
    std::uint16_t depth = 1;  ///< 1 + that of the deepest operand; at most kExpressionDepthMax.
    bool boolean = false;
    bool has_else = false;  ///< Of case_of and case_when.
    Unary unary = Unary::negate;
    Binary binary = Binary::add;
    std::vector<Binary> operators;
    std::string text;
    std::vector<std::string> names;
    Decimal number;
    bool whole = false;  ///< The number was written without point and exponent.
    std::vector<ExpressionPtr> operands;
    std::unique_ptr<Query> query;
};

struct Item {
    ExpressionPtr expression;
    std::vector<std::string> alias;  ///< AS a.b; empty: none given.
    Extent alias_extent;
};

/// SELECT ... FROM ... WHERE, without the topic of the outermost one.
struct Query {
    bool value = false;  ///< SELECT VALUE: one item, unnamed.
    std::vector<Item> items;
    ExpressionPtr from;  ///< Of a sub-query.
    std::string from_alias;
    ExpressionPtr where;  ///< May be null.
    Extent extent;
};

struct Variable {
    std::string name;
    Extent name_extent;
    ExpressionPtr expression;
};

struct Filter {
    std::string text;
    Extent extent;
};

/// FOREACH list AS element DO ... INCASE condition: one output per element. Its DO is the list of
/// items of Statement::query, which is empty if the elements themselves are the output.
struct Foreach {
    ExpressionPtr list;
    std::string element = "item";
    ExpressionPtr condition;  ///< May be null.
};

struct Statement {
    std::string source;  ///< All of it: what extents are about.
    std::vector<Variable> variables;
    Query query;
    std::optional<Foreach> foreach;
    std::vector<Filter> filters;  ///< FROM of the outermost query; none: it has no FROM.
};

}  // namespace weir::rules::ast
