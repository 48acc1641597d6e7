#include <weir/http_client/sigv4.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace weir::http_client {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr WallTime k2015{1'440'938'160'000};  ///< 2015-08-30T12:36:00Z
constexpr WallTime k2013{1'369'353'600'000};  ///< 2013-05-24T00:00:00Z

SigV4 suite_signer() {
    return {
        .access_key_id = "AKIDEXAMPLE",
        .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        .region = "us-east-1",
        .service = "service",
    };
}

SigV4 bucket_signer() {
    return {
        .access_key_id = "AKIAIOSFODNN7EXAMPLE",
        .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        .region = "us-east-1",
        .service = "s3",
    };
}

std::string header(const Request& request, std::string_view name) {
    const auto found = std::ranges::find(request.headers, name, &Header::name);
    return found == request.headers.end() ? "" : found->value;
}

std::string authorization(Request request, const SigV4& signer, WallTime now) {
    EXPECT_TRUE(sign(request, signer, now));
    return header(request, "Authorization");
}

struct Vector {
    std::string_view name;
    std::string_view method;
    std::string_view target;
    std::vector<Header> headers;
    std::string_view signed_headers;
    std::string_view signature;
};

/// The signatures of AWS's public test suite for version 4 (requests with a header). Targets there
/// are raw text, which is what a path is before the encoding that signing adds.
class SignLikeTheSuite : public testing::TestWithParam<Vector> {};

TEST_P(SignLikeTheSuite, FollowsTable) {
    const auto& vector = GetParam();
    const auto got = authorization(
        {.method = std::string{vector.method},
         .url = "https://example.amazonaws.com" + std::string{vector.target},
         .headers = vector.headers},
        suite_signer(),
        k2015
    );
    EXPECT_EQ(
        got,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=" +
            std::string{vector.signed_headers} + ", Signature=" + std::string{vector.signature}
    );
}

constexpr std::string_view kPlain = "host;x-amz-date";
constexpr std::string_view kVanilla =
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

