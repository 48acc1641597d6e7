#include <weir/pipeline/message_properties.hpp>

#include <utility>

#include <weir/base/text.hpp>
#include <weir/mqtt/properties.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>
#include <weir/pipeline/reserved.hpp>

namespace weir::pipeline {
namespace {

using model::Reason;
using mqtt::PropertyId;

/// All of a message's properties together.
constexpr std::size_t kPropertyBytesMax = 16 * 1024;

/// Bytes of a value that does not fit, in its report.
constexpr std::size_t kShownMax = 64;
/// Likewise of a topic.
constexpr std::size_t kTopicShownMax = 128;

/// Renders one template after the other; after a failure nothing more.
class Renderer {
public:
    Renderer(rules::Evaluator& evaluator, std::span<Byte> memory, RenderedProperties& made)
        : evaluator_{evaluator}, writer_{memory}, made_{made} {}

    /// @param name  Of the setting, or of the user property.
    /// @param use   Takes the text, which is valid for the call; false: it does not fit the property.
    template <class Use>
    void with(
        std::string_view name,
        const rules::Template& text,
        Use&& use,
        Reason failure = Reason::rule_failed
    ) {
        if (made_.failure != Reason::none) {
            return;
        }
        const auto rendered = evaluator_.render(text);
        if (!rendered) {
            fail(failure, std::string{name} + ' ' + text.source());
            made_.error = rendered.error();
        } else if (!use(*rendered)) {
            fail(
                failure,
                std::string{name} + ' ' + text.source() + ": '" + printable(*rendered, kShownMax) +
                    "' is no value of this property"
            );
        }
    }
    template <class Use>
    void with(
        std::string_view name,
        const std::optional<rules::Template>& text,
        Use&& use,
        Reason failure = Reason::rule_failed
    ) {
        if (text) {
            with(name, *text, std::forward<Use>(use), failure);
        }
    }
    [[nodiscard]] mqtt::PropertyWriter& writer() noexcept { return writer_; }
    /// Ends it.
    void finish() {
        if (made_.failure == Reason::none && !writer_.ok()) {
            fail(Reason::rule_failed, "the properties together are longer than 16 KiB");
        }
        made_.bytes = writer_.properties().raw();
    }

private:
    void fail(Reason reason, std::string detail) {
        made_.failure = reason;
        made_.detail = std::move(detail);
    }

    rules::Evaluator& evaluator_;
    mqtt::PropertyWriter writer_;
    RenderedProperties& made_;
};

}  // namespace

RenderedProperties render_properties(
    const rules::MessageProperties& properties, rules::Evaluator& evaluator, Bytes& memory
) {
    RenderedProperties result;
    memory.resize(kPropertyBytesMax);
    Renderer renderer{evaluator, memory, result};
    if (properties.is_text) {
        renderer.writer().number(PropertyId::payload_format_indicator, *properties.is_text ? 1 : 0);
    }
    renderer.with("content_type", properties.content_type, [&](std::string_view text) {
        renderer.writer().text(PropertyId::content_type, text);
        return mqtt::is_valid_text(text);
    });
    renderer.with(
        "response_topic",
        properties.response_topic,
        [&](std::string_view text) {
            renderer.writer().text(PropertyId::response_topic, text);
            return mqtt::is_valid_text(text) && mqtt::is_valid_topic_name(text);
        },
        Reason::topic_invalid
    );
    renderer.with("correlation_data", properties.correlation_data, [&](std::string_view text) {
        renderer.writer().binary(PropertyId::correlation_data, as_bytes(text));
        return true;
    });
    for (const auto& [name, value] : properties.user_properties) {
        renderer.with(name, value, [&, &key = name](std::string_view text) {
            renderer.writer().user(key, text);
            return mqtt::is_valid_text(text);
        });
    }
    renderer.with("message_expiry", properties.message_expiry, [&](std::string_view text) {
        const auto expiry = rules::parse_expiry(text);
        result.expiry = expiry.value_or(std::chrono::seconds{0});
        return expiry.has_value();
    });
    renderer.finish();
    return result;
}

RenderedRepublish render_republish(
    const rules::RepublishAction& action, rules::Evaluator& evaluator, Bytes& memory
) {
    const auto topic = evaluator.render(action.topic);
    if (!topic) {
        return {
            .properties = {
                .failure = Reason::topic_invalid,
                .error = topic.error(),
                .detail = "topic " + action.topic.source(),
            }};
    }
    if (!mqtt::is_valid_text(*topic) || !mqtt::is_valid_topic_name(*topic) || is_reserved(*topic)) {
        return {
            .properties = {
                .failure = Reason::topic_invalid,
                .detail = "topic '" + printable(*topic, kTopicShownMax) + '\'',
            }};
    }
    RenderedRepublish made{.topic = std::string{*topic}};  // The next template takes its place.
    made.properties = render_properties(action.properties, evaluator, memory);
    return made;
}

}  // namespace weir::pipeline
