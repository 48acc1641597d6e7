#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include <fmt/chrono.h>

#include <support/http_server.hpp>

#include <weir/http_client/curl_client.hpp>

namespace weir::http_client {
namespace {

using namespace std::chrono_literals;
using test::http_reply;
using test::HttpServer;
using testing::HasSubstr;
using testing::StartsWith;

/// Submits and waits.
Outcome fetch(Client& client, Request request) {
    std::promise<Outcome> promise;
    auto future = promise.get_future();
    client.submit(std::move(request), [&promise](Outcome&& outcome) {
        promise.set_value(std::move(outcome));
    });
    return future.get();
}

TEST(CurlClient, SendsRequestAndGivesAnswer) {
    HttpServer server{[](const auto&) {
        return http_reply(201, "made", "Content-Type: text/plain\r\n");
    }};
    CurlClient client;
    const auto outcome = fetch(
        client,
        {.method = "POST",
         .url = server.url("/hook?a=b"),
         .headers = {{"X-Key", "k 1"}},
         .body = "payload"}
    );
    ASSERT_FALSE(outcome.error) << outcome.detail;
    EXPECT_EQ(outcome.response.status, 201);
    EXPECT_EQ(outcome.response.body, "made");
    EXPECT_EQ(outcome.response.content_type, "text/plain");

    const auto request = server.wait_for(1).front();
    EXPECT_THAT(request.head, StartsWith("POST /hook?a=b HTTP/1.1\r\n"));
    EXPECT_EQ(request.header("X-Key"), "k 1");
    EXPECT_EQ(request.body, "payload");
}

TEST(CurlClient, SendsOtherMethods) {
    HttpServer server{[](const auto&) { return http_reply(200); }};
    CurlClient client;
    for (const std::string method : {"GET", "HEAD", "PUT", "PATCH", "DELETE"}) {
        EXPECT_EQ(fetch(client, {.method = method, .url = server.url()}).response.status, 200)
            << method;
    }
    const auto requests = server.wait_for(5);
    EXPECT_THAT(requests[0].head, StartsWith("GET / "));
    EXPECT_THAT(requests[1].head, StartsWith("HEAD / "));
    EXPECT_THAT(requests[2].head, StartsWith("PUT / "));
    EXPECT_THAT(requests[4].head, StartsWith("DELETE / "));
}

TEST(CurlClient, KeepsConnectionOpen) {
    HttpServer server{[](const auto&) { return http_reply(200); }};
    CurlClient client;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(fetch(client, {.url = server.url()}).response.status, 200);
    }
    EXPECT_EQ(server.wait_for(3).back().connection, 0U);
}

TEST(CurlClient, NeverFollowsRedirects) {
    HttpServer server{[](const auto&) { return http_reply(302, {}, "Location: /other\r\n"); }};
    CurlClient client;
    EXPECT_EQ(fetch(client, {.url = server.url()}).response.status, 302);
    EXPECT_EQ(server.wait_for(1).size(), 1U);
}

TEST(CurlClient, CutsAnswer_AboveItsLimit) {
    HttpServer server{[](const auto& request) {
        return http_reply(200, std::string(request.head.starts_with("GET /at ") ? 100 : 101, 'x'));
    }};
    CurlClient client{{.body_bytes_max = 100}};
    const auto at = fetch(client, {.url = server.url("/at")});
    EXPECT_EQ(at.response.body.size(), 100U);
    EXPECT_FALSE(at.response.body_cut);
    const auto above = fetch(client, {.url = server.url("/above")});
    ASSERT_FALSE(above.error) << above.detail;
    EXPECT_EQ(above.response.status, 200);
    EXPECT_EQ(above.response.body.size(), 100U);
    EXPECT_TRUE(above.response.body_cut);
}

TEST(CurlClient, EndsTransfer_WhenTheHeadHasNoEnd) {
    for (const std::size_t bytes : {70'000, 200'000}) {  // Beyond our limit, and libcurl's of a line.
        HttpServer server{[&](const auto&) {
            return http_reply(200, {}, "X: " + std::string(bytes, 'x') + "\r\n");
        }};
        CurlClient client;
        const auto outcome = fetch(client, {.url = server.url()});
        EXPECT_EQ(outcome.error, errc::transfer_failed);
        EXPECT_THAT(outcome.detail, HasSubstr("of the answer is")) << bytes;
    }
}

TEST(CurlClient, TellsThatAnAnswerIsNotHttp) {
    for (const std::string answer : {"hello world", "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 000 X\r\n\r\n"}) {
        HttpServer server{[&](const auto&) { return answer; }};
        CurlClient client;
        const auto outcome = fetch(client, {.url = server.url(), .timeout = 2s});
        EXPECT_EQ(outcome.error, errc::transfer_failed) << answer;
        EXPECT_EQ(outcome.detail, "the answer is not HTTP") << answer;
    }
}

TEST(CurlClient, TellsRetryAfter) {
    HttpServer server{[](const auto&) { return http_reply(429, {}, "Retry-After: 17\r\n"); }};
    CurlClient client;
    EXPECT_EQ(fetch(client, {.url = server.url()}).response.retry_after, 17s);
}

TEST(CurlClient, TellsRetryAfter_GivenAsADate) {
    const auto then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + 1h);
    const auto date = fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(then));
    HttpServer server{[&](const auto&) {
        return http_reply(503, {}, "Retry-After: " + date + "\r\n");
    }};
    CurlClient client;
    const auto asked = fetch(client, {.url = server.url()}).response.retry_after;
    ASSERT_TRUE(asked);
    EXPECT_GT(*asked, 59min);
    EXPECT_LE(*asked, 60min);
}

