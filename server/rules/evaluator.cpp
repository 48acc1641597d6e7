#include <weir/rules/evaluator.hpp>

#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/detail/machine.hpp>

namespace weir::rules {

struct Evaluator::State {
    /// A larger output buffer is given back after the message.
    static constexpr std::size_t kKeptBytesMax = 1024 * 1024;

    detail::Context context;
    detail::Machine machine{context};
    std::vector<std::uint32_t> matched;
    std::size_t next = 0;
    std::string output;
    std::string rendered;
};

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

std::optional<Output> Evaluator::run(const Program& program, Recorder* recorder) noexcept {
    detail::Context& context = state_->context;
    context.begin_evaluation(program.profile);
    state_->machine.begin(program, recorder);
    if (program.where != kNoNode) {
        const auto passes = to_boolean(state_->machine.run(program.where));
        if (!context.budget().exceeded() && !passes.value_or(false)) {
            return std::nullopt;
        }
    }
    const Value value = state_->machine.run(program.select);
    std::string& text = state_->output;
    if (text.capacity() > State::kKeptBytesMax) {
        text = {};
    }
    text.clear();
    const bool written = detail::write_json(text, value, context.budget());
    if (!written || context.budget().exceeded()) {
        return Output{Output::Kind::failed, {}, errc::budget_exceeded};
    }
    if (value.is(Type::binary)) {
        return Output{Output::Kind::raw, value.bytes(), {}};
    }
    return Output{Output::Kind::json, as_bytes(text), {}};
}

std::optional<Output> Evaluator::evaluate(
    const Program& program, const Input& input, Recorder* recorder
) noexcept {
    state_->context.begin_message(input);
    return run(program, recorder);
}

Result<std::string_view> Evaluator::render(const Template& text) noexcept {
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
        out += value.value_or("");
    }
    if (out.empty() && text.strict()) {
        return errc::template_empty;
    }
    return std::string_view{out};
}

Result<std::string_view> Evaluator::render(const Template& text, const Input& input) noexcept {
    state_->context.begin_message(input);
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
