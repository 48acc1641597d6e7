#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/reference.hpp>

namespace weir::rules {

std::span<const FunctionGroup> function_groups() noexcept {
    static const std::array<FunctionGroup, 11> kGroups = {{
        {"Numbers", math_functions()},
        {"Texts", text_functions()},
        {"Regular expressions", regex_functions()},
        {"Digests and encodings", digest_functions()},
        {"Values", value_functions()},
        {"Lists and objects", list_functions()},
        {"Binary payloads", byte_functions()},
        {"Time", time_functions()},
        {"The message and who sent it", message_functions()},
        {"Earlier messages", state_functions()},
        {"Services of AWS", external_functions()},
    }};
    return kGroups;
}

std::span<const Function> functions() noexcept {
    static const std::vector<Function> kAll = [] {
        std::vector<Function> all;
        for (const FunctionGroup& group : function_groups()) {
            all.insert(all.end(), group.functions.begin(), group.functions.end());
        }
        std::ranges::sort(all, {}, &Function::name);
        return all;
    }();
    return kAll;
}

const Function* find_function(std::string_view name) noexcept {
    const auto all = functions();
    const auto small = detail::lowered(name);
    const auto found = std::ranges::lower_bound(all, small, {}, &Function::name);
    return found != all.end() && found->name == small ? &*found : nullptr;
}

}  // namespace weir::rules
