/// A policy under which anybody may do anything. Its last line is line 9: what a test denies follows.
#pragma once

#include <string_view>

namespace weir::test {

inline constexpr std::string_view kOpenPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
    shared: true
  - publish: ["#"]
    retain: true
    shared: true
  - subscribe: ["#"]
)";

}  // namespace weir::test
