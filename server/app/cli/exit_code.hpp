/// How commands end; listed at the end of every `--help`.
#pragma once

#include <string_view>

namespace weir::cli {

enum class ExitCode : int {
    ok = 0,
    failed = 1,  ///< The operation failed, a test failed, something was found.
    usage = 2,
    differences = 3,
    no_gateway = 4,  ///< The running gateway cannot be reached.
    not_authorised = 5,
    bad_config = 78,
};

inline constexpr std::string_view kExitCodesText =
    "Exit codes: 0 done; 1 failed or something was found; 2 wrong usage; 3 differences found;\n"
    "4 the gateway cannot be reached; 5 not authorised; 78 invalid configuration.";

}  // namespace weir::cli