INSTANTIATE_TEST_SUITE_P(
    Table,
    SignLikeTheSuite,
    testing::Values(
        Vector{"vanilla", "GET", "/", {}, kPlain, kVanilla},
        Vector{"no_path", "GET", "", {}, kPlain, kVanilla},
        Vector{
            "post_vanilla",
            "POST",
            "/",
            {},
            kPlain,
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        },
        Vector{"relative_relative", "GET", "/example1/example2/../..", {}, kPlain, kVanilla},
        Vector{
            "slash_pointless_dot",
            "GET",
            "/./example",
            {},
            kPlain,
            "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"
        },
        Vector{
            "slashes",
            "GET",
            "//example//",
            {},
            kPlain,
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
        },
        Vector{
            "query_order_key_case",
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            kPlain,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        },
        Vector{
            "query_order_encoded",
            "GET",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            {},
            kPlain,
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
        },
        Vector{
            "query_unreserved",
            "GET",
            "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            {},
            kPlain,
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"
        },
        Vector{
            "query_utf8",
            "GET",
            "/?%E1%88%B4=bar",
            {},
            kPlain,
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
        },
        Vector{
            "header_key_duplicate",
            "GET",
            "/",
            {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
            "host;my-header1;x-amz-date",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"
        },
        Vector{
            "header_value_trim",
            "GET",
            "/",
            {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(Sign, CoversABody_AndItsLength) {
    Request request{
        .method = "POST",
        .url = "https://example.amazonaws.com/",
        .headers =
            {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"}},
        .body = "Param1=value1",
    };
    EXPECT_THAT(
        authorization(request, suite_signer(), k2015),
        HasSubstr("SignedHeaders=content-length;content-type;host;x-amz-date, ")
    );
    const auto before = authorization(request, suite_signer(), k2015);
    request.body += ' ';
    EXPECT_NE(authorization(request, suite_signer(), k2015), before);
}

TEST(Sign, SendsTheSessionToken_AndCoversIt) {
    auto signer = suite_signer();
    signer.session_token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    Request request{.url = "https://example.amazonaws.com/"};
    ASSERT_TRUE(sign(request, signer, k2015));
    EXPECT_EQ(header(request, "X-Amz-Security-Token"), signer.session_token);
    EXPECT_EQ(header(request, "X-Amz-Date"), "20150830T123600Z");
    EXPECT_THAT(
        header(request, "Authorization"),
        EndsWith("Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8")
    );
}

TEST(Sign, EncodesAnEncodedPathOnceMore_ButNotForS3) {
    const auto path_signature = [](const SigV4& signer, std::string target) {
        const auto whole = authorization(
            {.url = "https://example.amazonaws.com" + std::move(target)}, signer, k2015
        );
        return whole.substr(whole.find("Signature="));
    };
    EXPECT_NE(path_signature(suite_signer(), "/a%20b"), path_signature(suite_signer(), "/a%2520b"));
    EXPECT_EQ(path_signature(bucket_signer(), "/a%2fb"), path_signature(bucket_signer(), "/a/b"));
    EXPECT_NE(path_signature(bucket_signer(), "/a//b"), path_signature(bucket_signer(), "/a/b"));
    EXPECT_EQ(path_signature(suite_signer(), "/a//b"), path_signature(suite_signer(), "/a/b"));
}

TEST(Sign, TakesHostAsItIsSent) {
    const auto of = [](std::string url) {
        return authorization({.url = std::move(url)}, suite_signer(), k2015);
    };
    EXPECT_THAT(of("https://example.amazonaws.com:443/"), EndsWith(kVanilla));
    EXPECT_THAT(of("http://example.amazonaws.com:80/#part"), EndsWith(kVanilla));
    EXPECT_NE(of("https://example.amazonaws.com:8443/"), of("https://example.amazonaws.com/"));
}

TEST(Sign, ReplacesWhatAnEarlierAttemptAdded) {
    Request request{.url = "https://example.amazonaws.com/"};
    ASSERT_TRUE(sign(request, suite_signer(), k2013));
    ASSERT_TRUE(sign(request, suite_signer(), k2015));
    EXPECT_EQ(request.headers.size(), 2U);
    EXPECT_THAT(header(request, "Authorization"), EndsWith(kVanilla));
}

TEST(Sign, LeavesUserAgentOut_AsProxiesChangeIt) {
    EXPECT_THAT(
        authorization(
            {.url = "https://example.amazonaws.com/", .headers = {{"User-Agent", "weir"}}},
            suite_signer(),
            k2015
        ),
        EndsWith(kVanilla)
    );
}

TEST(Sign, RefusesWhatIsNoUrl) {
    for (const std::string url : {"", "example", "ftp://example/", "https://a:b@example/"}) {
        Request request{.url = url};
        EXPECT_FALSE(sign(request, suite_signer(), k2015)) << url;
        EXPECT_TRUE(request.headers.empty());
    }
}

// The worked examples of the S3 documentation.

TEST(SignForS3, GetsAnObject) {
    EXPECT_EQ(
        authorization(
            {.url = "https://examplebucket.s3.amazonaws.com/test.txt",
             .headers = {{"Range", "bytes=0-9"}}},
            bucket_signer(),
            k2013
        ),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
}

TEST(SignForS3, PutsAnObject) {
    Request request{
        .method = "PUT",
        .url = "https://examplebucket.s3.amazonaws.com/test%24file.text",
        .headers =
            {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
             {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
        .body = "Welcome to Amazon S3.",
    };
    ASSERT_TRUE(sign(request, bucket_signer(), k2013));
    EXPECT_EQ(
        header(request, "X-Amz-Content-Sha256"),
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    );
    EXPECT_THAT(
        header(request, "Authorization"),
        EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    );
}

TEST(SignForS3, CoversParametersWithoutAndWithValues) {
    const auto of = [](std::string query) {
        return authorization(
            {.url = "https://examplebucket.s3.amazonaws.com/?" + std::move(query)},
            bucket_signer(),
            k2013
        );
    };
    EXPECT_THAT(
        of("lifecycle"),
        EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
    );
    EXPECT_THAT(
        of("prefix=J&max-keys=2"),
        EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    );
}

}  // namespace
}  // namespace weir::http_client
