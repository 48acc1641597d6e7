#include <weir/rules/evaluator.hpp>

#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/machine.hpp>

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

    /// Evaluates a clause.
    [[nodiscard]] Value run(std::string_view clause, NodeId node);

    void clear_outputs() noexcept;
    /// Their bytes are in place once all are there.
    [[nodiscard]] error_code add_output(const Value& value);
    [[nodiscard]] error_code add_elements(const Program& program);
    void place_outputs() noexcept;
};

Value Evaluator::State::run(std::string_view clause, NodeId node) {
    if (recorder != nullptr) {
        recorder->clause(clause);
    }
    return machine.run(node);
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
    const auto add = [&](std::string_view, const Value& element) {
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

std::span<const Output> Evaluator::run(const Program& program, Recorder* recorder) noexcept {
    State& state = *state_;
    detail::Context& context = state.context;
    state.clear_outputs();
    context.begin_evaluation(program.profile);
    state.machine.begin(program, recorder);
    state.recorder = recorder;
    error_code failure;
    if (program.where == kNoNode || to_boolean(state.run("WHERE", program.where)).value_or(false)) {
        failure = program.foreach == kNoNode
                      ? state.add_output(state.run("SELECT", program.select))
                      : state.add_elements(program);
    }
    if (context.budget().exceeded()) {
        failure = errc::budget_exceeded;
    }
    if (failure) {
        state.outputs.assign(1, Output{Output::Kind::failed, {}, failure});
    } else {
        state.place_outputs();
    }
    return state.outputs;
}

std::span<const Output> Evaluator::evaluate(
    const Program& program, const Input& input, Recorder* recorder
) noexcept {
    state_->context.begin_message(input);
    return run(program, recorder);
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
    constexpr std::string_view kPrefix = "$aws/rules/";
    if (!topic.starts_with(kPrefix)) {
        return std::nullopt;
    }
    topic.remove_prefix(kPrefix.size());
    const auto slash = topic.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == topic.size()) {
        return std::nullopt;
    }
    return BasicIngest{topic.substr(0, slash), topic.substr(slash + 1)};
}

}  // namespace weir::rules
