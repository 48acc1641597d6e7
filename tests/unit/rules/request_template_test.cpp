#include <weir/rules/request_template.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::rules {
namespace {

using testing::ElementsAre;
using testing::Pair;

class RequestTemplateTest : public testing::Test {
protected:
    RequestTemplate compile(const RequestTexts& texts) {
        document::Diagnostics diagnostics;
        auto compiled = RequestTemplate::compile(texts, diagnostics);
        EXPECT_TRUE(compiled) << diagnostics.render_text();
        return compiled ? std::move(*compiled) : RequestTemplate{};
    }

    Result<RequestParts> render(
        const RequestTemplate& request,
        const std::string& payload = R"({"n": 1})",
        std::string_view topic = "data/p1/temp",
        std::string* failed = nullptr
    ) {
        padded_ = payload + std::string(model::Message::kSpareBytes, '\0');
        return request.render(
            evaluator_,
            {.topic = topic,
             .payload = as_bytes(std::string_view{padded_}.substr(0, payload.size())),
             .client_id = "p1"},
            failed
        );
    }

    /// Of a URL, for a message whose member `v` is `value` as it stands in JSON.
    std::string target(const std::string& url, const std::string& value) {
        const auto request = compile({.url = {url}});
        const auto parts = render(request, R"({"v": )" + value + "}");
        return parts ? parts->target : "error: " + parts.error().message();
    }

    Evaluator evaluator_;
    std::string padded_;
};

TEST_F(RequestTemplateTest, IsConstant_WithoutExpressions) {
    const auto request = compile(
        {.url = {"https://ops.example/hook?a=b"}, .headers = {{"X", {"y"}}}, .order_by = {"all"}}
    );
    EXPECT_TRUE(request.constant());
    const auto parts = render(request);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->target, "");
    EXPECT_TRUE(parts->headers.empty());
}

TEST_F(RequestTemplateTest, FillsPathHeadersAndOrder) {
    const auto request = compile({
        .url = {"https://ops.example/hook/${topic(2)}?n=${n}&fixed=a/b"},
        .headers = {{"X-Site", {"north"}}, {"X-Device", {"dev ${clientid()}"}}},
        .order_by = {"${topic(1)}/${n % 2}"},
    });
    EXPECT_FALSE(request.constant());
    const auto parts = render(request);
    ASSERT_TRUE(parts) << parts.error().message();
    EXPECT_EQ(parts->target, "/hook/p1?n=1&fixed=a/b");
    EXPECT_THAT(parts->headers, ElementsAre(Pair("X-Device", "dev p1")));
    EXPECT_EQ(parts->order_key, "data/1");
}

TEST_F(RequestTemplateTest, EncodesValues_SoThatTheyStayInTheirPlace) {
    EXPECT_EQ(target("https://h/a/${v}", R"("x/y?z=1&q#f %")"), "/a/x%2Fy%3Fz%3D1%26q%23f%20%25");
    EXPECT_EQ(target("https://h/a?q=${v}", R"("x&y=z")"), "/a?q=x%26y%3Dz");
    EXPECT_EQ(target("https://h?q=${v}", R"("1")"), "?q=1");
    EXPECT_EQ(target("https://h/${v}", R"("@evil.example:1/")"), "/%40evil.example%3A1%2F");
    EXPECT_EQ(target("https://h/${v}", R"("a\r\nHost: evil")"), "/a%0D%0AHost%3A%20evil");
    EXPECT_EQ(target("https://h/${v}", R"("gr\u00fcn")"), "/gr%C3%BCn");
}

TEST_F(RequestTemplateTest, RefusesToClimbOutOfThePath) {
    const std::string refused = "error: " + make_error_code(errc::template_refused).message();
    EXPECT_EQ(target("https://h/a/${v}/b", R"("..")"), refused);
    EXPECT_EQ(target("https://h/a/${v}", R"(".")"), refused);
    EXPECT_EQ(target("https://h/a/.${v}", R"(".")"), refused);
    EXPECT_EQ(target("https://h/a/%2e${v}?x", R"(".")"), refused);
    EXPECT_EQ(target("https://h/a/${v}", R"("...")"), "/a/...");
    EXPECT_EQ(target("https://h/a/${v}", R"("../b")"), "/a/..%2Fb") << "one segment of its own";
    EXPECT_EQ(target("https://h/a?x=${v}", R"("..")"), "/a?x=..");
}

TEST_F(RequestTemplateTest, RefusesWhatIsTooLong) {
    const auto value = [](std::size_t size) { return '"' + std::string(size, 'x') + '"'; };
    EXPECT_EQ(
        target("https://h/${v}", value(RequestTemplate::kTextBytesMax - 1)).size(),
        RequestTemplate::kTextBytesMax
    );
    const auto url = compile({.url = {"https://h/${v}"}});
    const auto header = compile({.url = {"https://h/"}, .headers = {{"X", {"${v}"}}}});
    const auto large = R"({"v": )" + value(RequestTemplate::kTextBytesMax) + "}";
    EXPECT_EQ(render(url, large).error(), errc::template_refused);
    EXPECT_TRUE(render(header, large));
    const auto larger = R"({"v": )" + value(RequestTemplate::kTextBytesMax + 1) + "}";
    EXPECT_EQ(render(header, larger).error(), errc::template_refused);
}

TEST_F(RequestTemplateTest, KeepsControlCharactersOutOfHeaders) {
    const auto request = compile({.url = {"https://h/"}, .headers = {{"X", {"a ${v}"}}}});
    const auto parts = render(request, R"({"v": "b\r\nSet-Cookie: c\u0000\u007f\td"})");
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->headers.front().second, "a b%0D%0ASet-Cookie: c%00%7F%09d");
}

TEST_F(RequestTemplateTest, Fails_WhenAnExpressionHasNoValue) {
    const auto request = compile({.url = {"https://h/${missing}"}});
    EXPECT_EQ(render(request).error(), errc::template_undefined);
}

TEST_F(RequestTemplateTest, TellsWhichPartFailed) {
    const auto failed = [&](const RequestTexts& texts) {
        std::string part;
        EXPECT_FALSE(render(compile(texts), "{}", "data/p1/temp", &part));
        return part;
    };
    const PlacedText good{"https://h/${clientid()}"};
    EXPECT_EQ(failed({.url = {"https://h/a/${missing}?b"}}), "url /a/${missing}?b");
    EXPECT_EQ(failed({.url = {"https://h/a${topic(9)}"}}), "url /a${topic(9)}");
    EXPECT_EQ(
        failed({.url = good, .headers = {{"X-Y", {"${clientid()}"}}, {"X-Z", {"a ${b}"}}}}),
        "header X-Z a ${b}"
    );
    EXPECT_EQ(failed({.url = good, .order_by = {"${site}"}}), "order_by ${site}");
}

TEST_F(RequestTemplateTest, NamesThePlaceOfAnError) {
    document::Diagnostics diagnostics;
    const SourcePlace place{.file = "sinks.d/p.yaml", .start = {3, 6}};
    EXPECT_FALSE(RequestTemplate::compile({.url = {"https://h/${topik(2)}", place}}, diagnostics));
    ASSERT_EQ(diagnostics.sorted().size(), 1U);
    EXPECT_EQ(diagnostics.sorted()[0].file, "sinks.d/p.yaml");
    EXPECT_EQ(diagnostics.sorted()[0].range.begin, (document::Position{3, 18}));
}

}  // namespace
}  // namespace weir::rules
