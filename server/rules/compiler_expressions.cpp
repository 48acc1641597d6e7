#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include <weir/base/hash.hpp>
#include <weir/base/text.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/compiler.hpp>
#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/foreign.hpp>

namespace weir::rules::detail {
namespace {

struct CastName {
    std::string_view name;
    CastTo to;
    bool since_2016;
};

constexpr std::array<CastName, 11> kCastNames = {{
    {"string", CastTo::text, false},
    {"nvarchar", CastTo::text, false},
    {"text", CastTo::text, false},
    {"ntext", CastTo::text, false},
    {"varchar", CastTo::text, false},
    {"int", CastTo::integer, false},
    {"integer", CastTo::integer, false},
    {"double", CastTo::decimal, false},
    {"decimal", CastTo::decimal, true},
    {"bool", CastTo::boolean, true},
    {"boolean", CastTo::boolean, true},
}};

constexpr std::size_t kSlotsMax = 16;

}  // namespace

NodeId Compiler::expression(const Expression& expression) {
    const ast::Extent at = expression.extent;
    switch (expression.kind) {
        case ExpressionKind::null:
            return constant(Value::null(), at);
        case ExpressionKind::boolean:
            return constant(Value::boolean(expression.boolean), at);
        case ExpressionKind::number: {
            const bool whole = expression.whole || (program_.profile == Profile::aws_2016 &&
                                                    is_whole(expression.number));
            return constant(
                whole ? Value::number(strip(expression.number), Type::integer)
                      : Value::number(expression.number, Type::decimal),
                at
            );
        }
        case ExpressionKind::string:
            return constant(Value::string(keep(expression.text)), at);
        case ExpressionKind::path:
            return path(expression);
        case ExpressionKind::star:
            return star(at);
        case ExpressionKind::variable:
            return variable(expression);
        case ExpressionKind::member: {
            const auto ids = operands(expression);
            program_.constants.push_back(Value::string(keep(expression.text)));
            const auto name = static_cast<std::uint32_t>(program_.constants.size() - 1);
            return fold(emit(Op::member, at, kAnything, ids, name));
        }
        case ExpressionKind::index:
            return fold(emit(Op::index, at, kAnything, operands(expression)));
        case ExpressionKind::unary:
            return unary(expression);
        case ExpressionKind::binary:
            return binary(expression);
        case ExpressionKind::arithmetic:
            return arithmetic(expression);
        case ExpressionKind::call:
            return call(expression);
        case ExpressionKind::cast:
            return cast(expression);
        case ExpressionKind::case_of:
        case ExpressionKind::case_when: {
            const Op op = expression.kind == ExpressionKind::case_of ? Op::case_of : Op::case_when;
            const auto ids = operands(expression);
            const std::size_t whens_end = ids.size() - (expression.has_else ? 1 : 0);
            for (std::size_t i = 0; op == Op::case_when && i < whens_end; i += 2) {
                check_condition(ids[i]);
            }
            const NodeId id = emit(op, at, kAnything, ids);
            program_.nodes[id].has_else = expression.has_else;
            return fold(id);
        }
        case ExpressionKind::object:
            return object(expression);
        case ExpressionKind::array:
            return fold(emit(Op::array, at, set_of({Type::array}), operands(expression)));
        case ExpressionKind::subquery:
        case ExpressionKind::exists:
            return subquery(expression);
    }
    return kNoNode;
}

/// The first name may be that of a sub-query's element; any other name is a member of the innermost
/// element, or of the message.
NodeId Compiler::path(const Expression& expression) {
    std::span<const std::string> names{expression.names};
    auto level = level_of_names();
    for (std::size_t i = scopes_.size(); i > 0; --i) {
        if (scopes_[i - 1].alias == names.front()) {
            level = static_cast<std::uint16_t>(i);
            names = names.subspan(1);
            break;
        }
    }
    if (names.empty()) {
        const NodeId id = emit(Op::element, expression.extent, kAnything);
        program_.nodes[id].level = level;
        return id;
    }
    Program::Path path{names.begin(), names.end()};
    const auto next = static_cast<std::uint32_t>(program_.paths.size());
    const auto [known, is_new] = paths_.try_emplace(std::move(path), next);
    if (is_new) {
        program_.paths.push_back(known->first);
    }
    const NodeId id = emit(Op::path, expression.extent, kAnything, {}, known->second);
    program_.nodes[id].level = level;
    return id;
}

NodeId Compiler::star(ast::Extent extent) {
    return emit(level_of_names() == 0 ? Op::payload : Op::element, extent, kAnything);
}

NodeId Compiler::variable(const Expression& expression) {
    const auto found = std::ranges::find(variable_names_, expression.text);
    if (found == variable_names_.end()) {
        const std::vector<std::string_view> names{variable_names_.begin(), variable_names_.end()};
        const auto near = nearest(expression.text, names);
        reporter_.error(
            code::kVariable,
            expression.extent,
            fmt::format("@{} is not set before", expression.text),
            near ? fmt::format("did you mean @{}?", *near) : ""
        );
    }
    const auto index = static_cast<std::uint32_t>(found - variable_names_.begin());
    const TypeSet types =
        found == variable_names_.end() ? kAnything : types_[program_.variables[index]];
    return emit(Op::variable, expression.extent, types, {}, index);
}

NodeId Compiler::unary(const Expression& expression) {
    const auto ids = operands(expression);
    if (expression.unary == ast::Unary::logical_not) {
        return fold(emit(Op::logical_not, expression.extent, kTruth, ids));
    }
    require_numbers(ids);
    return fold(emit(Op::negate, expression.extent, kNumber, ids));
}

void Compiler::require_numbers(std::span<const NodeId> ids) {
    const auto never = [&](NodeId id) { return (types_[id] & kMayBeNumber) == 0; };
    const auto found = std::ranges::find_if(ids, never);
    // Constants are found out by folding, or have been reported.
    if (found != ids.end() && node(*found).op != Op::constant) {
        reporter_.warning(
            code::kAlwaysUndefined,
            extent(*found),
            "this is never a number, so that the result is always Undefined",
            ids.size() > 1 ? "comparisons bind more loosely than arithmetic" : ""
        );
    }
}

NodeId Compiler::operation(
    ast::Binary binary, ast::Extent extent, std::span<const NodeId> ids
) {
    struct Row {
        ast::Binary binary;
        Op op;
        TypeSet types;
    };
    static constexpr std::array<Row, 14> kRows = {{
        {ast::Binary::logical_or, Op::logical_or, kTruth},
        {ast::Binary::logical_and, Op::logical_and, kTruth},
        {ast::Binary::equal, Op::equal, kTruth},
        {ast::Binary::not_equal, Op::not_equal, kTruth},
        {ast::Binary::less, Op::less, kTruth},
        {ast::Binary::less_equal, Op::less_equal, kTruth},
        {ast::Binary::greater, Op::greater, kTruth},
        {ast::Binary::greater_equal, Op::greater_equal, kTruth},
        {ast::Binary::in, Op::in, kTruth},
        {ast::Binary::add, Op::add, TypeSet{kNumber | set_of({Type::string})}},
        {ast::Binary::subtract, Op::subtract, kNumber},
        {ast::Binary::multiply, Op::multiply, kNumber},
        {ast::Binary::divide, Op::divide, kNumber},
        {ast::Binary::modulo, Op::modulo, kNumber},
    }};
    const Row& row = kRows[static_cast<std::size_t>(binary)];
    if (row.types == kNumber) {
        require_numbers(ids);
    }
    check_operands(row.op, ids);
    return fold(emit(row.op, extent, row.types, ids));
}

NodeId Compiler::binary(const Expression& expression) {
    return operation(expression.binary, expression.extent, operands(expression));
}

/// Each operator takes the node of the one before it as its left operand. Two and more that are not constant are run
/// by a node over all of them.
NodeId Compiler::arithmetic(const Expression& expression) {
    const auto ids = operands(expression);
    const auto begin = expression.operands.front()->extent.begin;
    NodeId result = ids.front();
    std::vector<NodeId> steps;
    for (std::size_t i = 1; i < ids.size(); ++i) {
        const bool last = i + 1 == ids.size();
        result = operation(
            expression.operators[i - 1],
            last ? expression.extent : ast::Extent{begin, expression.operands[i]->extent.end},
            std::array{result, ids[i]}
        );
        if (node(result).op == Op::constant) {
            steps.clear();
        } else {
            steps.push_back(result);
        }
    }
    return steps.size() > 1 ? emit(Op::chain, expression.extent, types_[result], steps) : result;
}

void Compiler::unknown_function(const Expression& expression) {
    if (const auto* const foreign = find_foreign_function(detail::lowered(expression.text))) {
        reporter_.error(
            code::kUnknownFunction,
            expression.name_extent,
            fmt::format("there is no function {}()", expression.text),
            fmt::format("write {}", foreign->instead)
        );
        return;
    }
    std::vector<std::string_view> names{"cast", "exists"};
    for (const Function& function : functions()) {
        if (function.in(program_.profile) && !reporter_.is_full()) {
            names.push_back(function.name);
        }
    }
    const auto near = nearest(detail::lowered(expression.text), names);
    reporter_.error(
        code::kUnknownFunction,
        expression.name_extent,
        fmt::format("there is no function {}()", expression.text),
        near ? fmt::format("did you mean {}?", *near) : ""
    );
}

/// @return false: the error is reported.
bool Compiler::check_call(const Expression& expression, const Function* function) {
    if (function == nullptr) {
        unknown_function(expression);
        return false;
    }
    if (!function->in(program_.profile)) {
        reporter_.error(
            code::kProfile,
            expression.name_extent,
            fmt::format("{}() is not in profile {}", function->name, name(program_.profile)),
            "use a newer profile, or native"
        );
        return false;
    }
    if (function->call == nullptr && !function->remembers) {
        reporter_.error(
            code::kExternal,
            expression.name_extent,
            fmt::format("{}() calls an outside service, which rules cannot", function->name),
            std::string{function->help}
        );
        return false;
    }
    if (function->name == "decode" && expression.operands.size() > 2) {
        reporter_.error(
            code::kExternal,
            expression.extent,
            "decode(..., 'proto') needs descriptor files, which rules cannot read",
            "pass the bytes on with SELECT * and decode them behind the sink"
        );
        return false;
    }
    const std::size_t given = expression.operands.size();
    const bool bounded = function->arguments_max != kAnyNumber;
    if (given < function->arguments_min || (bounded && given > function->arguments_max)) {
        const bool few = given < function->arguments_min;
        const int bound = few ? function->arguments_min : function->arguments_max;
        std::string message = fmt::format(
            "{}() takes at {} {} argument{}, not {}",
            function->name,
            few ? "least" : "most",
            bound,
            bound == 1 ? "" : "s",
            given
        );
        std::string help = fmt::format("{}: {}", function->signature, function->help);
        if (program_.profile == Profile::native) {
            reporter_.error(
                code::kArguments, expression.extent, std::move(message), std::move(help)
            );
        } else {  // AWS takes the statement; the call gives Undefined.
            reporter_.warning(
                code::kArguments, expression.extent, std::move(message), std::move(help)
            );
        }
        return false;
    }
    return true;
}

/// The operand of both is what is remembered; equal texts share one slot.
NodeId Compiler::remembered(const Expression& expression, const Function& function) {
    if (!may_remember_ || !scopes_.empty()) {
        reporter_.error(
            code::kState,
            expression.extent,
            may_remember_
                ? fmt::format("{}() stands outside of FOREACH and of queries in a query", function.name)
                : fmt::format("{}() is not for templates", function.name),
            fmt::format("SET @name = {}(...) in front of SELECT, and use @name", function.name)
        );
        return constant(Value{}, expression.extent);
    }
    const auto ids = operands(expression);
    const std::uint64_t id =
        hash_stable(std::string{text_of(expression.operands.front()->extent)} + set_clause_);
    if (node(ids.front()).op == Op::constant) {
        reporter_.warning(
            code::kState, extent(ids.front()), "a constant never changes", "name a field"
        );
    }
    auto slot = std::ranges::find(program_.slots, id, &Program::Slot::id);
    if (slot == program_.slots.end()) {
        if (program_.slots.size() == kSlotsMax) {
            reporter_.error(
                code::kLimit,
                expression.extent,
                fmt::format("a rule remembers at most {} expressions", kSlotsMax)
            );
        }
        program_.slots.push_back({id, ids.front()});
        slot = program_.slots.end() - 1;
    }
    const auto index = static_cast<std::uint32_t>(slot - program_.slots.begin());
    return function.name == "last" ? emit(Op::last, expression.extent, kAnything, {}, index)
                                   : emit(Op::changed, expression.extent, kTruth, ids, index);
}

/// Arguments with which a call never has a value. If all are constant, folding finds out.
void Compiler::check_arguments(const Function& function, std::span<const NodeId> ids) {
    const bool is_folded = function.pure && std::ranges::all_of(ids, [&](NodeId id) {
        return constant_of(id).has_value();
    });
    for (std::size_t i = 0; !is_folded && i < ids.size(); ++i) {
        const auto parameter = function.parameters[std::min(i, function.parameters.size() - 1)];
        const auto value = constant_of(ids[i]);
        const bool wants_number = parameter == Parameter::number || parameter == Parameter::integer;
        if (value && value->is_undefined()) {
            continue;
        }
        if (wants_number && (value ? !to_number(*value) : (types_[ids[i]] & kMayBeNumber) == 0)) {
            warn_undefined(
                ids[i],
                "this is never a number, so that the result is always Undefined",
                std::string{function.signature}
            );
        } else if (parameter == Parameter::text && value && value->is(Type::null)) {
            warn_undefined(
                ids[i],
                "Null has no text, so that the result is always Undefined",
                std::string{function.signature}
            );
        }
    }
}

NodeId Compiler::call(const Expression& expression) {
    const Function* function = find_function(expression.text);
    if (function != nullptr && function->remembers) {
        return check_call(expression, function) ? remembered(expression, *function)
                                                : constant(Value{}, expression.extent);
    }
    std::vector<NodeId> ids;
    for (const auto& operand : expression.operands) {
        const bool bytes = function != nullptr && function->takes_bytes && level_of_names() == 0 &&
                           operand->kind == ExpressionKind::star;
        ids.push_back(
            bytes ? emit(Op::payload_bytes, operand->extent, kAnything) : this->expression(*operand)
        );
    }
    if (!check_call(expression, function)) {
        return constant(Value{}, expression.extent);
    }
    check_arguments(*function, ids);
    Program::CallSite site{function, nullptr};
    if (function->prepare != nullptr) {
        std::vector<std::optional<Value>> constants;
        for (const NodeId id : ids) {
            const bool known = node(id).op == Op::constant;
            constants.push_back(
                known ? std::optional{program_.constants[node(id).data]} : std::nullopt
            );
        }
        std::string problem;
        site.prepared = function->prepare(constants, problem);
        if (!problem.empty()) {
            reporter_.warning(code::kAlwaysUndefined, expression.extent, std::move(problem));
        }
    }
    program_.calls.push_back(std::move(site));
    const auto index = static_cast<std::uint32_t>(program_.calls.size() - 1);
    const TypeSet types = function->result | set_of({Type::undefined});
    return fold(emit(Op::call, expression.extent, types, ids, index));
}

NodeId Compiler::cast(const Expression& expression) {
    const auto ids = operands(expression);
    const auto wanted = detail::lowered(expression.text);
    const auto* found = std::ranges::find(kCastNames, wanted, &CastName::name);
    if (found == kCastNames.end()) {
        std::array<std::string_view, kCastNames.size()> names;
        std::ranges::transform(kCastNames, names.begin(), &CastName::name);
        const auto near = nearest(wanted, names);
        reporter_.error(
            code::kSyntax,
            expression.name_extent,
            fmt::format("there is no type {} to cast to", expression.text),
            near ? fmt::format("did you mean {}?", *near)
                 : "types are string, int, decimal, boolean"
        );
        return constant(Value{}, expression.extent);
    }
    if (found->since_2016 && program_.profile == Profile::aws_2015) {
        reporter_.error(
            code::kProfile,
            expression.name_extent,
            fmt::format("cast to {} is not in profile {}", found->name, name(program_.profile)),
            "use aws-2016-03-23 or native"
        );
    }
    constexpr std::array<TypeSet, 4> kTypes = {
        set_of({Type::string, Type::undefined}), kNumber, kNumber, kTruth
    };
    const auto target = static_cast<std::uint32_t>(found->to);
    return fold(emit(Op::cast, expression.extent, kTypes[target], ids, target));
}

NodeId Compiler::object(const Expression& expression) {
    Output output;
    for (std::size_t i = 0; i < expression.operands.size(); ++i) {
        const ast::Expression& member = *expression.operands[i];
        const NodeId id = this->expression(member);
        add_output(output.entries, std::span{&expression.names[i], 1}, id, member.extent);
    }
    return fold(emit_output(output.entries, expression.extent));
}

NodeId Compiler::subquery(const Expression& expression) {
    const ast::Query& inner = *expression.query;
    Program::Subquery compiled;
    compiled.from = this->expression(*inner.from);
    check_list(compiled.from);
    open_scope(inner.from_alias, true);
    compiled.level = static_cast<std::uint16_t>(scopes_.size());
    if (inner.where) {
        compiled.where = this->expression(*inner.where);
        check_condition(compiled.where);
    }
    const bool exists = expression.kind == ExpressionKind::exists;
    compiled.select = query(inner, !exists);
    scopes_.pop_back();
    program_.subqueries.push_back(compiled);
    return emit(
        exists ? Op::exists : Op::subquery,
        expression.extent,
        exists ? kTruth : kAnything,
        {},
        static_cast<std::uint32_t>(program_.subqueries.size() - 1)
    );
}

}  // namespace weir::rules::detail