TEST(CurlClient, TellsWhereARedirectLeads) {
    HttpServer server{[](const auto&) { return http_reply(307, {}, "Location: ../b?c\r\n"); }};
    CurlClient client;
    EXPECT_EQ(fetch(client, {.url = server.url("/x/a")}).response.location, server.url("/b?c"));
}

TEST(CurlClient, TellsHowLongTheStepsTook) {
    HttpServer server{[](const auto&) { return http_reply(200); }};
    CurlClient client;
    const auto first = fetch(client, {.url = server.url()});
    EXPECT_GT(first.timing.connect, 0us);
    EXPECT_GT(first.timing.answer, 0us);
    EXPECT_EQ(first.timing.tls, 0us);
    EXPECT_GE(first.timing.total, first.timing.connect + first.timing.answer);
    EXPECT_EQ("http://" + first.peer + "/", server.url());
    EXPECT_EQ(first.http_version, "1.1");
}

TEST(CurlClient, GoesThroughAProxy_WithItsCredentials) {
    HttpServer proxy{[](const auto&) { return http_reply(204); }};
    CurlClient client;
    const auto outcome = fetch(
        client,
        {.method = "POST",
         .url = "http://ops.example/hook",
         .headers = {{"Authorization", "Bearer sink"}},
         .body = "1",
         .proxy = {.url = proxy.url(), .user = "Aladdin", .password = "open sesame"}}
    );
    EXPECT_EQ(outcome.response.status, 204) << outcome.detail;
    const auto request = proxy.wait_for(1).front();
    EXPECT_THAT(request.head, StartsWith("POST http://ops.example/hook HTTP/1.1\r\n"));
    EXPECT_EQ(
        request.header("Proxy-Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    EXPECT_EQ(request.header("Authorization"), "Bearer sink");
}

TEST(CurlClient, TunnelsTlsThroughAProxy_WhichSeesNoSecret) {
    HttpServer proxy{[](const auto&) { return http_reply(403); }};
    CurlClient client;
    const auto outcome = fetch(
        client,
        {.url = "https://ops.example/hook",
         .headers = {{"Authorization", "Bearer sink"}},
         .proxy = {.url = proxy.url()}}
    );
    EXPECT_TRUE(outcome.error) << "a proxy's refusal is not the receiver's answer";
    const auto request = proxy.wait_for(1).front();
    EXPECT_THAT(request.head, StartsWith("CONNECT ops.example:443 HTTP/1.1\r\n"));
    EXPECT_EQ(request.header("Authorization"), "");
}

TEST(CurlClient, TimesOut_WhenNoAnswerComes) {
    HttpServer server{[](const auto&) { return test::kHang; }};
    CurlClient client;
    const auto outcome = fetch(client, {.url = server.url(), .timeout = 20ms});
    EXPECT_EQ(outcome.error, errc::timed_out);
    EXPECT_FALSE(outcome.detail.empty());
}

TEST(CurlClient, FailsTransfer_WhenThePeerCloses) {
    HttpServer server{[](const auto&) { return std::nullopt; }};
    CurlClient client;
    EXPECT_EQ(fetch(client, {.url = server.url()}).error, errc::transfer_failed);
}

TEST(CurlClient, CannotConnect_WhenNobodyListens) {
    const auto url = HttpServer{[](const auto&) { return std::nullopt; }}.url();
    CurlClient client;
    EXPECT_EQ(fetch(client, {.url = url}).error, errc::connect_failed);
}

struct BadRequestCase {
    std::string_view name;
    std::string url;
    Header header = {"X", "y"};
};

class BadRequest : public testing::TestWithParam<BadRequestCase> {};

TEST_P(BadRequest, IsRefusedUnsent) {
    CurlClient client;
    const auto outcome = fetch(client, {.url = GetParam().url, .headers = {GetParam().header}});
    EXPECT_EQ(outcome.error, errc::bad_request) << outcome.error.message();
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    BadRequest,
    testing::Values(
        BadRequestCase{"file", "file:///etc/passwd"},
        BadRequestCase{"ftp", "ftp://127.0.0.1/"},
        BadRequestCase{"no_scheme", "127.0.0.1/"},
        BadRequestCase{"credentials", "http://user:secret@127.0.0.1/"},
        BadRequestCase{"space", "http://127.0.0.1/a b"},
        BadRequestCase{"header_injection", "http://127.0.0.1/", {"X", "a\r\nHost: evil"}},
        BadRequestCase{"header_name", "http://127.0.0.1/", {"X Y", "a"}},
        BadRequestCase{"header_name_empty", "http://127.0.0.1/", {"", "a"}}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(CurlClient, RefusesMore_ThanItsLimitInFlight) {
    HttpServer server{[](const auto&) { return test::kHang; }};
    CurlClient client{{.in_flight_max = 1}};
    std::promise<Outcome> first;
    auto first_outcome = first.get_future();
    client.submit({.url = server.url()}, [&first](Outcome&& outcome) {
        first.set_value(std::move(outcome));
    });
    EXPECT_EQ(fetch(client, {.url = server.url()}).error, errc::overloaded);
    client.stop();
    EXPECT_EQ(first_outcome.get().error, errc::cancelled);
}

TEST(CurlClient, CancelsWhatComes_AfterStop) {
    CurlClient client;
    client.stop();
    EXPECT_EQ(fetch(client, {.url = "http://127.0.0.1/"}).error, errc::cancelled);
}

TEST(SetHeader, ReplacesOrAdds_WhateverTheCase) {
    std::vector<Header> headers = {{"Content-Type", "a"}};
    set_header(headers, {"content-type", "b"});
    set_header(headers, {"X", "c"});
    ASSERT_EQ(headers.size(), 2U);
    EXPECT_EQ(headers[0].value, "b");
    EXPECT_EQ(headers[1].name, "X");
}

TEST(OriginOf, IsSchemeHostAndPort) {
    EXPECT_EQ(origin_of("https://Ops.Example/hook/${topic(2)}"), "https://ops.example");
    EXPECT_EQ(origin_of("https://ops.example:443/"), "https://ops.example");
    EXPECT_EQ(origin_of("http://[::1]:8080/x?y"), "http://[::1]:8080");
    EXPECT_EQ(origin_of("https://ops.example@evil.example/"), std::nullopt);
    EXPECT_EQ(origin_of("gopher://ops.example/"), std::nullopt);
    EXPECT_EQ(origin_of("ops.example"), std::nullopt);
    EXPECT_EQ(origin_of(""), std::nullopt);
}

}  // namespace
}  // namespace weir::http_client
