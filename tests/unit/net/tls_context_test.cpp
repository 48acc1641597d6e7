#include <weir/net/tls_context.hpp>

#include <unit/net/tls_support.hpp>

namespace weir::net {
namespace {

using namespace test;

struct BadOptions {
    std::string_view name;
    std::function<void(TlsOptions&)> spoil;
    std::string_view told;
    TlsPart part;
};

class TlsContextRefuses : public testing::TestWithParam<BadOptions> {};

TEST_P(TlsContextRefuses, AndNamesThePart) {
    static const Identity server = issue("weir.test");
    TlsOptions options{.certificate_pem = server.certificate_pem(), .key_pem = server.key_pem()};
    ASSERT_NO_THROW(static_cast<void>(TlsContext::make(options)));
    GetParam().spoil(options);
    try {
        static_cast<void>(TlsContext::make(options));
        FAIL() << "accepted";
    } catch (const TlsConfigError& error) {
        EXPECT_EQ(
            std::string_view{error.what()}.substr(0, GetParam().told.size()), GetParam().told
        );
        EXPECT_EQ(error.part(), GetParam().part);
        EXPECT_EQ(std::string_view{error.what()}.find("error:"), std::string_view::npos)
            << "codes of OpenSSL tell nobody anything: " << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    TlsContextRefuses,
    testing::Values(
        BadOptions{
            "no_certificate",
            [](TlsOptions& o) { o.certificate_pem = "nothing"; },
            "certificate: not a PEM",
            TlsPart::certificate
        },
        BadOptions{
            "certificate_cut",
            [](TlsOptions& o) { o.certificate_pem.resize(200); },
            "certificate: not a PEM",
            TlsPart::certificate
        },
        BadOptions{
            "no_key", [](TlsOptions& o) { o.key_pem.clear(); }, "key: not an unencrypted PEM key",
            TlsPart::key
        },
        BadOptions{
            "foreign_key",
            [](TlsOptions& o) { o.key_pem = issue("x").key_pem(); },
            "key does not belong",
            TlsPart::key
        },
        BadOptions{
            "no_client_ca",
            [](TlsOptions& o) { o.client_auth = ClientAuth::optional; },
            "client_ca: no PEM certificate",
            TlsPart::client_ca
        },
        BadOptions{
            "bad_crl",
            [](TlsOptions& o) {
                o.client_auth = ClientAuth::required;
                o.client_ca_pem = issue("ca", {.authority = true}).certificate_pem();
                o.client_crl_pem = "nothing";
            },
            "client_crl: no PEM revocation list",
            TlsPart::client_crl
        },
        BadOptions{"empty_alpn", [](TlsOptions& o) { o.alpn = {""}; }, "alpn", TlsPart::other}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(TlsContext, KnowsWhenItsCertificateEnds) {
    const Identity server = issue("weir.test", {.valid_s = 1000});
    const auto context =
        TlsContext::make({.certificate_pem = server.certificate_pem(), .key_pem = server.key_pem()}
        );
    const WallTime expected = SystemClock{}.wall() + 1000s;
    EXPECT_LT(std::abs((context->not_after() - expected).count()), 5000);
}

}  // namespace
}  // namespace weir::net
