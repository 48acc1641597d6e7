#include <weir/identity/device_ca.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "certificates.hpp"

namespace weir::identity {
namespace {

using test::kNow;

TEST(DeviceCa, IsACaForTenYears) {
    const auto ca = test::make_ca("factory");
    const auto facts = parse_certificate_pem(ca.certificate_pem());
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->is_ca);
    EXPECT_EQ(facts->common_name, "factory");
    EXPECT_EQ(facts->issuer, facts->subject);
    EXPECT_EQ(facts->key, "EC P-256");
    EXPECT_EQ(facts->not_after - kNow, std::chrono::days{3'650});
    EXPECT_EQ(kNow - facts->not_before, std::chrono::hours{1});
}

TEST(DeviceCa, IssuesDeviceCertificates) {
    const auto ca = test::make_ca();
    const auto issued = ca.issue_device("p7", {.now = kNow});
    ASSERT_TRUE(issued);
    EXPECT_TRUE(issued->key.starts_with("-----BEGIN PRIVATE KEY-----"));
    const auto facts = parse_certificate_pem(issued->certificate);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "p7");
    EXPECT_EQ(facts->issuer, "CN=test CA");
    EXPECT_FALSE(facts->is_ca);
    EXPECT_EQ(facts->serial.size(), 32U) << "128 bits";
    EXPECT_EQ(facts->not_after - kNow, std::chrono::days{365});
    const auto other = parse_certificate_pem(ca.issue_device("p7", {.now = kNow})->certificate);
    EXPECT_NE(other->serial, facts->serial);
    EXPECT_NE(other->sha256, facts->sha256);
}

TEST(DeviceCa, IssuesServerCertificates) {
    const auto ca = test::make_ca();
    const auto issued = ca.issue_server(
        {.dns = {"weir.example", "*.weir.example"}, .ip = {"192.0.2.1", "2001:db8::1"}},
        {.now = kNow}
    );
    ASSERT_TRUE(issued);
    const auto facts = parse_certificate_pem(issued->certificate);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "weir.example");
    EXPECT_EQ(facts->dns_names, (std::vector<std::string>{"weir.example", "*.weir.example"}));
    EXPECT_EQ(facts->ip_addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
}

TEST(DeviceCa, RefusesNamesThatAreNone) {
    const auto ca = test::make_ca();
    EXPECT_EQ(DeviceCa::create("", kNow).error(), errc::invalid_name);
    EXPECT_EQ(DeviceCa::create("a\nb", kNow).error(), errc::invalid_name);
    EXPECT_EQ(ca.issue_device("a/b", {.now = kNow}).error(), errc::invalid_name);
    EXPECT_EQ(ca.issue_device(std::string(65, 'a'), {.now = kNow}).error(), errc::invalid_name);
    EXPECT_EQ(ca.issue_server({}, {.now = kNow}).error(), errc::invalid_name);
    EXPECT_EQ(
        ca.issue_server({.dns = {"a,IP:1.2.3.4"}}, {.now = kNow}).error(), errc::invalid_name
    );
    EXPECT_EQ(ca.issue_server({.dns = {"a..b"}}, {.now = kNow}).error(), errc::invalid_name);
    EXPECT_EQ(ca.issue_server({.ip = {"1.2.3"}}, {.now = kNow}).error(), errc::invalid_name);
    EXPECT_EQ(
        ca.issue_device("p7", {.now = kNow, .days = std::chrono::days{0}}).error(),
        errc::invalid_value
    );
}

TEST(DeviceCa, LoadsWhatItWrote) {
    const auto ca = test::make_ca();
    const auto again = DeviceCa::load(ca.certificate_pem(), ca.key_pem());
    ASSERT_TRUE(again);
    const auto issued = again->issue_device("p7", {.now = kNow});
    ASSERT_TRUE(issued);
    EXPECT_EQ(parse_certificate_pem(issued->certificate)->issuer, "CN=test CA");
}

TEST(DeviceCa, RefusesToLoadWhatDoesNotFit) {
    const auto ca = test::make_ca();
    const auto other = test::make_ca();
    const auto device = ca.issue_device("p7", {.now = kNow});
    EXPECT_EQ(DeviceCa::load(ca.certificate_pem(), other.key_pem()).error(), errc::bad_key);
    EXPECT_EQ(DeviceCa::load(ca.certificate_pem(), "nonsense").error(), errc::bad_key);
    EXPECT_EQ(DeviceCa::load("nonsense", ca.key_pem()).error(), errc::bad_certificate);
    EXPECT_EQ(DeviceCa::load(device->certificate, device->key).error(), errc::bad_certificate)
        << "no CA";
}

TEST(WriteKeyFile, MakesAPrivateFileOnce) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("weir-key-" + std::to_string(::getpid()) + "-" + random_hex(8));
    const auto umask_before = ::umask(0);
    EXPECT_TRUE(write_key_file(path, "secret"));
    ::umask(umask_before);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto second = write_key_file(path, "other");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), errc::file_failed);
    std::ifstream in{path};
    std::string text;
    in >> text;
    EXPECT_EQ(text, "secret");
    std::filesystem::remove(path);
    EXPECT_EQ(write_key_file("/nonexistent/x", "s").error(), errc::file_failed);
}

}  // namespace
}  // namespace weir::identity
