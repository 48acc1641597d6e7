#include <weir/rules/compiler.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include <weir/base/text.hpp>
#include <weir/base/topic.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/machine.hpp>
#include <weir/rules/detail/text.hpp>

namespace weir::rules {
namespace {

using ast::Expression;
using ast::ExpressionKind;

/// Which types an expression may have, as bits by Type.
using TypeSet = std::uint16_t;

constexpr TypeSet set_of(std::initializer_list<Type> types) {
    TypeSet set = 0;
    for (const Type type : types) {
        set = static_cast<TypeSet>(set | 1U << static_cast<unsigned>(type));
    }
    return set;
}

constexpr TypeSet kAnything = 0x1FF;
constexpr TypeSet kTruth = set_of({Type::boolean, Type::undefined});
constexpr TypeSet kNumber = set_of({Type::integer, Type::decimal, Type::undefined});
constexpr TypeSet kMayBeTrue = set_of({Type::boolean, Type::string});
constexpr TypeSet kMayBeNumber = set_of({Type::integer, Type::decimal, Type::string});

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

/// What is wrong with a topic filter; empty: nothing.
std::string_view filter_problem(std::string_view filter) {
    constexpr std::size_t kBytesMax = 65'535;
    if (filter.empty()) {
        return "a topic filter is not empty";
    }
    if (filter.size() > kBytesMax || filter.find('\0') != std::string_view::npos) {
        return "a topic filter has at most 65535 bytes, and no NUL";
    }
    std::size_t count = 0;
    for (TopicLevels levels{filter}; !levels.done();) {
        const auto level = levels.next();
        if (++count > kTopicLevelsMax) {
            return "a topic filter has at most 128 levels";
        }
        if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) {
            return "+ and # stand for whole levels";
        }
        if (level == "#" && !levels.done()) {
            return "# is the last level";
        }
    }
    return {};
}

/// The name of an item without AS; empty: it has none.
std::string_view natural_name(const Expression& expression) {
    switch (expression.kind) {
        case ExpressionKind::path:
            return expression.names.back();
        case ExpressionKind::call:
        case ExpressionKind::member:
        case ExpressionKind::variable:
            return expression.text;
        case ExpressionKind::cast:
            return "cast";
        default:
            return {};
    }
}

class Compiler {
public:
    Compiler(Program& program, Reporter& reporter) : program_{program}, reporter_{reporter} {}

