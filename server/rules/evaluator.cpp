#include <weir/rules/evaluator.hpp>

#include <algorithm>

#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/machine.hpp>
#include <weir/rules/detail/state_key.hpp>
#include <weir/rules/detail/state_record.hpp>

namespace weir::rules {

struct Evaluator::State {
    /// A larger output buffer is given back after the message.
    static constexpr std::size_t kKeptBytesMax = 1024 * 1024;

    detail::Context context;
    detail::Machine machine{context};
    std::vector<std::uint32_t> matched;
    std::size_t next = 0;
    std::string text;  ///< Of all outputs that are JSON, one behind the other.
    std::vector<Output> outputs;
    std::string rendered;
    Recorder* recorder = nullptr;
    std::string record;  ///< What the rule remembers of the key.

    [[nodiscard]] Evaluated evaluate(const Program& program, Recorder* watching);
    [[nodiscard]] std::optional<Evaluated> evaluate(
        const RuleDefinition& rule, const Input& input, StateView& state, Recorder* watching
    );
    /// What an expression of the rule's head gives; nothing for values that are no key.
    [[nodiscard]] std::optional<std::string> key_of(const Program& program);
    void update(
        const RuleDefinition& rule, const StateKey& key, const Input& input, StateView& state
    );
    [[nodiscard]] bool is_duplicate(
        const RuleDefinition& rule, std::string_view prefix, const Input& input, StateView& state
    );

    /// What SELECT gives. In aws_2015 an array is no output.
    [[nodiscard]] Value selected(const Program& program);
    /// Evaluates a clause.
    [[nodiscard]] Value run(std::string_view clause, NodeId node);

