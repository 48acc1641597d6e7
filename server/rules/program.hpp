/// A compiled statement or template: what the evaluator runs.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/functions/function.hpp>
#include <weir/rules/profile.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = ~NodeId{0};

/// What a node does with its operands, which are `count` entries of Program::operands from `first`
/// on.
enum class Op : std::uint8_t {
    constant,       ///< data: index in constants
    path,           ///< data: index in paths; level: whose scope
    payload,        ///< the whole message
    payload_bytes,  ///< its bytes, JSON or not
    element,        ///< level: the element of that sub-query
    variable,       ///< data: index in variables
    member,         ///< data: index in constants, the name
    index,
    negate,
    logical_not,
    logical_and,
    logical_or,
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
    chain,      ///< Arithmetic; the first operand of each of its operands is the one before it.
    case_of,    ///< subject, when, then ..., [else]
    case_when,  ///< when, then ..., [else]
    object,     ///< data: index in keys of the first one; kSplice as key: the operand's members
    array,
    call,      ///< data: index in calls
    cast,      ///< data: a CastTo
    subquery,  ///< data: index in subqueries
    exists,    ///< data: index in subqueries
    last,      ///< data: index in slots
    changed,   ///< data: index in slots; the operand is the slot's value
};

enum class CastTo : std::uint8_t { text, integer, decimal, boolean };

struct ProgramNode {
    Op op = Op::constant;
    bool has_else = false;
    std::uint16_t level = 0;  ///< 0: the message; n: the element of the nth sub-query from outside.
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t data = 0;
    std::uint32_t begin = 0;  ///< Extent in Program::source.
    std::uint32_t end = 0;
};

/// Immutable once compiled; shared by every shard.
struct Program {
    struct CallSite {
        const Function* function;
        std::unique_ptr<Prepared> prepared;
    };
    struct Subquery {
        NodeId from = kNoNode;
        NodeId where = kNoNode;
        NodeId select = kNoNode;
        std::uint16_t level = 1;  ///< Of its element.
    };
    /// What last() and changed() compare with: the value that an expression had.
    struct Slot {
        std::uint64_t id;  ///< Of the expression's text: what was remembered for another one is not found.
        NodeId value;
    };
    using Path = std::vector<std::string>;

    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    Profile profile = Profile::native;
    std::string source;
    std::vector<std::string> filters;   ///< FROM; none: reached by name alone.
    NodeId foreach = kNoNode;           ///< The list; each of its elements is an output. kNoNode: one output.
    NodeId incase = kNoNode;            ///< Which elements; kNoNode: all.
    NodeId select = kNoNode;            ///< Of a template: of its expression.
    NodeId where = kNoNode;
    std::uint16_t levels = 1;  ///< 1 + the deepest nesting of sub-queries; FOREACH is one.

    std::vector<ProgramNode> nodes;
    std::vector<NodeId> operands;
    std::vector<Value> constants;  ///< Their texts are in `memory`.
    std::vector<Path> paths;       ///< What the statement reads: of the message, or of elements.
    std::vector<std::optional<std::string>> keys;
    std::vector<NodeId> variables;  ///< By SET, in order.
    std::vector<CallSite> calls;
    std::vector<Subquery> subqueries;
    std::vector<Slot> slots;
    std::pmr::monotonic_buffer_resource memory;
};

/// Key of an operand of Op::object whose members become members of the object.
inline constexpr std::nullopt_t kSplice = std::nullopt;

using ProgramPtr = std::shared_ptr<const Program>;

}  // namespace weir::rules
