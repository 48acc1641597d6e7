/// What a load balancer says first.
#pragma once

#include <string>

namespace weir::test {

/// A preface of the PROXY protocol, version 2.
/// @param command  With the version in its upper half: '\x21' for PROXY.
/// @param body  Addresses and extensions; at most 65,535 bytes.
[[nodiscard]] inline std::string proxy_v2(char command, char family, const std::string& body) {
    using namespace std::string_literals;
    std::string out = "\r\n\r\n\0\r\nQUIT\n"s;
    out += command;
    out += family;
    out += static_cast<char>(body.size() >> 8U);
    out += static_cast<char>(body.size() & 0xFFU);
    return out + body;
}

}  // namespace weir::test
