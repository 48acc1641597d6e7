/// What the commands below `weir devices` share.
#pragma once

#include <string>

#include "api_client.hpp"

namespace weir::cli {

[[nodiscard]] Target device_target(const std::string& name);
/// With its credentials, a line for each.
void print_device(const json::object& device, Format format);
/// One line; a line end is not part of it.
[[nodiscard]] std::string password_from_stdin();

/// `certificate`, `token` and `password`: device_credentials.cpp
void add_device_credentials(CLI::App& devices, Chosen& chosen);

}  // namespace weir::cli
