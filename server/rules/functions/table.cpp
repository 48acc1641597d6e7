#include <algorithm>
#include <string>
#include <vector>

#include <weir/rules/detail/text.hpp>
#include <weir/rules/functions/groups.hpp>

namespace weir::rules {

std::span<const Function> functions() noexcept {
    static const std::vector<Function> kAll = [] {
        std::vector<Function> all;
        for (const auto group :
             {math_functions(),
              text_functions(),
              regex_functions(),
              digest_functions(),
              value_functions(),
              list_functions(),
              byte_functions(),
              time_functions(),
              message_functions(),
              external_functions()}) {
            all.insert(all.end(), group.begin(), group.end());
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