    void variables(const ast::Statement& statement);
    void statement(const ast::Statement& statement, bool filter_required);
    void template_expression(const Expression& expression) {
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

    NodeId query(const ast::Query& query);
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
    NodeId call(const Expression& expression);
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
    void require_numbers(const Expression& expression, std::span<const NodeId> ids);

    [[nodiscard]] const ProgramNode& node(NodeId id) const { return program_.nodes[id]; }
    [[nodiscard]] ast::Extent extent(NodeId id) const { return {node(id).begin, node(id).end}; }

    Program& program_;
    Reporter& reporter_;
    std::vector<TypeSet> types_;  ///< By node.
    std::vector<std::string> variable_names_;
    std::vector<std::string> aliases_;  ///< FROM .. AS, by level - 1.
    detail::Context context_;
};

// Memory.

template <class T>
std::span<T> Compiler::allocate(std::size_t count) {
    auto* first = static_cast<T*>(program_.memory.allocate(count * sizeof(T), alignof(T)));
    std::uninitialized_default_construct_n(first, count);
    return {first, count};
}

std::string_view Compiler::keep(std::string_view text) {
    const auto copy = allocate<char>(text.size());
    std::ranges::copy(text, copy.begin());
    return {copy.data(), copy.size()};
}

/// A copy that lives as long as the program.
Value Compiler::keep(const Value& value) {
    switch (value.type()) {
        case Type::string:
            return Value::string(keep(value.text()));
        case Type::integer:
        case Type::decimal:
            return Value::number(value.number().value_or(Decimal{}), value.type());
        case Type::array: {
            const auto elements = allocate<Value>(value.size());
            auto out = elements.begin();
            detail::for_each(value, [&](std::string_view, const Value& element) {
                *out++ = keep(element);
            });
            return Value::array(elements);
        }
        case Type::object: {
            const auto members = allocate<Member>(value.size());
            auto out = members.begin();
            detail::for_each(value, [&](std::string_view key, const Value& member) {
                *out++ = {keep(key), keep(member)};
            });
            return Value::object(members);
        }
        default:
            return value;
    }
}

// Nodes.

NodeId Compiler::emit(
    Op op, ast::Extent extent, TypeSet types, std::span<const NodeId> operands, std::uint32_t data
) {
    ProgramNode node;
    node.op = op;
    node.level = static_cast<std::uint16_t>(aliases_.size());
    node.first = static_cast<std::uint32_t>(program_.operands.size());
    node.count = static_cast<std::uint32_t>(operands.size());
    node.data = data;
    node.begin = extent.begin;
    node.end = extent.end;
    program_.operands.insert(program_.operands.end(), operands.begin(), operands.end());
    program_.nodes.push_back(node);
    types_.push_back(types);
    return static_cast<NodeId>(program_.nodes.size() - 1);
}

NodeId Compiler::constant(const Value& value, ast::Extent extent) {
    program_.constants.push_back(value);
    return emit(
        Op::constant,
        extent,
        set_of({value.type()}),
        {},
        static_cast<std::uint32_t>(program_.constants.size() - 1)
    );
}

bool Compiler::foldable(const ProgramNode& node) const {
    switch (node.op) {
        case Op::constant:
        case Op::path:
        case Op::payload:
        case Op::payload_bytes:
        case Op::element:
        case Op::variable:
        case Op::subquery:
        case Op::exists:
            return false;
        case Op::call:
            if (!program_.calls[node.data].function->pure) {
                return false;
            }
            break;
        default:
            break;
    }
    return std::ranges::all_of(
        std::span{program_.operands}.subspan(node.first, node.count),
        [&](NodeId id) { return program_.nodes[id].op == Op::constant; }
    );
}

NodeId Compiler::fold(NodeId id) {
    if (!foldable(node(id))) {
        return id;
    }
    context_.begin_evaluation(program_.profile);
    detail::Machine machine{context_};
    machine.begin(program_, nullptr);
    const Value value = machine.run(id);
    if (context_.budget().exceeded()) {
        return id;
    }
    if (value.is_undefined()) {
        reporter_.warning(code::kAlwaysUndefined, extent(id), "this is always Undefined");
    }
    return constant(keep(value), extent(id));
}

std::vector<NodeId> Compiler::operands(const Expression& expression) {
    std::vector<NodeId> ids;
    ids.reserve(expression.operands.size());
    for (const auto& operand : expression.operands) {
        ids.push_back(this->expression(*operand));
    }
    return ids;
}

// Expressions.

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
        case ExpressionKind::call:
            return call(expression);
        case ExpressionKind::cast:
            return cast(expression);
        case ExpressionKind::case_of:
        case ExpressionKind::case_when: {
            const Op op = expression.kind == ExpressionKind::case_of ? Op::case_of : Op::case_when;
            const NodeId id = emit(op, at, kAnything, operands(expression));
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
    auto level = static_cast<std::uint16_t>(aliases_.size());
    for (std::size_t i = aliases_.size(); i > 0; --i) {
        if (aliases_[i - 1] == names.front()) {
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
    const auto known = std::ranges::find(program_.paths, path);
    const auto index = static_cast<std::uint32_t>(known - program_.paths.begin());
    if (known == program_.paths.end()) {
        program_.paths.push_back(std::move(path));
    }
    const NodeId id = emit(Op::path, expression.extent, kAnything, {}, index);
    program_.nodes[id].level = level;
    return id;
}

NodeId Compiler::star(ast::Extent extent) {
    return emit(aliases_.empty() ? Op::payload : Op::element, extent, kAnything);
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
    return emit(
        Op::variable,
        expression.extent,
        kAnything,
        {},
        static_cast<std::uint32_t>(found - variable_names_.begin())
    );
}

NodeId Compiler::unary(const Expression& expression) {
    const auto ids = operands(expression);
    if (expression.unary == ast::Unary::logical_not) {
        return fold(emit(Op::logical_not, expression.extent, kTruth, ids));
    }
    require_numbers(expression, ids);
    return fold(emit(Op::negate, expression.extent, kNumber, ids));
}

void Compiler::require_numbers(const Expression& expression, std::span<const NodeId> ids) {
    const auto never = [&](NodeId id) { return (types_[id] & kMayBeNumber) == 0; };
    const auto found = std::ranges::find_if(ids, never);
    // Constants are found out by folding, or have been reported.
    if (found != ids.end() && node(*found).op != Op::constant) {
        reporter_.warning(
            code::kAlwaysUndefined,
            extent(*found),
            "this is never a number, so that the result is always Undefined",
            expression.kind == ExpressionKind::binary
                ? "comparisons bind more loosely than arithmetic"
                : ""
        );
    }
}

NodeId Compiler::binary(const Expression& expression) {
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
    const auto ids = operands(expression);
    const Row& row = kRows[static_cast<std::size_t>(expression.binary)];
    if (row.types == kNumber) {
        require_numbers(expression, ids);
    }
    return fold(emit(row.op, expression.extent, row.types, ids));
}

void Compiler::unknown_function(const Expression& expression) {
    std::vector<std::string_view> names{"cast", "exists"};
    for (const Function& function : functions()) {
        if (function.in(program_.profile)) {
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
    if (function->call == nullptr) {
        reporter_.error(
            code::kExternal,
            expression.name_extent,
            fmt::format("{}() calls an outside service, which rules cannot", function->name),
            "send the message to an HTTP sink instead"
        );
        return false;
    }
    const std::size_t given = expression.operands.size();
    const bool bounded = function->arguments_max != kAnyNumber;
    if (given < function->arguments_min || (bounded && given > function->arguments_max)) {
        const bool few = given < function->arguments_min;
        reporter_.error(
            code::kArguments,
            expression.extent,
            fmt::format(
                "{}() takes at {} {} arguments, not {}",
                function->name,
                few ? "least" : "most",
                few ? function->arguments_min : function->arguments_max,
                given
            ),
            fmt::format("{}: {}", function->signature, function->help)
        );
        return false;
    }
    return true;
}

NodeId Compiler::call(const Expression& expression) {
    const Function* function = find_function(expression.text);
    std::vector<NodeId> ids;
    for (const auto& operand : expression.operands) {
        // encode(*) is about the bytes that came, not about the value that they spell.
        const bool bytes = function != nullptr && function->name == "encode" && aliases_.empty() &&
                           operand->kind == ExpressionKind::star;
        ids.push_back(
            bytes ? emit(Op::payload_bytes, operand->extent, kAnything) : this->expression(*operand)
        );
    }
    if (!check_call(expression, function)) {
        return emit(Op::array, expression.extent, kAnything);
    }
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
    return fold(emit(Op::call, expression.extent, kAnything, ids, index));
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
        return emit(Op::array, expression.extent, kAnything);
    }
    if (found->since_2016 && program_.profile == Profile::aws_2015) {
        reporter_.error(
            code::kProfile,
            expression.name_extent,
            fmt::format("cast to {} is not in profile {}", found->name, name(program_.profile)),
            "use aws-2016-03-23 or native"
        );
    }
    return fold(
        emit(Op::cast, expression.extent, kAnything, ids, static_cast<std::uint32_t>(found->to))
    );
}

NodeId Compiler::object(const Expression& expression) {
    const auto ids = operands(expression);
    const auto first = static_cast<std::uint32_t>(program_.keys.size());
    program_.keys.insert(program_.keys.end(), expression.names.begin(), expression.names.end());
    return fold(emit(Op::object, expression.extent, set_of({Type::object}), ids, first));
}

NodeId Compiler::subquery(const Expression& expression) {
    const ast::Query& inner = *expression.query;
    Program::Subquery compiled;
    compiled.from = this->expression(*inner.from);
    aliases_.push_back(inner.from_alias);
    compiled.level = static_cast<std::uint16_t>(aliases_.size());
    program_.levels = std::max(program_.levels, static_cast<std::uint16_t>(compiled.level + 1));
    if (inner.where) {
        compiled.where = this->expression(*inner.where);
    }
    compiled.select = query(inner);
    aliases_.pop_back();
    program_.subqueries.push_back(compiled);
    const bool exists = expression.kind == ExpressionKind::exists;
    return emit(
        exists ? Op::exists : Op::subquery,
        expression.extent,
        exists ? kTruth : kAnything,
        {},
        static_cast<std::uint32_t>(program_.subqueries.size() - 1)
    );
}

// Statement.

void Compiler::add_output(
    std::vector<Output::Entry>& entries,
    std::span<const std::string> path,
    NodeId node,
    ast::Extent at
) {
    auto found = std::ranges::find(entries, std::optional{path.front()}, &Output::Entry::key);
    const bool leaf = path.size() == 1;
    if (found != entries.end() && (leaf || found->node != kNoNode)) {
        reporter_.warning(
            code::kAlias,
            at,
            fmt::format("another item is called `{}` too; this one replaces it", path.front())
        );
        *found = {path.front(), kNoNode, {}};
    }
    if (found == entries.end()) {
        entries.push_back({path.front(), kNoNode, {}});
        found = entries.end() - 1;
    }
    if (leaf) {
        found->node = node;
    } else {
        add_output(found->group, path.subspan(1), node, at);
    }
}

NodeId Compiler::emit_output(std::vector<Output::Entry>& entries, ast::Extent extent) {
    std::vector<NodeId> ids;
    for (auto& entry : entries) {
        ids.push_back(entry.node != kNoNode ? entry.node : emit_output(entry.group, extent));
    }
    const auto first = static_cast<std::uint32_t>(program_.keys.size());
    for (auto& entry : entries) {
        program_.keys.push_back(std::move(entry.key));
    }
    return emit(Op::object, extent, set_of({Type::object}), ids, first);
}

NodeId Compiler::query(const ast::Query& query) {
    const auto& items = query.items;
    const bool whole =
        items.front().expression->kind == ExpressionKind::star && items.front().alias.empty();
    if (query.value || (whole && items.size() == 1)) {
        return expression(*items.front().expression);
    }
    Output output;
    for (const ast::Item& item : items) {
        const NodeId id = expression(*item.expression);
        if (item.expression->kind == ExpressionKind::star && item.alias.empty()) {
            output.entries.push_back({kSplice, id, {}});
            continue;
        }
        std::vector<std::string> key = item.alias;
        if (key.empty()) {
            key.emplace_back(natural_name(*item.expression));
        }
        if (key.front().empty()) {
            reporter_.error(
                code::kAlias,
                item.expression->extent,
                "this item has no name",
                "write AS name behind the expression"
            );
        }
        add_output(
            output.entries,
            key,
            id,
            item.alias.empty() ? item.expression->extent : item.alias_extent
        );
    }
    return emit_output(output.entries, query.extent);
}

void Compiler::variables(const ast::Statement& statement) {
    for (const ast::Variable& variable : statement.variables) {
        program_.variables.push_back(expression(*variable.expression));
        variable_names_.push_back(variable.name);
    }
}

void Compiler::statement(const ast::Statement& statement, bool filter_required) {
    const ast::Query& query = statement.query;
    if (statement.filter) {
        const auto problem = filter_problem(*statement.filter);
        if (!problem.empty()) {
            reporter_.error(code::kTopicFilter, statement.filter_extent, std::string{problem});
        }
        program_.filter = statement.filter;
    } else if (filter_required) {
        reporter_.error(
            code::kSyntax,
            query.extent,
            "the statement has no FROM",
            "write FROM 'topic/filter' behind the list"
        );
    }
    if (query.value && program_.profile == Profile::aws_2015 &&
        query.items.front().expression->kind == ExpressionKind::star) {
        reporter_.warning(
            code::kProfile, query.extent, "an array is not passed on in this profile"
        );
    }
    if (query.where) {
        program_.where = expression(*query.where);
        const ProgramNode& where = node(program_.where);
        const bool never = where.op == Op::constant
                               ? !to_boolean(program_.constants[where.data]).value_or(false)
                               : (types_[program_.where] & kMayBeTrue) == 0;
        if (never) {
            reporter_.warning(
                code::kNeverTrue,
                query.where->extent,
                "the condition is never true",
                "compare with =, <> or <"
            );
        }
    }
    program_.select = this->query(query);
}

}  // namespace

ProgramPtr compile_statement(
    std::string_view sql,
    const CompileOptions& options,
    document::Diagnostics& diagnostics,
    std::optional<ast::Statement>* parsed
) {
    Reporter reporter{sql, options.place, diagnostics};
    auto statement = parse_statement(sql, options.profile, reporter);
    if (!statement) {
        return nullptr;
    }
    auto program = std::make_shared<Program>();
    program->profile = options.profile;
    program->source = sql;
    Compiler compiler{*program, reporter};
    compiler.variables(*statement);
    compiler.statement(*statement, options.filter_required);
    if (parsed != nullptr) {
        *parsed = std::move(statement);
    }
    return reporter.errors() == 0 ? program : nullptr;
}

ProgramPtr compile_expression(
    std::string_view text,
    const CompileOptions& options,
    const ast::Statement* variables,
    document::Diagnostics& diagnostics
) {
    Reporter reporter{text, options.place, diagnostics};
    const auto expression = parse_expression(text, options.profile, reporter);
    if (!expression) {
        return nullptr;
    }
    auto program = std::make_shared<Program>();
    program->profile = options.profile;
    program->source = text;
    Compiler compiler{*program, reporter};
    if (variables != nullptr) {
        reporter.mute(true);
        compiler.variables(*variables);
        reporter.mute(false);
    }
    compiler.template_expression(*expression);
    return reporter.errors() == 0 ? program : nullptr;
}

}  // namespace weir::rules
