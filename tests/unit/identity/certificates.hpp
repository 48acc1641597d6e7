/// Certificates for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <weir/identity/device_ca.hpp>
#include <weir/identity/x509.hpp>

namespace weir::identity::test {

inline constexpr WallTime kNow{1'790'000'000'000};

inline DeviceCa make_ca(std::string_view name = "test CA") {
    return std::move(*DeviceCa::create(name, kNow));
}

/// The bytes between the PEM lines.
inline Bytes der_of(std::string_view pem) {
    const auto begin = pem.find('\n') + 1;
    std::string text{pem.substr(begin, pem.find("-----END") - begin)};
    std::erase(text, '\n');
    const auto der = from_base64(text);
    EXPECT_TRUE(der.has_value());
    return der.value_or(Bytes{});
}

}  // namespace weir::identity::test
