#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

/// Known so that the error can say what to write instead.
constexpr Function external(
    std::string_view name, std::string_view signature, std::string_view instead
) {
    return {
        .name = name,
        .signature = signature,
        .help = instead,
        .parameters = {},
        .arguments_max = kAnyNumber,
        .pure = false
    };
}

constexpr Function kFunctions[] = {
    external(
        "aws_lambda",
        "aws_lambda(arn, json)",
        "send the message to an HTTP sink; its service may publish what it makes of it"
    ),
    external(
        "get_dynamodb",
        "get_dynamodb(table, key, value, ..., role)",
        "keep what rules need to know of a device as its attributes: attribute(name) in profile native"
    ),
    external(
        "get_registry_data",
        "get_registry_data(api, thing, role)",
        "thing(), thing_type() and attribute(name) read the registry in profile native"
    ),
    external(
        "get_secret",
        "get_secret(id, type, ..., role)",
        "secrets belong to the sink: auth: {bearer: {file: ...}} in its file"
    ),
    external(
        "get_thing_shadow",
        "get_thing_shadow(thing, ..., role)",
        "keep what rules need to know of a device as its attributes: attribute(name) in profile native"
    ),
    external(
        "machinelearning_predict",
        "machinelearning_predict(model, role, record)",
        "send the message to an HTTP sink; its service may publish what it makes of it"
    ),
};

}  // namespace

std::span<const Function> external_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
