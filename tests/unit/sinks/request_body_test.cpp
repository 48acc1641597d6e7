#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <weir/sinks/detail/http_request.hpp>
#include <weir/sinks/detail/request_body.hpp>

namespace weir::sinks {
namespace {

using detail::make_body;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<storage::OutboxEntry> batch_of(const std::vector<std::string_view>& payloads) {
    std::vector<storage::OutboxEntry> batch;
    for (const auto payload : payloads) {
        storage::OutboxEntry entry;
        entry.offset = batch.size() + 7;
        entry.record = {
            .time_ms = 1'700'000'000'000,
            .rule = "hot room",
            .topic = "data/p\"1/temp",
            .key = "p1",
            .payload = as_bytes(payload),
        };
        batch.push_back(std::move(entry));
    }
    return batch;
}

struct BodyCase {
    std::string_view name;
    BodyFormat format;
    std::vector<std::string_view> payloads;
    std::string_view text;
    std::string_view content_type;
};

class MakeBody : public testing::TestWithParam<BodyCase> {};

TEST_P(MakeBody, FollowsTable) {
    const auto& row = GetParam();
    const auto batch = batch_of(row.payloads);
    const auto body = make_body(batch, {.body = row.format}, "pager");
    EXPECT_EQ(body.text, row.text);
    EXPECT_EQ(body.content_type, row.content_type);
}

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kLines = "application/x-ndjson";
constexpr std::string_view kBytes = "application/octet-stream";

INSTANTIATE_TEST_SUITE_P(
    Table,
    MakeBody,
    testing::Values(
        BodyCase{"json_one", BodyFormat::json, {"{\"a\": 1}"}, "{\"a\": 1}", kJson},
        BodyCase{"json_one_as_it_is", BodyFormat::json, {"not json"}, "not json", kBytes},
        BodyCase{"json_one_is_nothing", BodyFormat::json, {""}, "", kBytes},
        BodyCase{"json_one_cut", BodyFormat::json, {"{\"a\":"}, "{\"a\":", kBytes},
        BodyCase{"json_many", BodyFormat::json, {"1", "[2]"}, "[1,[2]]", kJson},
        BodyCase{"array_one", BodyFormat::array, {"1"}, "[1]", kJson},
        BodyCase{"array_text", BodyFormat::array, {"a\"b", "1"}, R"(["a\"b",1])", kJson},
        BodyCase{"array_cut_json", BodyFormat::array, {"{\"a\":"}, R"(["{\"a\":"])", kJson},
        BodyCase{"array_two_in_one", BodyFormat::array, {"1,2"}, R"(["1,2"])", kJson},
        BodyCase{"array_empty", BodyFormat::array, {""}, R"([""])", kJson},
        BodyCase{
            "array_binary", BodyFormat::array, {"\xFF\x01"}, R"([{"payload_base64":"/wE="}])", kJson
        },
        BodyCase{"lines", BodyFormat::json_lines, {"1", "{\"a\":2}"}, "1\n{\"a\":2}\n", kLines},
        BodyCase{
            "lines_stay_lines",
            BodyFormat::json_lines,
            {"{\n  \"a\": \"b c\",\r\n \"d\":1}", "x\ny"},
            "{\"a\":\"b c\",\"d\":1}\n\"x\\ny\"\n",
            kLines
        },
        BodyCase{"raw", BodyFormat::raw, {"\x01\xFF"}, "\x01\xFF", kBytes}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(MakeBody, MakesAnEvent_CloudEvents1_0_JSON) {
    const auto body =
        make_body(batch_of({"{\"t\":81}"}), {.body = BodyFormat::cloudevents}, "pager");
    EXPECT_EQ(body.content_type, "application/cloudevents+json");
    EXPECT_EQ(
        body.text,
        R"({"specversion":"1.0","id":"pager/7","source":"/weir/rules/hot%20room",)"
        R"("type":"weir.rule.output","time":"2023-11-14T22:13:20.000Z","subject":"data/p\"1/temp",)"
        R"("device":"p1","datacontenttype":"application/json","data":{"t":81}})"
    );
}

TEST(MakeBody, KeepsOtherDataAsBase64_CloudEvents1_0_JSON_3_1) {
    const auto body = make_body(batch_of({"\xFFx"}), {.body = BodyFormat::cloudevents}, "pager");
    EXPECT_THAT(
        body.text,
        HasSubstr(R"("datacontenttype":"application/octet-stream","data_base64":"/3g="})")
    );
}

TEST(MakeBody, MakesABatchOfEvents_WhereBatchesMayBe_CloudEvents1_0_JSON_4) {
    const Delivery delivery{.body = BodyFormat::cloudevents, .batch = {.messages = 10}};
    const auto one = make_body(batch_of({"1"}), delivery, "pager");
    EXPECT_EQ(one.content_type, "application/cloudevents-batch+json");
    EXPECT_THAT(one.text, StartsWith(R"([{"specversion")"));
    const auto two = make_body(batch_of({"1", "2"}), delivery, "pager");
    EXPECT_THAT(two.text, HasSubstr(R"("data":1},{"specversion":"1.0","id":"pager/8",)"));
}

std::string gunzip(std::string_view bytes, std::size_t size) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    std::string out(size + 1, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

TEST(Compress, GivesWhatReceiversUnderstand) {
    const std::string text(10'000, 'x');
    const auto gz = detail::compress(text, Compression::gzip);
    EXPECT_LT(gz.size(), 200U);
    EXPECT_EQ(gunzip(gz, text.size()), text);
    const auto zst = detail::compress(text, Compression::zstd);
    std::string back(text.size(), '\0');
    EXPECT_EQ(ZSTD_decompress(back.data(), back.size(), zst.data(), zst.size()), text.size());
    EXPECT_EQ(back, text);
    EXPECT_EQ(detail::compress(text, Compression::none), text);
}

std::string header(const http_client::Request& request, std::string_view name) {
    for (const auto& each : request.headers) {
        if (each.name == name) {
            return each.value;
        }
    }
    return {};
}

TEST(MakeRequest, CompressesBodies_ThatAreWorthIt) {
    HttpSinkConfig config{.name = "pager", .url = "https://ops.example/"};
    config.compression = Compression::gzip;
    const std::string large(kCompressedBytesMin, '1');
    const auto sent = detail::make_request(batch_of({large}), config, "pager/7-7", {}, WallTime{0});
    ASSERT_TRUE(sent);
    EXPECT_EQ(header(*sent, "Content-Encoding"), "gzip");
    EXPECT_EQ(gunzip(sent->body, large.size()), large);
    const auto small = detail::make_request(
        batch_of({std::string_view{large}.substr(1)}), config, "pager/7-7", {}, WallTime{0}
    );
    EXPECT_EQ(header(*small, "Content-Encoding"), "");
    EXPECT_EQ(small->body.size(), kCompressedBytesMin - 1);
}

TEST(MakeRequest, SignsWhatIsSent) {
    HttpSinkConfig config{.name = "pager", .url = "https://ops.example/hook?b&a"};
    config.compression = Compression::zstd;
    config.sigv4 = http_client::SigV4{
        .access_key_id = "AKIDEXAMPLE",
        .secret_access_key = "s3cret",
        .region = "eu-central-1",
        .service = "execute-api"
    };
    const std::string large(1'000, '1');
    const auto now = WallTime{1'440'938'160'000};
    auto sent = detail::make_request(batch_of({large}), config, "pager/7-7", {}, now);
    ASSERT_TRUE(sent);
    EXPECT_THAT(
        header(*sent, "Authorization"),
        HasSubstr("SignedHeaders=content-encoding;content-type;host;idempotency-key;x-amz-date")
    );
    const auto before = header(*sent, "Authorization");
    ASSERT_TRUE(http_client::sign(*sent, *config.sigv4, now));
    EXPECT_EQ(header(*sent, "Authorization"), before) << "body and headers were final";
}

}  // namespace
}  // namespace weir::sinks
