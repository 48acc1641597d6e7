/// One request over the admin socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::admin {

/// Nobody listens at the socket.
class NoServer : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The socket is there, but not for this user.
class NotAllowed : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Answer {
    std::uint16_t status = 0;
    std::string body = {};
};

inline constexpr std::chrono::seconds kAnswerMax{60};
inline constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;

/// Blocks until the whole answer is there, without progress at most for `patience`.
/// @param body  JSON, or empty for none.
/// @throws NoServer, NotAllowed; std::runtime_error if the answer is cut short, too large or no
/// HTTP.
[[nodiscard]] Answer request(
    const std::filesystem::path& socket,
    std::string_view method,
    std::string_view target,
    std::string_view body = {},
    std::chrono::seconds patience = kAnswerMax
);

}  // namespace weir::admin
