#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <weir/archive/diagnose.hpp>

namespace weir::archive {
namespace {

struct HintCase {
    std::string_view name;
    std::string_view failure;
    std::string_view mentions;  ///< Empty: there is no hint.
};

class HintOf : public testing::TestWithParam<HintCase> {};

TEST_P(HintOf, NamesWhatToMend) {
    const auto hint = hint_of(GetParam().failure);
    EXPECT_EQ(hint.empty(), GetParam().mentions.empty()) << hint;
    EXPECT_NE(hint.find(GetParam().mentions), std::string_view::npos) << hint;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    HintOf,
    testing::Values(
        HintCase{"key", "403 InvalidAccessKeyId: The AWS Access Key Id does not exist", "access_key"},
        HintCase{"secret", "403 SignatureDoesNotMatch: we calculated", "secret_key"},
        HintCase{"rights", "403 AccessDenied: Access Denied", "allow"},
        HintCase{"bucket", "404 NoSuchBucket: The specified bucket does not exist", "bucket"},
        HintCase{"region", "400 AuthorizationHeaderMalformed: expecting 'eu-north-1'", "region"},
        HintCase{"clock", "403 RequestTimeTooSkewed: 20260101T000000Z", "clock"},
        HintCase{"folder", "cannot open the folder /srv/archive: No such file or directory", "mount"},
        HintCase{"owner", "cannot create .a.part: Permission denied", "user"},
        HintCase{"disk", "cannot write a: No space left on device", "room"},
        HintCase{"tls", "TLS failed: SSL certificate problem: unable to get local issuer certificate", "ca"},
        HintCase{"unknown", "500 InternalError: try again", ""}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::archive
