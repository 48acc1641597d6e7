/// The small certificate authority of `weir init` and `weir cert`, as files.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <weir/identity/device_ca.hpp>

#include "command.hpp"
#include "file_io.hpp"

namespace weir::cli {

/// Creates `folder`/ca.crt and .key. Throws Failure, as all of these do.
identity::DeviceCa create_ca(
    const std::filesystem::path& folder,
    const std::string& common_name,
    std::chrono::days days,
    Existing existing = Existing::refuse
);
/// Loads what create_ca wrote.
identity::DeviceCa load_ca(const std::filesystem::path& folder);

/// DNS names and addresses told apart.
[[nodiscard]] identity::ServerNames server_names(const std::vector<std::string>& names);

/// Writes `folder`/`stem`.crt and .key.
void write_issued(
    const std::filesystem::path& folder,
    const std::string& stem,
    const identity::Issued& issued,
    Existing existing = Existing::refuse
);

/// The value, or a Failure that says what could not be done.
template <class T>
T value_or_fail(Result<T> result, const std::string& what) {
    if (!result) {
        throw Failure{what + ": " + result.error().message()};
    }
    return std::move(*result);
}

/// From now on.
[[nodiscard]] identity::Validity valid_for(std::chrono::days days);

}  // namespace weir::cli
