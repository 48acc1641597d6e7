#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weir/http/problem.hpp>
#include <weir/http/response.hpp>

namespace weir::http {
namespace {

std::string wire(const Response& response, const WireOptions& options = {}) {
    return std::string{as_text(to_wire(response, options))};
}

TEST(Response, IsWrittenWithLengthAndType) {
    EXPECT_EQ(
        wire(
            {.status = 200,
             .content_type = "application/json",
             .body = "{}",
             .headers = {{"Allow", "GET"}}}
        ),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAllow: "
        "GET\r\n\r\n{}"
    );
}

TEST(Response, SaysClose_WhenTheConnectionEnds) {
    EXPECT_EQ(
        wire({.status = 400}, {.keep_alive = false}),
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

TEST(Response, HasDate_WhenTheTimeIsKnown) {
    EXPECT_THAT(
        wire({}, {.date = WallTime{784'111'777'123}}),
        testing::HasSubstr("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
    );
}

TEST(Response, HasNoBody_For204AndHead) {
    EXPECT_EQ(wire({.status = 204, .body = "x"}), "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(
        wire({.body = "hello"}, {.head_only = true}), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    );
}

TEST(Response, KeepsHeaderValuesOnOneLine) {
    EXPECT_THAT(
        wire({.headers = {{"X", "a\r\nSet-Cookie: b"}}}),
        testing::HasSubstr("X: a  Set-Cookie: b\r\n")
    );
}

TEST(Problem, IsJsonWithCodeAndDetail_RFC9457) {
    const auto response =
        to_response({.status = 403, .code = "publish_denied", .detail = "no policy allows \"a/b\""}
        );
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_EQ(
        response.body,
        R"({"type":"about:blank","title":"Forbidden","status":403,"code":"publish_denied","detail":"no policy allows \"a/b\""})"
    );
    EXPECT_EQ(
        to_json({.status = 404}), R"({"type":"about:blank","title":"Not Found","status":404})"
    );
}

}  // namespace
}  // namespace weir::http
