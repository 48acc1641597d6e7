// Files that configuration names: what is wrong with them is told where they are named.
#include <weir/app/check.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <weir/identity/device_ca.hpp>

namespace weir::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class Check : public testing::Test {
protected:
    Check() {
        const auto server = issue(365);
        files_.files = {
            {"/c/weir.yaml",
             "listeners:\n"
             "  - name: front\n"
             "    port: 8883\n"
             "    tls:\n"
             "      cert: weir.crt\n"
             "      key: {file: weir.key}\n"
             "      client_ca: ca.crt\n"},
            {"/c/policies.d/open.yaml", "policy: open\nallow:\n  - connect: \"{thing}\"\n"},
            {"/c/sinks.d/pager.yaml",
             "sink: pager\n"
             "type: http\n"
             "url: https://ops.example/hook\n"
             "auth: {bearer: {file: ../token}}\n"
             "ca: ../ca.crt\n"},
            {"/c/token", "secret\n"},
            {"/c/ca.crt", ca_.certificate_pem()},
            {"/c/weir.crt", server.certificate},
            {"/c/weir.key", server.key},
        };
    }

    [[nodiscard]] identity::Issued issue(int days) const {
        return *ca_.issue_server({.dns = {"gw.example"}}, {now_, std::chrono::days{days}});
    }

    [[nodiscard]] std::vector<document::Diagnostic> check() const {
        document::Diagnostics diagnostics;
        static_cast<void>(check_configuration("/c", files_, now_, diagnostics));
        EXPECT_THAT(diagnostics.render_text(), Not(HasSubstr("error:0")));
        return diagnostics.sorted();
    }

    /// The only one, which is at that line.
    void expect_one(
        std::string_view code, std::string_view file, unsigned line, const std::string& message
    ) const {
        const auto found = check();
        ASSERT_THAT(found, SizeIs(1));
        EXPECT_EQ(found[0].code, code);
        EXPECT_EQ(found[0].file, file);
        EXPECT_EQ(found[0].range.begin.line, line);
        EXPECT_THAT(found[0].message, HasSubstr(message));
        EXPECT_FALSE(found[0].help.empty());
    }

    const WallTime now_{1'790'000'000'000};
    const identity::DeviceCa ca_ = std::move(*identity::DeviceCa::create("test CA", now_));
    MemoryFiles files_;
};

TEST_F(Check, SaysNothing_WhenAllFilesAreInOrder) {
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(Check, NamesTheCertificateThatIsMissing) {
    files_.files.erase("/c/weir.crt");
    expect_one("WEIR-0408", "weir.yaml", 5, "the certificate of listener 'front' cannot be read");
}

TEST_F(Check, NamesAKeyThatIsMissing_OrBelongsToAnotherCertificate) {
    files_.files["/c/weir.key"] = issue(1).key;
    expect_one("WEIR-0416", "weir.yaml", 6, "listener 'front': key does not belong");
    files_.files.erase("/c/weir.key");
    expect_one("WEIR-0408", "weir.yaml", 6, "the private key of listener 'front' cannot be read");
}

TEST_F(Check, NamesACaThatIsNone) {
    files_.files["/c/sinks.d/pager.yaml"] = "sink: pager\ntype: http\nurl: https://h/\n";
    files_.files["/c/ca.crt"] = "garbage\n";
    expect_one("WEIR-0416", "weir.yaml", 7, "listener 'front': client_ca: no PEM certificate");
}

TEST_F(Check, NamesWhatASinkMisses) {
    files_.files.erase("/c/token");
    expect_one("WEIR-0408", "sinks.d/pager.yaml", 4, "the bearer token of sink 'pager'");
    files_.files["/c/token"] = "secret\n";
    files_.files["/c/sinks.d/pager.yaml"] += "proxy: {url: \"http://p:1\", user: u, password: {env: NOT_SET}}\n";
    expect_one("WEIR-0407", "sinks.d/pager.yaml", 6, "the proxy password of sink 'pager' is not set");
}

TEST_F(Check, ReportsAllFilesInOneRun_BesideOtherErrors) {
    files_.files["/c/weir.yaml"] += "storag: {}\n";
    files_.files.erase("/c/weir.crt");
    files_.files.erase("/c/token");
    files_.files["/c/ca.crt"] = "garbage\n";
    EXPECT_THAT(check(), SizeIs(4)) << "unknown key, certificate, token, CA of the sink";
}

TEST_F(Check, WarnsBeforeACertificateEnds_AndAfterwards) {
    for (const auto& [days, told] :
         {std::pair{31, ""}, std::pair{29, "ends in 29 days"}, std::pair{1, "ends in 1 day, on 2026-09-"}}) {
        const auto server = issue(days);
        files_.files["/c/weir.crt"] = server.certificate;
        files_.files["/c/weir.key"] = server.key;
        if (*told == '\0') {
            EXPECT_THAT(check(), IsEmpty());
        } else {
            expect_one("WEIR-0417", "weir.yaml", 5, told);
            EXPECT_EQ(check()[0].severity, document::Severity::warning);
        }
    }
    document::Diagnostics later;
    static_cast<void>(
        check_configuration("/c", files_, now_ + std::chrono::hours{24 * 2}, later)
    );
    EXPECT_FALSE(later.has_errors()) << "the gateway would start";
    EXPECT_THAT(later.render_text(), HasSubstr("the certificate expired on 2026-09-"));
}

}  // namespace
}  // namespace weir::app
