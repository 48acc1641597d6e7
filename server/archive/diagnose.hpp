/// What to do about an object that was not written.
#pragma once

#include <string_view>

namespace weir::archive {

/// @param failure  As Target::write() says it.
/// @return For people; empty if nothing is known of it.
[[nodiscard]] std::string_view hint_of(std::string_view failure) noexcept;

}  // namespace weir::archive
