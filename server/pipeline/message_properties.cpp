#include <weir/pipeline/message_properties.hpp>

#include <utility>

#include <weir/mqtt/properties.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::pipeline {
namespace {

using model::Reason;
using mqtt::PropertyId;

/// All of a message's properties together.
constexpr std::size_t kPropertyBytesMax = 16 * 1024;

/// Renders one template after the other; after a failure nothing more.
class Renderer {
public:
    Renderer(rules::Evaluator& evaluator, std::span<Byte> memory)
        : evaluator_{evaluator}, writer_{memory} {}

    /// @param use  Takes the text, which is valid for the call; false: it does not fit the property.
    template <class Use>
    void with(const rules::Template& text, Use&& use, Reason failure = Reason::rule_failed) {
        if (failure_ == Reason::none) {
            const auto rendered = evaluator_.render(text);
            failure_ = rendered && use(*rendered) ? Reason::none : failure;
        }
    }
    template <class Use>
    void with(
        const std::optional<rules::Template>& text, Use&& use, Reason failure = Reason::rule_failed
    ) {
        if (text) {
            with(*text, std::forward<Use>(use), failure);
        }
    }
    [[nodiscard]] mqtt::PropertyWriter& writer() noexcept { return writer_; }
    [[nodiscard]] Reason failure() const noexcept {
        return failure_ == Reason::none && !writer_.ok() ? Reason::rule_failed : failure_;
    }

private:
    rules::Evaluator& evaluator_;
    mqtt::PropertyWriter writer_;
    Reason failure_ = Reason::none;
};

}  // namespace

RenderedProperties render_properties(
    const rules::MessageProperties& properties, rules::Evaluator& evaluator, Bytes& memory
) {
    RenderedProperties result;
    memory.resize(kPropertyBytesMax);
    Renderer renderer{evaluator, memory};
    if (properties.is_text) {
        renderer.writer().number(PropertyId::payload_format_indicator, *properties.is_text ? 1 : 0);
    }
    renderer.with(properties.content_type, [&](std::string_view text) {
        renderer.writer().text(PropertyId::content_type, text);
        return mqtt::is_valid_text(text);
    });
    renderer.with(
        properties.response_topic,
        [&](std::string_view text) {
            renderer.writer().text(PropertyId::response_topic, text);
            return mqtt::is_valid_text(text) && mqtt::is_valid_topic_name(text);
        },
        Reason::topic_invalid
    );
    renderer.with(properties.correlation_data, [&](std::string_view text) {
        renderer.writer().binary(PropertyId::correlation_data, as_bytes(text));
        return true;
    });
    for (const auto& [name, value] : properties.user_properties) {
        renderer.with(value, [&, &key = name](std::string_view text) {
            renderer.writer().user(key, text);
            return mqtt::is_valid_text(text);
        });
    }
    renderer.with(properties.message_expiry, [&](std::string_view text) {
        const auto expiry = rules::parse_expiry(text);
        result.expiry = expiry.value_or(std::chrono::seconds{0});
        return expiry.has_value();
    });
    result.failure = renderer.failure();
    result.bytes = renderer.writer().properties().raw();
    return result;
}

}  // namespace weir::pipeline
