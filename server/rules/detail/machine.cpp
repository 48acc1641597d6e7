#include <weir/rules/detail/machine.hpp>

#include <algorithm>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/recorder.hpp>

namespace weir::rules::detail {

void Machine::begin(const Program& program, Recorder* recorder) {
    program_ = &program;
    recorder_ = recorder;
    elements_.assign(program.levels, Value{});
    variables_.assign(program.variables.size(), Variable{});
}

Value Machine::run(NodeId id) {
    const ProgramNode& node = program_->nodes[id];
    if (!context_->budget().spend(1)) {
        return {};
    }
    if (recorder_ == nullptr) {
        return evaluate(node);
    }
    const Value value = evaluate(node);
    record(node, value);
    return value;
}

void Machine::record(const ProgramNode& node, const Value& value) {
    recorder_->evaluated(
        std::string_view{program_->source}.substr(node.begin, node.end - node.begin), value
    );
}

Value Machine::evaluate(const ProgramNode& node) {
    switch (node.op) {
        case Op::constant:
            return program_->constants[node.data];
        case Op::path:
            return path(node);
        case Op::payload:
            return context_->payload();
        case Op::payload_bytes:
            return Value::binary(context_->input().payload);
        case Op::element:
            return elements_[node.level];
        case Op::variable:
            return variable(node);
        case Op::member:
            return context_->member(run_operand(node, 0), program_->constants[node.data].text());
        case Op::index: {
            const Value container = run_operand(node, 0);
            return context_->element(container, context_->to_number(run_operand(node, 1)));
        }
        case Op::negate:
            return negate(run_operand(node, 0));
        case Op::logical_not: {
            const auto value = to_boolean(run_operand(node, 0));
            return value ? Value::boolean(!*value) : Value{};
        }
        case Op::logical_and:
            return logic(node, false);
        case Op::logical_or:
            return logic(node, true);
        case Op::equal:
        case Op::not_equal:
            return equality(node);
        case Op::less:
        case Op::less_equal:
        case Op::greater:
        case Op::greater_equal:
            return ordering(node);
        case Op::in:
            return membership(node);
        case Op::add:
        case Op::subtract:
        case Op::multiply:
        case Op::divide:
        case Op::modulo: {
            const Value left = run_operand(node, 0);
            return arithmetic(node.op, left, run_operand(node, 1));
        }
        case Op::chain:
            return chain(node);
        case Op::case_of:
            return case_of(node);
        case Op::case_when:
            return case_when(node);
        case Op::object:
            return object(node);
        case Op::array:
            return array(node);
        case Op::call:
            return call(node);
        case Op::cast:
            return cast(node);
        case Op::subquery:
            return subquery(node);
        case Op::exists:
            return exists(node);
        case Op::last:
            return context_->remembered(program_->slots[node.data].id);
        case Op::changed:
            return changed(node);
    }
    return {};
}

Value Machine::path(const ProgramNode& node) {
    const std::span names{program_->paths[node.data]};
    Value object = node.level == 0 ? context_->payload() : elements_[node.level];
    for (const std::string& name : names.first(names.size() - 1)) {
        object = context_->member(object, name);
    }
    return context_->member(object, names.back());
}

/// SET is evaluated when a variable is first read, in the scope of the message.
Value Machine::variable(const ProgramNode& node) {
    Variable& slot = variables_[node.data];
    if (slot.state == VariableState::unset) {
        slot.state = VariableState::running;
        const Value value = run(program_->variables[node.data]);
        variables_[node.data] = {VariableState::set, value};
    }
    return variables_[node.data].value;
}

/// AND is decided by a false operand, OR by a true one. AWS: any operand that is not Boolean makes
/// it Undefined.
Value Machine::logic(const ProgramNode& node, bool deciding) {
    const bool kleene = program_->profile == Profile::native;
    bool unknown = false;
    bool decided = false;
    for (std::size_t i = 0; i < node.count; ++i) {
        const auto value = to_boolean(run_operand(node, i));
        if (!value) {
            unknown = true;
            if (!kleene) {
                return {};
            }
        } else if (*value == deciding) {
            decided = true;
            if (kleene) {
                break;
            }
        }
    }
    if (decided) {
        return Value::boolean(deciding);
    }
    return unknown ? Value{} : Value::boolean(!deciding);
}

Value Machine::equality(const ProgramNode& node) {
    const Value a = run_operand(node, 0);
    const Value b = run_operand(node, 1);
    if (a.is_undefined() || b.is_undefined() || a.is(Type::binary) || b.is(Type::binary)) {
        return {};
    }
    return Value::boolean(context_->equal(a, b) == (node.op == Op::equal));
}

Value Machine::ordering(const ProgramNode& node) {
    const auto a = context_->to_number(run_operand(node, 0));
    const auto b = context_->to_number(run_operand(node, 1));
    if (!a || !b) {
        return {};
    }
    const int order = compare(*a, *b);
    switch (node.op) {
        case Op::less:
            return Value::boolean(order < 0);
        case Op::less_equal:
            return Value::boolean(order <= 0);
        case Op::greater:
            return Value::boolean(order > 0);
        default:
            return Value::boolean(order >= 0);
    }
}

Value Machine::membership(const ProgramNode& node) {
    const Value wanted = run_operand(node, 0);
    const Value list = run_operand(node, 1);
    if (wanted.is_undefined() || !list.is(Type::array)) {
        return {};
    }
    return Value::boolean(any_of(list, [&](std::string_view, const Value& element) {
        return context_->budget().exceeded() || context_->equal(wanted, element);
    }));
}

/// With a String on either side, + joins the texts.
Value Machine::addition(const Value& a, const Value& b) {
    if (!a.is(Type::string) && !b.is(Type::string)) {
        if (!a.is_number() || !b.is_number()) {
            return {};
        }
        const bool whole = a.is(Type::integer) && b.is(Type::integer);
        const auto x = context_->to_number(a);
        const auto y = context_->to_number(b);
        return x && y ? context_->number(add(*x, *y), whole ? Type::integer : Type::decimal)
                      : Value{};
    }
    const auto left = context_->to_text(a);
    const auto right = context_->to_text(b);
    if (!left || !right || !context_->budget().spend_bytes(left->size() + right->size())) {
        return {};
    }
    return context_->text(context_->buffer().append(*left).append(*right));
}

Value Machine::arithmetic(Op op, const Value& a, const Value& b) {
    if (op == Op::add) {
        return addition(a, b);
    }
    const auto x = context_->to_number(a);
    const auto y = context_->to_number(b);
    if (!x || !y) {
        return {};
    }
    const bool whole = a.is(Type::integer) && b.is(Type::integer);
    const Type type = whole ? Type::integer : Type::decimal;
    switch (op) {
        case Op::subtract:
            return context_->number(subtract(*x, *y), type);
        case Op::multiply:
            return context_->number(multiply(*x, *y), type);
        case Op::modulo:
            return context_->number(context_->remainder(*x, *y), type);
        default:
            break;
    }
    const auto quotient = divide(*x, *y);
    if (quotient && whole && program_->profile != Profile::native) {
        return context_->number(round(*quotient, Rounding::toward_zero), Type::integer);
    }
    return context_->number(quotient, Type::decimal);
}

/// Each step's left operand is what came out of the one before: however many there are, nothing recurses.
Value Machine::chain(const ProgramNode& node) {
    Value value = run_operand(node, 0);
    for (std::size_t i = 1; i < node.count; ++i) {
        const ProgramNode& step = program_->nodes[operand(node, i)];
        if (!context_->budget().spend(1)) {
            return {};
        }
        value = arithmetic(step.op, value, run_operand(step, 1));
        if (recorder_ != nullptr && i + 1 < node.count) {
            record(step, value);
        }
    }
    return value;
}

Value Machine::negate(const Value& value) {
    const auto number = context_->to_number(value);
    if (!number) {
        return {};
    }
    const Type type = value.is(Type::integer) ? Type::integer : Type::decimal;
    return context_->number(Decimal{-number->coefficient, number->exponent}, type);
}

/// An Undefined subject skips ELSE as well.
Value Machine::case_of(const ProgramNode& node) {
    const Value subject = run_operand(node, 0);
    if (subject.is_undefined()) {
        return {};
    }
    const std::size_t pairs_end = node.count - (node.has_else ? 1 : 0);
    for (std::size_t i = 1; i < pairs_end; i += 2) {
        const Value when = run_operand(node, i);
        if (!when.is_undefined() && context_->equal(subject, when)) {
            return run_operand(node, i + 1);
        }
    }
    return node.has_else ? run_operand(node, node.count - 1) : Value{};
}

Value Machine::case_when(const ProgramNode& node) {
    const std::size_t pairs_end = node.count - (node.has_else ? 1 : 0);
    for (std::size_t i = 0; i < pairs_end; i += 2) {
        if (to_boolean(run_operand(node, i)).value_or(false)) {
            return run_operand(node, i + 1);
        }
    }
    return node.has_else ? run_operand(node, node.count - 1) : Value{};
}

/// Members with one name: the last one that has a value stays, at the place of the first.
Value Machine::object(const ProgramNode& node) {
    const auto own = context_->values(node.count);
    std::size_t count = 0;
    bool spliced = false;
    for (std::size_t i = 0; i < node.count; ++i) {
        own[i] = run_operand(node, i);
        const bool splice = !program_->keys[node.data + i];
        spliced = spliced || splice;
        count += splice ? (own[i].is(Type::object) ? own[i].size() : 0) : 1;
    }
    if (!context_->budget().spend(count)) {
        return {};
    }
    const auto members = context_->members(count);
    std::size_t used = 0;
    const auto put = [&](std::string_view key, const Value& value, bool unique) {
        if (value.is_undefined()) {
            return;
        }
        if (unique) {
            const auto have = members.first(used);
            if (!context_->budget().spend(used / 64)) {
                return;
            }
            const auto found = std::ranges::find(have, key, &Member::key);
            if (found != have.end()) {
                found->value = value;
                return;
            }
        }
        members[used++] = {key, value};
    };
    for (std::size_t i = 0; i < node.count; ++i) {
        if (const auto& key = program_->keys[node.data + i]) {
            put(*key, own[i], spliced);
        } else if (own[i].is(Type::object)) {
            for_each(own[i], [&](std::string_view name, const Value& value) {
                put(name, value, used > 0);
            });
        }
    }
    return Value::object(members.first(used));
}

Value Machine::array(const ProgramNode& node) {
    const auto elements = context_->values(node.count);
    std::size_t used = 0;
    for (std::size_t i = 0; i < node.count; ++i) {
        const Value element = run_operand(node, i);
        if (!element.is_undefined()) {
            elements[used++] = element;
        }
    }
    return Value::array(elements.first(used));
}

bool Machine::convert(Parameter parameter, Value& argument) {
    switch (parameter) {
        case Parameter::any:
            return true;
        case Parameter::text: {
            const auto text = context_->to_text(argument);
            if (text && !argument.is(Type::string)) {
                argument = Value::string(*text);
            }
            return text && context_->budget().spend_bytes(text->size());
        }
        case Parameter::number:
        case Parameter::integer: {
            const auto number = context_->to_number(argument);
            if (!number) {
                return false;
            }
            if (parameter == Parameter::integer) {
                const Decimal whole = round(*number, Rounding::down);
                argument = Value::number(whole, Type::integer);
                return whole.exponent == 0;
            }
            if (argument.is(Type::string)) {
                argument = Value::number(*number, Type::decimal);
            }
            return true;
        }
    }
    return false;
}

Value Machine::call(const ProgramNode& node) {
    const Program::CallSite& site = program_->calls[node.data];
    const auto arguments = context_->values(node.count);
    bool acceptable = true;
    for (std::size_t i = 0; i < node.count; ++i) {
        arguments[i] = run_operand(node, i);
        const auto& parameters = site.function->parameters;
        const Parameter parameter = parameters[std::min(i, parameters.size() - 1)];
        acceptable = acceptable && convert(parameter, arguments[i]);
    }
    if (!acceptable || context_->budget().exceeded()) {
        return {};
    }
    return site.function->call({*context_, arguments, site.prepared.get()});
}

Value Machine::cast(const ProgramNode& node) {
    const Value value = run_operand(node, 0);
    const auto target = static_cast<CastTo>(node.data);
    if (target == CastTo::text) {
        const auto text = context_->to_text(value);
        return text ? Value::string(*text) : Value{};
    }
    if (target == CastTo::boolean) {
        if (value.is_number()) {
            const auto number = context_->to_number(value);
            return number ? Value::boolean(number->coefficient != 0) : Value{};
        }
        const auto boolean = to_boolean(value);
        return boolean ? Value::boolean(*boolean) : Value{};
    }
    auto number = value.is(Type::boolean) ? std::optional{Decimal{value.as_boolean() ? 1 : 0, 0}}
                                          : context_->to_number(value);
    if (!number) {
        return {};
    }
    if (target == CastTo::decimal) {
        return context_->number(number, Type::decimal);
    }
    const Rounding rounding = value.is(Type::string) ? Rounding::toward_zero : Rounding::down;
    return context_->number(round(*number, rounding), Type::integer);
}

/// What was never seen before has changed. Without a memory, nobody can say.
Value Machine::changed(const ProgramNode& node) {
    const Value now = run_operand(node, 0);
    if (now.is_undefined() || !context_->remembers()) {
        return {};
    }
    const Value before = context_->remembered(program_->slots[node.data].id);
    return Value::boolean(before.is_undefined() || !context_->equal(now, before));
}

bool Machine::passes(const Program::Subquery& query, const Value& element) {
    elements_[query.level] = context_->found(element);
    return query.where == kNoNode || to_boolean(run(query.where)).value_or(false);
}

/// Of an array: an array with what each element that passes gives. Of an object: what it gives
/// itself.
Value Machine::subquery(const ProgramNode& node) {
    const Program::Subquery& query = program_->subqueries[node.data];
    const Value from = run(query.from);
    if (from.is(Type::object)) {
        return passes(query, from) ? run(query.select) : Value{};
    }
    if (!from.is(Type::array)) {
        return {};
    }
    const std::size_t size = from.size();
    if (!context_->budget().spend(size)) {
        return {};
    }
    const auto results = context_->values(size);
    std::size_t used = 0;
    any_of(from, [&](std::string_view, const Value& element) {
        const Value result = passes(query, element) ? run(query.select) : Value{};
        if (!result.is_undefined()) {
            results[used++] = result;
        }
        return context_->budget().exceeded();
    });
    return Value::array(results.first(used));
}

Value Machine::exists(const ProgramNode& node) {
    const Program::Subquery& query = program_->subqueries[node.data];
    const Value from = run(query.from);
    if (from.is(Type::object)) {
        return Value::boolean(passes(query, from));
    }
    if (!from.is(Type::array)) {
        return {};
    }
    return Value::boolean(any_of(from, [&](std::string_view, const Value& element) {
        return context_->budget().exceeded() || passes(query, element);
    }));
}

}  // namespace weir::rules::detail
