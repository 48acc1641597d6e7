#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

/// Known so that the error can say what is the matter.
constexpr Function external(std::string_view name, std::string_view signature) {
    return {
        .name = name,
        .signature = signature,
        .help = "calls a service of AWS, which rules here cannot",
        .parameters = {},
        .arguments_max = kAnyNumber,
        .pure = false
    };
}

constexpr Function kFunctions[] = {
    external("aws_lambda", "aws_lambda(arn, json)"),
    external("get_dynamodb", "get_dynamodb(table, key, value, ..., role)"),
    external("get_registry_data", "get_registry_data(api, thing, role)"),
    external("get_secret", "get_secret(id, type, ..., role)"),
    external("get_thing_shadow", "get_thing_shadow(thing, ..., role)"),
    external("machinelearning_predict", "machinelearning_predict(model, role, record)"),
};

}  // namespace

std::span<const Function> external_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
