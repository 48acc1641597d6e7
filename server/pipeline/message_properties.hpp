/// From a rule's templates to the topic and the properties of a message.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/model/reason.hpp>
#include <weir/rules/document.hpp>
#include <weir/rules/evaluator.hpp>
#include <weir/rules/targets.hpp>

namespace weir::pipeline {

struct RenderedProperties {
    ByteView bytes = {};             ///< As model::Message keeps them; in the caller's memory.
    std::chrono::seconds expiry{0};  ///< 0: never.
    model::Reason failure = model::Reason::none;
    error_code error = {};    ///< Of the template that failed, if one did.
    std::string detail = {};  ///< Which property failed, and why if there is no error.
};

/// For the message whose callback is running. A text that is not what its property may hold fails
/// the action: topic_invalid for the response topic, else rule_failed. [MQTT5-3.3.2.3]
/// @param memory  Is made as large as it must be, once.
[[nodiscard]] RenderedProperties render_properties(
    const rules::MessageProperties& properties, rules::Evaluator& evaluator, Bytes& memory
);

struct RenderedRepublish {
    std::string topic = {};
    RenderedProperties properties = {};  ///< Its failure is that of the topic, if that has one.
};

/// For the message whose callback is running. The topic has to be one that anybody may publish to.
/// @param memory  As above.
[[nodiscard]] RenderedRepublish render_republish(
    const rules::RepublishAction& action, rules::Evaluator& evaluator, Bytes& memory
);

}  // namespace weir::pipeline
