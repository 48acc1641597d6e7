#include <weir/identity/x509.hpp>

#include <gtest/gtest.h>

#include "certificates.hpp"
#include "support/random.hpp"

namespace weir::identity {
namespace {

using test::kNow;

/// Replaces text inside a certificate by text of the same length: no length field changes.
Bytes forge(Bytes der, std::string_view from, std::string_view to) {
    EXPECT_EQ(from.size(), to.size());
    for (auto at = as_text(der).find(from); at != std::string_view::npos;
         at = as_text(der).find(from)) {
        std::ranges::copy(to, der.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return der;
}

Bytes device_certificate(std::string_view name = "probe-77") {
    return test::der_of(test::make_ca().issue_device(name, {.now = kNow})->certificate);
}

TEST(ParseCertificate, TellsWhatIsInIt) {
    const auto der = device_certificate();
    const auto facts = parse_certificate(der);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->sha256, sha256(der));
    EXPECT_EQ(facts->subject, "CN=probe-77");
    EXPECT_EQ(facts->common_name, "probe-77");
}

TEST(ParseCertificate, AgreesWithPem) {
    const auto issued = test::make_ca().issue_device("p7", {.now = kNow});
    EXPECT_EQ(
        parse_certificate_pem(issued->certificate)->sha256,
        parse_certificate(test::der_of(issued->certificate))->sha256
    );
}

TEST(ParseCertificate, RefusesNamesThatAreNotPlainText_T11) {
    const auto der = device_certificate();
    for (const std::string_view name : {
             std::string_view{"probe\0\0\0", 8},
             std::string_view{"probe-7\n"},
             std::string_view{"probe-7\x7F"},
             std::string_view{"probe-7\xFF"},
             std::string_view{"probe\xED\xA0\x80"},  // A surrogate.
             std::string_view{"probe-\xC0\x80"},     // NUL in two bytes.
         }) {
        const auto facts = parse_certificate(forge(der, "probe-77", name));
        ASSERT_FALSE(facts) << to_hex(as_bytes(name));
        EXPECT_EQ(facts.error(), errc::bad_certificate);
    }
    EXPECT_EQ(parse_certificate(forge(der, "probe-77", "pröbe-7"))->common_name, "pröbe-7");
}

TEST(ParseCertificate, RefusesAlternativeNamesThatAreNotPlainText_T11) {
    const auto issued =
        test::make_ca().issue_server({.dns = {"a.example", "b.example"}}, {.now = kNow});
    const auto der = test::der_of(issued->certificate);
    EXPECT_TRUE(parse_certificate(forge(der, "b.example", "c.example")));
    EXPECT_FALSE(parse_certificate(forge(der, "b.example", std::string_view{"b\0example", 9})));
    EXPECT_FALSE(parse_certificate(forge(der, "b.example", "b.exampl\n")));
}

TEST(ParseCertificate, RefusesEveryPrefixAndExtraBytes_T01) {
    auto der = device_certificate();
    for (std::size_t size = 0; size < der.size(); ++size) {
        EXPECT_FALSE(parse_certificate(ByteView{der}.first(size))) << size;
    }
    der.push_back(0);
    EXPECT_FALSE(parse_certificate(der));
    EXPECT_FALSE(parse_certificate(Bytes(kCertificateBytesMax + 1, 0x30)));
}

TEST(ParseCertificate, Survives_WhenBytesAreFlipped) {
    weir::test::Random random{3};
    const auto der = device_certificate();
    for (int i = 0; i < 2'000; ++i) {
        auto damaged = der;
        damaged[random.below(damaged.size())] ^= static_cast<Byte>(1 + random.below(255));
        const auto facts = parse_certificate(damaged);
        if (facts) {
            EXPECT_NE(facts->sha256, sha256(der));
        }
    }
}

TEST(Inspect, PrintsTextAndJson) {
    const auto issued =
        test::make_ca("lab \"x\"")
            .issue_server({.dns = {"weir.example"}, .ip = {"192.0.2.1"}}, {.now = kNow});
    const auto facts = parse_certificate_pem(issued->certificate);
    ASSERT_TRUE(facts);
    const auto text = to_text(*facts);
    EXPECT_NE(text.find("dns          weir.example\n"), std::string::npos) << text;
    EXPECT_NE(text.find("valid until  2027-09-21T"), std::string::npos) << text;
    const auto json = to_json(*facts);
    EXPECT_NE(
        json.find(R"("dns":["weir.example"],"ip":["192.0.2.1"],"email":[],"uri":[]})"),
        std::string::npos
    ) << json;
    EXPECT_NE(json.find(R"("issuer":"CN=lab \\\"x\\\"")"), std::string::npos) << json;
}

}  // namespace
}  // namespace weir::identity