    void clear_outputs() noexcept;
    /// Their bytes are in place once all are there.
    [[nodiscard]] error_code add_output(const Value& value);
    [[nodiscard]] error_code add_elements(const Program& program);
    void place_outputs() noexcept;
    void fail(error_code why) { outputs.assign(1, Output{Output::Kind::failed, {}, why}); }
};

Value Evaluator::State::run(std::string_view clause, NodeId node) {
    if (recorder != nullptr) {
        recorder->clause(clause);
    }
    return machine.run(node);
}

Value Evaluator::State::selected(const Program& program) {
    const Value value = run("SELECT", program.select);
    return program.profile == Profile::aws_2015 && value.is(Type::array) ? Value{} : value;
}

void Evaluator::State::clear_outputs() noexcept {
    if (text.capacity() > kKeptBytesMax) {
        text = {};
    }
    text.clear();
    outputs.clear();
}

error_code Evaluator::State::add_output(const Value& value) {
    if (outputs.size() == kOutputsMax) {
        return errc::too_many_outputs;
    }
    Output output{.index = static_cast<std::uint32_t>(outputs.size())};
    if (value.is(Type::binary)) {
        output.kind = Output::Kind::raw;
        output.bytes = value.bytes();
    } else {
        const std::size_t before = text.size();
        if (!detail::write_json(text, value, context.budget())) {
            return errc::budget_exceeded;
        }
        // The text may still move: for now the size alone is right.
        output.bytes = as_bytes(std::string_view{text}.substr(before));
    }
    outputs.push_back(output);
    return {};
}

/// Elements without a value are left out. An object is the one element of a list.
error_code Evaluator::State::add_elements(const Program& program) {
    error_code failure;
    std::size_t count = 0;
    const auto add = [&](std::string_view, const Value& element) {
        if (++count <= kOutputsMax) {
            context.budget().grant(detail::Budget::kStepsPerElement);
        }
        machine.set_element(element);
        if (program.incase != kNoNode && !to_boolean(run("INCASE", program.incase)).value_or(false)) {
            return context.budget().exceeded();
        }
        if (const Value value = run("DO", program.select); !value.is_undefined()) {
            failure = add_output(value);
        }
        return failure || context.budget().exceeded();
    };
    const Value list = run("FOREACH", program.foreach);
    if (list.is(Type::object)) {
        add({}, list);
    } else {
        detail::any_of(list, add);
    }
    return failure;
}

void Evaluator::State::place_outputs() noexcept {
    std::string_view rest = text;
    for (Output& output : outputs) {
        if (output.kind == Output::Kind::json) {
            output.bytes = as_bytes(rest.substr(0, output.bytes.size()));
            rest.remove_prefix(output.bytes.size());
        }
    }
}

Evaluator::Evaluator() : state_{std::make_unique<State>()} {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

void Evaluator::begin(const RuleSet& rules, const Input& input) noexcept {
    state_->matched.clear();
    state_->next = 0;
    rules.match(input.topic, state_->matched);
    state_->context.begin_message(input);
}

const Rule* Evaluator::next(const RuleSet& rules) noexcept {
    return state_->next < state_->matched.size() ? &rules.rules()[state_->matched[state_->next++]]
                                                 : nullptr;
}

Evaluated Evaluator::State::evaluate(const Program& program, Recorder* watching) {
    clear_outputs();
    context.begin_evaluation(program.profile);
    machine.begin(program, watching);
    recorder = watching;
    Evaluated result;
    error_code failure;
    if (program.where != kNoNode) {
        const auto where = to_boolean(run("WHERE", program.where));
        result.where = !where   ? Evaluated::Where::is_undefined
                       : *where ? Evaluated::Where::is_true
                                : Evaluated::Where::is_false;
    }
    if (result.where == Evaluated::Where::is_true) {
        failure = program.foreach == kNoNode ? add_output(selected(program)) : add_elements(program);
    }
    recorder = nullptr;
    machine.watch(nullptr);
    if (context.budget().exceeded()) {
        failure = errc::budget_exceeded;
    }
    if (failure) {
        fail(failure);
    } else {
        place_outputs();
    }
    result.steps = context.budget().spent();
    result.outputs = outputs;
    return result;
}

std::optional<std::string> Evaluator::State::key_of(const Program& program) {
    context.begin_evaluation(program.profile);
    machine.begin(program, nullptr);
    std::string key;
    return detail::write_key(key, machine.run(program.select), context) ? std::optional{std::move(key)}
                                                                       : std::nullopt;
}

/// Values that a message does not have stay as they are.
void Evaluator::State::update(
    const RuleDefinition& rule, const StateKey& key, const Input& input, StateView& state
) {
    std::string next_record;
    for (const Program::Slot& slot : rule.program->slots) {
        std::string value;
        const Value now = machine.run(slot.value);
        const bool kept = detail::write_value(value, now, context);
        if (const auto before = detail::find_slot(as_bytes(record), slot.id);
            before && !kept && now.is_undefined()) {
            value = *before;
        }
        if (!value.empty()) {
            detail::append_slot(next_record, {slot.id, value});
        }
    }
    if (!context.budget().exceeded()) {
        state.write(key, as_bytes(next_record), input.timestamp_ms);
    }
}

bool Evaluator::State::is_duplicate(
    const RuleDefinition& rule, std::string_view prefix, const Input& input, StateView& state
) {
    const auto by = key_of(*rule.deduplicate->by);
    if (!by) {
        return false;  // A message that does not say which it is.
    }
    if (by->size() > kStateKeyBytesMax) {
        fail(errc::state_key_too_long);
        return false;
    }
    const std::string key = seen_key(prefix, *by);
    const StateKey seen{rule.name, StateKind::seen, key};
    if (state.find(seen, input.timestamp_ms - rule.deduplicate->limits.age.count())) {
        return true;
    }
    state.write(seen, {}, input.timestamp_ms);
    return false;
}

std::optional<Evaluated> Evaluator::State::evaluate(
    const RuleDefinition& rule, const Input& input, StateView& state, Recorder* watching
) {
    // Without values to remember, what is seen is all there is to a key: it is spread by that.
    const bool has_slots = !rule.program->slots.empty();
    const bool by_value = !has_slots && rule.state.key == nullptr;
    const Program* const key_program =
        by_value ? rule.deduplicate->by.get() : rule.state.key.get();
    const auto key = key_program == nullptr ? std::optional{std::string{input.topic}}
                                            : key_of(*key_program);
    if (key && key->size() > kStateKeyBytesMax) {
        clear_outputs();
        fail(errc::state_key_too_long);
        return Evaluated{.outputs = outputs};
    }
    if (key && !state.is_here(rule.name, *key)) {
        return std::nullopt;
    }
    const StateKey values{rule.name, StateKind::values, key ? *key : std::string_view{}};
    if (key && has_slots) {
        const auto found = state.find(values, input.timestamp_ms - rule.state.limits.age.count());
        record = as_text(found.value_or(ByteView{}));
        context.set_record(as_bytes(record));
    }
    Evaluated result = evaluate(*rule.program, watching);
    const auto failed = [this] {
        return !outputs.empty() && outputs.front().kind == Output::Kind::failed;
    };
    if (key && has_slots && !failed()) {
        update(rule, values, input, state);
    }
    if (rule.deduplicate && key && !outputs.empty() && !failed()) {
        result.is_duplicate =
            is_duplicate(rule, by_value ? std::string_view{} : *key, input, state);
    }
    result.outputs = result.is_duplicate ? std::span<const Output>{} : outputs;
    return result;
}

std::optional<Evaluated> Evaluator::run(
    const RuleDefinition& rule, StateView* state, Recorder* recorder
) noexcept {
    state_->context.set_record(std::nullopt);
    return state == nullptr || !rule.remembers()
               ? state_->evaluate(*rule.program, recorder)
               : state_->evaluate(rule, state_->context.input(), *state, recorder);
}

std::optional<Evaluated> Evaluator::evaluate(
    const RuleDefinition& rule, const Input& input, StateView* state, Recorder* recorder
) noexcept {
    state_->context.begin_message(input);
    return run(rule, state, recorder);
}

std::span<const Output> Evaluator::evaluate(
    const Program& program, const Input& input, Recorder* recorder
) noexcept {
    state_->context.begin_message(input);
    return state_->evaluate(program, recorder).outputs;
}

Result<std::string_view> Evaluator::render(const Template& text, Escape escape) noexcept {
    detail::Context& context = state_->context;
    std::string& out = state_->rendered;
    out.clear();
    for (const Template::Part& part : text.parts()) {
        if (part.expression == nullptr) {
            out += part.text;
            continue;
        }
        context.begin_evaluation(part.expression->profile);
        state_->machine.begin(*part.expression, nullptr);
        const auto value = context.to_text(state_->machine.run(part.expression->select));
        if (context.budget().exceeded()) {
            return errc::budget_exceeded;
        }
        if (!value && text.strict()) {
            return errc::template_undefined;
        }
        const std::string_view plain = value.value_or("");
        out += escape == nullptr ? plain : std::string_view{escape(plain)};
    }
    if (out.empty() && text.strict()) {
        return errc::template_empty;
    }
    return std::string_view{out};
}

void Evaluator::begin(const Input& input) noexcept {
    state_->context.begin_message(input);
}

Result<std::string_view> Evaluator::render(const Template& text, const Input& input) noexcept {
    begin(input);
    return render(text);
}

std::optional<BasicIngest> parse_basic_ingest(std::string_view topic) noexcept {
    if (!topic.starts_with(kBasicIngestPrefix)) {
        return std::nullopt;
    }
    topic.remove_prefix(kBasicIngestPrefix.size());
    const auto slash = std::min(topic.find('/'), topic.size());
    if (slash == 0) {
        return std::nullopt;
    }
    return BasicIngest{topic.substr(0, slash), topic.substr(std::min(slash + 1, topic.size()))};
}

}  // namespace weir::rules
