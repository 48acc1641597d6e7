#include <weir/rules/compiler.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <memory>
#include <ranges>
#include <utility>

#include <weir/base/topic.hpp>
#include <weir/rules/codes.hpp>
#include <weir/rules/detail/compiler.hpp>
#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/machine.hpp>

namespace weir::rules {
namespace detail {
namespace {

/// A longer text is made for each message: a chain of `+` would keep as many as it has operators.
constexpr std::size_t kFoldedBytesMax = 4096;

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

}  // namespace

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
        case Type::binary:
            return Value::binary(as_bytes(keep(as_text(value.bytes()))));
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
    node.level = level_of_names();
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
        case Op::last:
        case Op::changed:
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
    if (value.is(Type::string) && value.text().size() > kFoldedBytesMax) {
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

/// @param has_output  False: of EXISTS, whose items need no names.
NodeId Compiler::query(const ast::Query& query, bool has_output) {
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
        if (key.front().empty() && !has_output) {
            continue;
        }
        if (key.front().empty()) {
            reporter_.error(
                code::kAlias,
                item.expression->extent,
                "this item has no name",
                item.expression->kind == ExpressionKind::string
                    ? "a text is a value: write the field without quotes, or AS name behind the text"
                    : "write AS name behind the expression"
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
    source_ = statement.source;
    for (const ast::Variable& variable : statement.variables) {
        set_clause_ += variable.name;
        set_clause_ += text_of(variable.expression->extent);
    }
    for (const ast::Variable& variable : statement.variables) {
        program_.variables.push_back(expression(*variable.expression));
        variable_names_.push_back(variable.name);
    }
}

void Compiler::filters(const ast::Statement& statement, bool required) {
    for (const ast::Filter& filter : statement.filters) {
        const auto problem = filter_problem(filter.text);
        if (!problem.empty()) {
            reporter_.error(code::kTopicFilter, filter.extent, std::string{problem});
        }
        program_.filters.push_back(filter.text);
    }
    if (statement.filters.empty() && required) {
        reporter_.error(
            code::kSyntax,
            statement.query.extent,
            "the statement has no FROM",
            "write FROM 'topic/filter' behind the list"
        );
    }
}

void Compiler::open_scope(std::string alias, bool has_names) {
    scopes_.push_back({std::move(alias), has_names});
    const auto levels = static_cast<std::uint16_t>(scopes_.size() + 1);
    program_.levels = std::max(program_.levels, levels);
}

std::uint16_t Compiler::level_of_names() const {
    const auto found = std::ranges::find_if(std::views::reverse(scopes_), &Scope::has_names);
    return static_cast<std::uint16_t>(scopes_.rend() - found);
}

/// DO and INCASE see the message, and the element by its name.
void Compiler::foreach(const ast::Foreach& foreach, const ast::Query& query) {
    program_.foreach = expression(*foreach.list);
    check_list(program_.foreach);
    open_scope(foreach.element, false);
    if (foreach.condition) {
        program_.incase = expression(*foreach.condition);
        check_condition(program_.incase);
    }
    if (query.items.empty()) {
        program_.select = emit(Op::element, foreach.list->extent, kAnything);
        program_.nodes[program_.select].level = 1;
    } else {
        program_.select = this->query(query);
    }
    scopes_.pop_back();
}

void Compiler::statement(const ast::Statement& statement, bool filter_required) {
    const ast::Query& query = statement.query;
    filters(statement, filter_required);
    if (query.value && program_.profile == Profile::aws_2015 &&
        query.items.front().expression->kind == ExpressionKind::star) {
        reporter_.warning(
            code::kProfile, query.extent, "an array is not passed on in this profile"
        );
    }
    if (query.where) {
        program_.where = expression(*query.where);
        check_condition(program_.where);
    }
    if (statement.foreach) {
        foreach(*statement.foreach, query);
    } else {
        program_.select = this->query(query);
    }
}

}  // namespace detail

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
    statement->source = sql;
    auto program = std::make_shared<Program>();
    program->profile = options.profile;
    program->source = sql;
    detail::Compiler compiler{*program, reporter};
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
    detail::Compiler compiler{*program, reporter};
    if (variables != nullptr) {
        reporter.mute(true);
        compiler.variables(*variables);
        reporter.mute(false);
    }
    compiler.template_expression(*expression);
    return reporter.errors() == 0 ? program : nullptr;
}

}  // namespace weir::rules
