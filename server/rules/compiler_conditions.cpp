// What can be said of a condition before there is a message.
#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <weir/base/topic.hpp>
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

/// Of scalars, as `=` has it.
bool is_same(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) {
        const auto x = a.number();
        const auto y = b.number();
        return x && y && compare(*x, *y) == 0;
    }
    return a.type() == b.type() && (!a.is(Type::string) || a.text() == b.text()) &&
           (!a.is(Type::boolean) || a.as_boolean() == b.as_boolean());
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

/// The operator whose result is the opposite; others than comparisons have none.
std::optional<Op> opposite(Op op) {
    switch (op) {
        case Op::equal:
            return Op::not_equal;
        case Op::not_equal:
            return Op::equal;
        case Op::less:
            return Op::greater_equal;
        case Op::less_equal:
            return Op::greater;
        case Op::greater:
            return Op::less_equal;
        case Op::greater_equal:
            return Op::less;
        default:
            return std::nullopt;
    }
}

/// Types of which `=` tells values apart: Int and Decimal are one.
TypeSet kinds(TypeSet types) {
    constexpr TypeSet kNumbers = set_of({Type::integer, Type::decimal});
    constexpr TypeSet kOthers = set_of({Type::undefined, Type::binary});
    return static_cast<TypeSet>(((types & kNumbers) != 0 ? types | kNumbers : types) & ~kOthers);
}

/// Whether a topic that the filter takes may have the text as its `level`th level, from 1.
bool may_have_level(std::string_view filter, std::int64_t level, std::string_view text) {
    for (TopicLevels levels{filter}; !levels.done();) {
        const auto own = levels.next();
        if (own == "#") {
            return true;
        }
        if (--level == 0) {
            return own == "+" || own == text;
        }
    }
    return false;
}

