#include <weir/rules/functions/groups.hpp>

namespace weir::rules {
namespace {

constexpr Function kFunctions[] = {
    {.name = "changed",
     .signature = "changed(value)",
     .help = "true if the last message with the rule's key that had a value had another one, or if there was none",
     .parameters = {Parameter::any},
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kNativeOnly,
     .pure = false,
     .remembers = true},
    {.name = "last",
     .signature = "last(value)",
     .help = "what the expression was for the last message with the rule's key that had a value for it; Undefined if "
             "there was none",
     .parameters = {Parameter::any},
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kNativeOnly,
     .pure = false,
     .remembers = true},
};

}  // namespace

std::span<const Function> state_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
