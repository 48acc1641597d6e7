/// Rules that an operator switched off while the gateway ran. They are data: the files stay what they are.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include <weir/base/error.hpp>
#include <weir/storage/store.hpp>

namespace weir::app {

/// Names; rules that no longer exist may be among them.
[[nodiscard]] Result<std::set<std::string>> paused_rules(const storage::Store& store);
/// Durable when it returns.
[[nodiscard]] Result<void> set_paused(storage::Store& store, std::string_view rule, bool paused);

}  // namespace weir::app
