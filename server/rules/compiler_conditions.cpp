// What can be said of a condition before there is a message.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include <weir/rules/codes.hpp>
#include <weir/rules/detail/compiler.hpp>

namespace weir::rules::detail {

namespace {

bool is_ordering(Op op) {
    return op == Op::less || op == Op::less_equal || op == Op::greater || op == Op::greater_equal;
}

bool is_scalar(const Value& value) {
    return value.is_number() || value.is(Type::string) || value.is(Type::boolean) ||
           value.is(Type::null);
}

/// The operator with its sides exchanged.
Op mirrored(Op op) {
    switch (op) {
        case Op::less:
            return Op::greater;
        case Op::less_equal:
            return Op::greater_equal;
        case Op::greater:
            return Op::less;
        case Op::greater_equal:
            return Op::less_equal;
        default:
            return op;
    }
}

/// The numbers that the comparisons of one field leave.
struct Interval {
    std::uint32_t path = 0;
    std::uint16_t level = 0;
    std::optional<Decimal> low = {};
    std::optional<Decimal> high = {};
    bool low_open = false;
    bool high_open = false;
    std::optional<Value> equal = {};  ///< What it is to be, by a comparison with `=`.
    bool is_ordered = false;          ///< Compared with a number by `<` or the like.

    void at_least(const Decimal& value, bool open) {
        const int order = low ? compare(value, *low) : 1;
        if (order > 0 || (order == 0 && open)) {
            low = value;
            low_open = open;
        }
    }
    void at_most(const Decimal& value, bool open) {
        const int order = high ? compare(value, *high) : -1;
        if (order < 0 || (order == 0 && open)) {
            high = value;
            high_open = open;
        }
    }
    void narrow(Op op, const Decimal& value) {
        if (op == Op::greater || op == Op::greater_equal || op == Op::equal) {
            at_least(value, op == Op::greater);
        }
        if (op == Op::less || op == Op::less_equal || op == Op::equal) {
            at_most(value, op == Op::less);
        }
    }
    /// @return False: it is to be something else already.
    [[nodiscard]] bool fix(const Value& value) {
        const bool same = !equal || (equal->is_number() && value.is_number()) ||
                          (equal->type() == value.type() &&
                           (!value.is(Type::string) || equal->text() == value.text()) &&
                           (!value.is(Type::boolean) || equal->as_boolean() == value.as_boolean()));
        equal = value;
        return same;
    }
    [[nodiscard]] bool empty() const {
        if (is_ordered && equal && !to_number(*equal)) {
            return true;
        }
        const int order = low && high ? compare(*low, *high) : -1;
        return order > 0 || (order == 0 && (low_open || high_open));
    }
};

}  // namespace

void Compiler::warn_undefined(NodeId id, std::string message, std::string help) {
    reporter_.warning(code::kAlwaysUndefined, extent(id), std::move(message), std::move(help));
}

std::optional<Value> Compiler::constant_of(NodeId id) const {
    return node(id).op == Op::constant ? std::optional{program_.constants[node(id).data]}
                                       : std::nullopt;
}

/// Operands with which an operator never has a value. If all are constant, folding finds out.
void Compiler::check_operands(Op op, std::span<const NodeId> ids) {
    const bool all_constant = std::ranges::all_of(ids, [&](NodeId id) { return constant_of(id).has_value(); });
    if (all_constant) {
        return;
    }
    for (const NodeId id : ids) {
        const auto value = constant_of(id);
        if (is_ordering(op)) {
            const bool never = value ? !value->is_undefined() && !to_number(*value)
                                     : (types_[id] & kMayBeNumber) == 0;
            if (never) {
                warn_undefined(
                    id,
                    "this is no number, so that the comparison is always Undefined",
                    "only numbers have an order; compare others with = or <>"
                );
            }
        } else if (op == Op::logical_and || op == Op::logical_or) {
            const bool never = value ? !value->is_undefined() && !to_boolean(*value)
                                     : (types_[id] & kMayBeTrue) == 0;
            if (never) {
                warn_undefined(id, "this is neither true nor false", "compare it with =, <> or <");
            }
        } else if (op == Op::in && id == ids.back() && value && !value->is_undefined() &&
                   !value->is(Type::array)) {
            warn_undefined(id, "this is no list, so that IN is always Undefined", "write IN [...]");
        } else if (op == Op::in && id == ids.back() && value && value->is(Type::array) &&
                   value->size() == 0) {
            reporter_.warning(
                code::kNeverTrue, extent(id), "nothing is in an empty list", "write IN [a, b]"
            );
        }
    }
}

/// `a > 5 AND a < 3`: comparisons of one field that exclude each other.
void Compiler::check_contradiction(NodeId where) {
    std::vector<Interval> intervals;
    const std::array single{where};
    const ProgramNode& top = node(where);
    const auto parts = top.op == Op::logical_and
                           ? std::span<const NodeId>{program_.operands}.subspan(top.first, top.count)
                           : std::span<const NodeId>{single};
    for (const NodeId part : parts) {
        const ProgramNode& comparison = node(part);
        if (!is_ordering(comparison.op) && comparison.op != Op::equal) {
            continue;
        }
        NodeId field = program_.operands[comparison.first];
        NodeId bound = program_.operands[comparison.first + 1];
        Op op = comparison.op;
        if (node(field).op == Op::constant) {
            std::swap(field, bound);
            op = mirrored(op);
        }
        const auto value = constant_of(bound);
        // `a = '5'` is about texts, `a < '5'` about numbers.
        const auto number = value && (is_ordering(op) || value->is_number()) ? to_number(*value)
                                                                            : std::nullopt;
        const bool is_fixed = op == Op::equal && value && is_scalar(*value);
        if (node(field).op != Op::path || (!number && !is_fixed)) {
            continue;
        }
        const auto path = node(field).data;
        auto known = std::ranges::find_if(intervals, [&](const Interval& each) {
            return each.path == path && each.level == node(field).level;
        });
        if (known == intervals.end()) {
            intervals.push_back({.path = path, .level = node(field).level});
            known = intervals.end() - 1;
        }
        known->is_ordered = known->is_ordered || is_ordering(op);
        const bool is_possible = !is_fixed || known->fix(*value);
        if (number) {
            known->narrow(op, *number);
        }
        if (!is_possible || known->empty()) {
            reporter_.warning(
                code::kNeverTrue,
                extent(part),
                fmt::format(
                    "no value of `{}` meets this and what stands before",
                    fmt::join(program_.paths[path], ".")
                ),
                "write OR if one of them is enough"
            );
            return;
        }
    }
}

}  // namespace weir::rules::detail
