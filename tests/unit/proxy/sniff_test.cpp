#include <gtest/gtest.h>

#include <weir/proxy/sniff.hpp>

namespace weir::proxy {
namespace {

using namespace std::string_view_literals;

struct SniffCase {
    std::string_view name;
    std::string_view bytes;
    Sniffed expected;
};

class Sniff : public testing::TestWithParam<SniffCase> {};

TEST_P(Sniff, TellsProtocolsApart) {
    const auto bytes = as_bytes(GetParam().bytes);
    EXPECT_EQ(sniff(bytes), GetParam().expected);
}

TEST_P(Sniff, NeverChangesItsMind_WhenBytesTrickle) {
    const auto bytes = as_bytes(GetParam().bytes);
    auto decided = Sniffed::need_more;
    for (std::size_t count = 0; count <= bytes.size(); ++count) {
        const auto now = sniff(bytes.first(count));
        if (decided != Sniffed::need_more) {
            EXPECT_EQ(now, decided) << "after " << count << " bytes";
        }
        decided = now;
    }
    EXPECT_EQ(decided, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    Sniff,
    testing::Values(
        SniffCase{"nothing", "", Sniffed::need_more},
        SniffCase{"client_hello", "\x16\x03\x01\x02\x00\x01", Sniffed::tls},
        SniffCase{"half_a_record_type", "\x16", Sniffed::need_more},
        SniffCase{"not_tls", "\x16\x04", Sniffed::unknown},
        SniffCase{"mqtt_connect", "\x10\x0C\x00\x04MQTT\x05"sv, Sniffed::mqtt},
        SniffCase{"mqtt_publish_first", "\x30\x0C", Sniffed::unknown},
        SniffCase{"amqp_plain", "AMQP\x00\x01\x00\x00"sv, Sniffed::amqp},
        SniffCase{"amqp_sasl", "AMQP\x03\x01\x00\x00"sv, Sniffed::amqp},
        SniffCase{"amq", "AMQ", Sniffed::need_more},
        SniffCase{"get", "GET /mqtt HTTP/1.1\r\n", Sniffed::http},
        SniffCase{"post", "POST /topics/a HTTP/1.1\r\n", Sniffed::http},
        SniffCase{"options", "OPTIONS * HTTP/1.1\r\n", Sniffed::http},
        SniffCase{"method_without_space", "POST", Sniffed::need_more},
        SniffCase{"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM", Sniffed::unknown},
        SniffCase{"lower_case_method", "get / HTTP/1.1", Sniffed::unknown},
        SniffCase{"proxy_1", "PROXY TCP4 192.0.2.1", Sniffed::proxy_preface},
        SniffCase{"proxy_2", "\r\n\r\n\0\r\nQUIT\n"sv, Sniffed::proxy_preface},
        SniffCase{"empty_lines", "\r\n\r\n\r\n", Sniffed::unknown},
        SniffCase{"ssh", "SSH-2.0-OpenSSH", Sniffed::unknown}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::proxy
