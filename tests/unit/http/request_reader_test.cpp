#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <weir/http/request_reader.hpp>

namespace weir::http {
namespace {

/// What a reader made of some bytes: "POST /a hello|" per request, then "!status".
std::string read(std::string_view bytes, std::size_t step, ReaderLimits limits = {}) {
    RequestReader reader{limits};
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        auto in = as_bytes(bytes.substr(at, step));
        for (;;) {
            const auto event = reader.next(in);
            if (!event) {
                return out + "!" + std::to_string(status_of(event.error()));
            }
            if (event->kind == Event::Kind::need_more) {
                EXPECT_TRUE(in.empty());
                break;
            }
            if (event->kind == Event::Kind::request) {
                const auto& request = event->request;
                out += std::string{request.method} + ' ' + std::string{request.target} + ' ' +
                       std::string{as_text(request.body)} + (request.keep_alive ? "|" : "|close");
            }
        }
    }
    return out + (reader.unfinished() != 0 ? "..." : "");
}

struct ReadCase {
    std::string_view name;
    std::string bytes;
    std::string expected;
};

class ReadRequests : public testing::TestWithParam<ReadCase> {};

TEST_P(ReadRequests, FollowsTable) {
    EXPECT_EQ(read(GetParam().bytes, GetParam().bytes.size()), GetParam().expected);
}

TEST_P(ReadRequests, SaysTheSame_HoweverReadsAreCut) {
    for (std::size_t step = 1; step < GetParam().bytes.size(); ++step) {
        ASSERT_EQ(read(GetParam().bytes, step), GetParam().expected) << "in pieces of " << step;
    }
}

const std::string kPost = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
const std::string kGet = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kChunked = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Table,
    ReadRequests,
    testing::Values(
        ReadCase{"get", kGet, "GET /b |"},
        ReadCase{"post", kPost, "POST /a hello|"},
        ReadCase{"pipelined", kPost + kGet + kPost, "POST /a hello|GET /b |POST /a hello|"},
        ReadCase{"empty_lines_between", "\r\n" + kGet + "\r\n\r\n" + kGet, "GET /b |GET /b |"},
        ReadCase{
            "chunked",
            kChunked + "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "POST /c abc0123456789|"
        },
        ReadCase{"chunked_then_get", kChunked + "1\r\nx\r\n0\r\n\r\n" + kGet, "POST /c x|GET /b |"},
        ReadCase{
            "chunk_extension_and_trailer",
            kChunked + "1;a=b\r\nx\r\n0\r\nDigest: y\r\n\r\n" + kGet,
            "POST /c x|GET /b |"
        },
        ReadCase{"incomplete_body", kPost.substr(0, kPost.size() - 1), "..."},
        ReadCase{"unknown_method", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", "BREW /pot |"},
        ReadCase{
            "connection_close",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            "GET / |close"
        },
        ReadCase{"http_1_0", "GET / HTTP/1.0\r\n\r\n", "GET / |close"},
        ReadCase{
            "http_1_0_keep_alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / |"
        },
        ReadCase{"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505"},
        ReadCase{"no_host", "GET / HTTP/1.1\r\n\r\n", "!400"},
        ReadCase{"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "!400"},
        ReadCase{"space_before_colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "!400"},
        ReadCase{
            "lengths_that_differ",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "!400"
        },
        ReadCase{
            "negative_length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "!400"
        },
        ReadCase{
            "length_and_chunked",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\n",
            "!400"
        },
        ReadCase{
            "gzip_coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nx", "!501"
        },
        ReadCase{
            "gzip_then_chunked",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "!501"
        },
        ReadCase{
            "chunked_in_http_1_0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "!400"
        },
        ReadCase{"bad_chunk_size", kChunked + "xyz\r\n", "!400"},
        ReadCase{"chunk_longer_than_it_says", kChunked + "1\r\nxy\r\n0\r\n\r\n", "!400"},
        ReadCase{"smuggled_length_in_trailer", kChunked + "0\r\nContent-Length: 5\r\n\r\n", "!400"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(RequestReader, TellsHead_BeforeTheBodyIsSent) {
    RequestReader reader{{}};
    auto in = as_bytes(
        "POST /a HTTP/1.1\r\nHost: h\r\nX-Qos: 1\r\nExpect: 100-continue\r\nContent-Length: "
        "5\r\n\r\n"
    );
    const auto head = reader.next(in);
    ASSERT_TRUE(head);
    ASSERT_EQ(head->kind, Event::Kind::head);
    EXPECT_TRUE(head->request.expects_continue);
    EXPECT_EQ(head->request.header("x-qos"), "1");
    EXPECT_EQ(head->request.header("x-other"), std::nullopt);
    EXPECT_TRUE(head->request.body.empty());
    EXPECT_EQ(reader.next(in)->kind, Event::Kind::need_more);
    EXPECT_GT(reader.unfinished(), 0U);

    in = as_bytes("hello");
    const auto request = reader.next(in);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->kind, Event::Kind::request);
    EXPECT_EQ(as_text(request->request.body), "hello");
    EXPECT_EQ(reader.unfinished(), 0U);
}

TEST(RequestReader, CountsWhatCameOfAnUnfinishedRequest) {
    const std::string whole = kChunked + "3\r\nabc\r\n0\r\n\r\n";
    RequestReader reader{{}};
    for (std::size_t at = 0; at < whole.size(); ++at) {
        EXPECT_EQ(reader.unfinished(), at);
        auto in = as_bytes(whole).subspan(at, 1);
        while (reader.next(in)->kind == Event::Kind::head) {
        }
    }
    EXPECT_EQ(reader.unfinished(), 0U);
    auto in = as_bytes("GET");
    EXPECT_EQ(reader.next(in)->kind, Event::Kind::need_more);
    EXPECT_EQ(reader.unfinished(), 3U) << "of the next request";
}

TEST(RequestReader, ExpectsNothing_WhenTheRequestHasNoBody) {
    RequestReader reader{{}};
    auto in = as_bytes("GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_FALSE(reader.next(in)->request.expects_continue);
}

TEST(RequestReader, IgnoresTrailers) {
    RequestReader reader{{}};
    const auto bytes = kChunked + "0\r\nAuthorization: Bearer x\r\n\r\n";
    auto in = as_bytes(bytes);
    ASSERT_EQ(reader.next(in)->kind, Event::Kind::head);
    const auto request = reader.next(in);
    ASSERT_EQ(request->kind, Event::Kind::request);
    EXPECT_EQ(request->request.header("Authorization"), std::nullopt);
}

TEST(RequestReader, IgnoresEmptyLinesBeforeEachRequest_ButFew) {
    EXPECT_EQ(read("\r\n" + kPost + "\r\n\r\n\r\n\r\n" + kGet, 3), "POST /a hello|GET /b |");
    EXPECT_EQ(read(kPost + "\r\n\r\n\r\n\r\n\r\n", 1), "POST /a hello|!400");
}

TEST(RequestReader, RefusesBareLineFeeds) {
    EXPECT_EQ(read("GET / HTTP/1.1\nHost: a\n\n", 100), "!505");
}

std::string with_head_of(std::size_t size) {
    const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
}

TEST(RequestReader, TakesHead_UpToItsLimit) {
    const ReaderLimits limits{.head_bytes = 100, .body_bytes = 10};
    for (const std::size_t step : {1, 7, 1000}) {
        EXPECT_EQ(read(with_head_of(100), step, limits), "GET / |") << step;
        EXPECT_EQ(read(with_head_of(101), step, limits), "!431") << step;
        EXPECT_EQ(read(std::string(200, 'x'), step, limits).substr(0, 2), "!4") << step;
    }
}

TEST(RequestReader, TakesBody_UpToItsLimit) {
    const ReaderLimits limits{.head_bytes = 1000, .body_bytes = 5};
    EXPECT_EQ(read(kPost, 3, limits), "POST /a hello|");
    EXPECT_EQ(read("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n", 3, limits), "!413");
    EXPECT_EQ(read(kChunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 3, limits), "POST /c abcde|");
    EXPECT_EQ(read(kChunked + "3\r\nabc\r\n3\r\n", 3, limits), "!413");
}

TEST(RequestReader, TellsWhoSendsTooMuch_ButAsksForNoneOfIt) {
    RequestReader reader{{.head_bytes = 1000, .body_bytes = 5}};
    auto in = as_bytes(
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\nabcdef"
    );
    const auto head = reader.next(in);
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->kind, Event::Kind::head);
    EXPECT_FALSE(head->request.expects_continue);
    const auto body = reader.next(in);
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(status_of(body.error()), 413);
}

TEST(RequestReader, BoundsChunkExtensionsAndTrailers) {
    const ReaderLimits limits{.head_bytes = 100, .body_bytes = 5};
    const std::string endless(200, 'x');
    for (const std::size_t step : {1, 7, 1000}) {
        EXPECT_EQ(read(kChunked + "1;" + endless, step, limits), "!431") << step;
        EXPECT_EQ(read(kChunked + "0\r\nX: " + endless, step, limits), "!431") << step;
    }
}

}  // namespace
}  // namespace weir::http