/// What the comparisons of one field leave of its values.
struct Interval {
    std::uint32_t path = 0;
    std::uint16_t level = 0;
    bool is_absent = false;   ///< Is to be Undefined.
    bool is_present = false;  ///< Is compared, which needs a value.
    std::optional<Decimal> low = {};
    std::optional<Decimal> high = {};
    bool low_open = false;
    bool high_open = false;
    std::optional<Value> equal = {};  ///< What it is to be, by a comparison with `=`.
    std::vector<Value> others = {};   ///< What it is not to be, by comparisons with `<>`.
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
        const bool same = !equal || (equal->is_number() && value.is_number()) || is_same(*equal, value);
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
    /// @param value  Undefined: there is to be none.
    /// @return False: nothing is left.
    [[nodiscard]] bool take(Op op, const Value& value) {
        is_absent = is_absent || value.is_undefined();
        is_present = is_present || !value.is_undefined();
        if (is_absent) {
            return !is_present;
        }
        // `a = '5'` is about texts, `a < '5'` about numbers.
        const auto number = is_ordering(op) || value.is_number() ? to_number(value) : std::nullopt;
        if (is_ordering(op) && !number) {
            return true;
        }
        is_ordered = is_ordered || is_ordering(op);
        if (op == Op::equal && is_scalar(value) && !fix(value)) {
            return false;
        }
        if (op == Op::not_equal && is_scalar(value)) {
            others.push_back(value);
        }
        if (equal && std::ranges::any_of(others, [&](const Value& other) { return is_same(*equal, other); })) {
            return false;
        }
        if (number) {
            narrow(op, *number);
        }
        return !empty();
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
    if ((op == Op::equal || op == Op::not_equal) && kinds(types_[ids[0]]) != 0 &&
        kinds(types_[ids[1]]) != 0 && (kinds(types_[ids[0]]) & kinds(types_[ids[1]])) == 0) {
        reporter_.warning(
            code::kNeverTrue,
            extent(constant_of(ids[0]) ? ids[0] : ids[1]),
            op == Op::equal ? "this never has the type of the other side, so that they are never equal"
                            : "this never has the type of the other side, so that they always differ",
            "types never convert in = and <>: write cast(value AS type), or another constant"
        );
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

/// What must be true for `id` to be, or false for it to be false, in order.
void Compiler::find_conditions(NodeId id, bool is_true, std::vector<Condition>& found) const {
    const ProgramNode& it = node(id);
    if (it.op == Op::logical_not) {
        find_conditions(program_.operands[it.first], !is_true, found);
    } else if (it.op == (is_true ? Op::logical_and : Op::logical_or)) {
        for (std::uint32_t i = 0; i < it.count; ++i) {
            find_conditions(program_.operands[it.first + i], is_true, found);
        }
    } else {
        found.push_back({id, is_true});
    }
}

/// `5 < a` is `a > 5`, NOT `a > 5` is `a <= 5`, isUndefined(a) is a comparison with Undefined.
std::optional<Compiler::Comparison> Compiler::comparison_of(const Condition& condition) const {
    const ProgramNode& it = node(condition.node);
    if (it.op == Op::call && condition.is_true && it.count == 1) {
        const auto name = program_.calls[it.data].function->name;
        const NodeId operand = program_.operands[it.first];
        if (name == "isundefined" || name == "isnull") {
            return Comparison{operand, Op::equal, name == "isnull" ? Value::null() : Value{}};
        }
    }
    const auto op = condition.is_true ? std::optional{it.op} : opposite(it.op);
    if (!op || !opposite(*op)) {
        return std::nullopt;
    }
    const NodeId left = program_.operands[it.first];
    const NodeId right = program_.operands[it.first + 1];
    if (const auto value = constant_of(right); value && !value->is_undefined()) {
        return Comparison{left, *op, *value};
    }
    if (const auto value = constant_of(left); value && !value->is_undefined()) {
        return Comparison{right, mirrored(*op), *value};
    }
    return std::nullopt;
}

/// `topic(2) = 'x'` of topics that have something else there.
bool Compiler::is_no_topic_of_from(const Comparison& comparison) const {
    const ProgramNode& it = node(comparison.subject);
    if (it.op != Op::call || program_.calls[it.data].function->name != "topic" ||
        comparison.op != Op::equal || !comparison.value.is(Type::string) ||
        program_.filters.empty()) {
        return false;
    }
    const auto text = comparison.value.text();
    if (it.count == 0) {
        const auto profile =
            program_.profile == Profile::native ? TopicProfile::mqtt : TopicProfile::aws;
        return std::ranges::none_of(program_.filters, [&](const std::string& filter) {
            return filter_matches(filter, text, profile);
        });
    }
    const auto given = constant_of(program_.operands[it.first]);
    const auto level = given ? to_number(*given) : std::nullopt;
    return level && std::ranges::none_of(program_.filters, [&](const std::string& filter) {
               return may_have_level(filter, floor_to_int64(*level), text);
           });
}

/// Of WHERE, INCASE or WHEN.
void Compiler::check_condition(NodeId condition) {
    const auto constant = constant_of(condition);
    const bool never = constant ? !to_boolean(*constant).value_or(false)
                                : (types_[condition] & kMayBeTrue) == 0;
    if (never) {
        reporter_.warning(
            code::kNeverTrue,
            extent(condition),
            "the condition is never true",
            "compare with =, <> or <"
        );
    } else {
        check_contradiction(condition);
    }
}

/// What FOREACH or the FROM of a query in a query walks over.
void Compiler::check_list(NodeId list) {
    constexpr TypeSet kLists = set_of({Type::array, Type::object});
    if ((types_[list] & kLists) == 0) {
        warn_undefined(list, "this is neither a list nor an object", "name a field that is one");
    }
}

/// `a > 5 AND a < 3`: comparisons of one field that exclude each other.
void Compiler::check_contradiction(NodeId condition_of_all) {
    std::vector<Condition> conditions;
    find_conditions(condition_of_all, true, conditions);
    std::vector<Interval> intervals;
    for (const Condition& condition : conditions) {
        const auto comparison = comparison_of(condition);
        if (!comparison) {
            continue;
        }
        if (is_no_topic_of_from(*comparison)) {
            reporter_.warning(
                code::kNeverTrue,
                extent(condition.node),
                "no topic that FROM takes meets this",
                "compare with what the filter has there"
            );
            return;
        }
        const ProgramNode& field = node(comparison->subject);
        if (field.op != Op::path) {
            continue;
        }
        auto known = std::ranges::find_if(intervals, [&](const Interval& each) {
            return each.path == field.data && each.level == field.level;
        });
        if (known == intervals.end()) {
            intervals.push_back({.path = field.data, .level = field.level});
            known = intervals.end() - 1;
        }
        if (!known->take(comparison->op, comparison->value)) {
            reporter_.warning(
                code::kNeverTrue,
                extent(condition.node),
                fmt::format(
                    "no value of `{}` meets this and what stands before",
                    fmt::join(program_.paths[field.data], ".")
                ),
                "write OR if one of them is enough"
            );
            return;
        }
    }
}

}  // namespace weir::rules::detail
