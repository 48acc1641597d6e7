#include <weir/sinks/diagnose.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::sinks {
namespace {

using http_client::errc;
using testing::HasSubstr;

struct DiagnosisCase {
    std::string_view name;
    http_client::Outcome outcome;
    Meaning meaning;
    std::string_view hint;  ///< What it mentions.
};

class Diagnose : public testing::TestWithParam<DiagnosisCase> {};

TEST_P(Diagnose, NamesTheKeyToLookAt) {
    const auto got = diagnose(GetParam().outcome, {.name = "pager", .url = "https://h/"});
    EXPECT_EQ(got.meaning, GetParam().meaning);
    EXPECT_THAT(got.hint, HasSubstr(std::string{GetParam().hint}));
    EXPECT_EQ(got.text.empty(), got.meaning == Meaning::delivered);
    EXPECT_EQ(got.hint.empty(), got.meaning == Meaning::delivered);
}

http_client::Outcome status(std::uint16_t code) {
    return {.response = {.status = code}};
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    Diagnose,
    testing::Values(
        DiagnosisCase{"s204", status(204), Meaning::delivered, ""},
        DiagnosisCase{"s302", status(302), Meaning::never, "redirects: same_origin"},
        DiagnosisCase{"s400", status(400), Meaning::never, "body"},
        DiagnosisCase{"s401", status(401), Meaning::never, "auth"},
        DiagnosisCase{"s403", status(403), Meaning::never, "auth"},
        DiagnosisCase{"s404", status(404), Meaning::never, "path of url"},
        DiagnosisCase{"s405", status(405), Meaning::never, "method"},
        DiagnosisCase{"s413", status(413), Meaning::never, "batch.bytes"},
        DiagnosisCase{"s415", status(415), Meaning::never, "Content-Type"},
        DiagnosisCase{"s418", status(418), Meaning::never, "status"},
        DiagnosisCase{"s429", status(429), Meaning::again, "in_flight"},
        DiagnosisCase{"s503", status(503), Meaning::again, "its log"},
        DiagnosisCase{"resolve", {.error = errc::resolve_failed}, Meaning::again, "host in url"},
        DiagnosisCase{"connect", {.error = errc::connect_failed}, Meaning::again, "listens"},
        DiagnosisCase{"tls", {.error = errc::tls_failed}, Meaning::again, "with ca"},
        DiagnosisCase{"timeout", {.error = errc::timed_out}, Meaning::again, "connect_timeout"},
        DiagnosisCase{
            "slow",
            {.error = errc::timed_out, .timing = {.connect = std::chrono::microseconds{9}}},
            Meaning::again,
            "longer than timeout"
        },
        DiagnosisCase{"broken", {.error = errc::transfer_failed}, Meaning::again, "https"},
        DiagnosisCase{"bad_request", {.error = errc::bad_request}, Meaning::never, "${...}"}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::sinks
