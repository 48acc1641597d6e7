#include <weir/identity/exchange.hpp>

#include <algorithm>

namespace weir::identity {

const Mechanism* find_mechanism(const Mechanisms& mechanisms, std::string_view name) noexcept {
    const auto found = std::ranges::find(mechanisms, name, &Mechanism::name);
    return found == mechanisms.end() ? nullptr : found->get();
}

}  // namespace weir::identity
