/// What the commands below `weir devices` share.
#pragma once

#include <string>
#include <vector>

#include "api_client.hpp"

namespace weir::cli {

[[nodiscard]] Target device_target(const std::string& name);
/// With its credentials, a line for each.
void print_device(const json::object& device, Format format);
/// One line; a line end is not part of it.
[[nodiscard]] std::string password_from_stdin();

/// Of policies that no file defines: one may be attached before, more often its name is a slip.
void warn_of_unknown(Api& api, const std::vector<std::string>& policies);

/// `import`: device_import.cpp
void add_device_import(CLI::App& devices, Chosen& chosen);
/// `certificate`, `token` and `password`: device_credentials.cpp
void add_device_credentials(CLI::App& devices, Chosen& chosen);

}  // namespace weir::cli
