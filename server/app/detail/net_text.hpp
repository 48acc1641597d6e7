/// Addresses and URLs as operators write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weir/app_config/config_values.hpp>

namespace weir::app::detail {

/// "127.0.0.1:9464", "[::1]:9464".
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);
/// "10.0.0.0/8", "::1" (all of its bits).
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);
/// What is wrong with it, or nothing.
[[nodiscard]] std::optional<std::string> url_error(std::string_view text);

}  // namespace weir::app::detail
