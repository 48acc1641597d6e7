#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include <weir/proxy/preface.hpp>

#include "support/proxy_preface.hpp"

namespace weir::proxy {
namespace {

using namespace std::string_literals;
using test::proxy_v2;

const std::string kTcp4Body = "\xC0\x00\x02\x01\x0A\x00\x00\x05\xC3\x50\x22\xB3"s;
const std::string kTcp6Body =
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\2\xC3\x50\x22\xB3"s;

struct PrefaceCase {
    std::string_view name;
    std::string bytes;
    std::optional<std::string> source;  ///< Empty text: not proxied. None: `error`.
    errc error = {};
};

class ParsePreface : public testing::TestWithParam<PrefaceCase> {};

TEST_P(ParsePreface, FollowsTable) {
    const auto& row = GetParam();
    const auto got = parse_preface(as_bytes(row.bytes));
    if (!row.source) {
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error(), make_error_code(row.error)) << got.error().message();
        return;
    }
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->proxied, !row.source->empty());
    EXPECT_EQ(got->size, row.bytes.size());
    if (got->proxied) {
        EXPECT_EQ(to_text(got->source), *row.source);
    }
}

TEST_P(ParsePreface, AsksForMore_AtEachSplit) {
    const auto& row = GetParam();
    if (!row.source) {
        return;
    }
    for (std::size_t count = 0; count < row.bytes.size(); ++count) {
        const auto got = parse_preface(as_bytes(row.bytes).first(count));
        ASSERT_FALSE(got) << count;
        EXPECT_EQ(got.error(), errc::need_more) << count;
    }
}

TEST_P(ParsePreface, LeavesThePeersBytes) {
    const auto& row = GetParam();
    if (row.source) {
        const auto got = parse_preface(as_bytes(row.bytes + "\x16\x03\x01"));
        ASSERT_TRUE(got);
        EXPECT_EQ(got->size, row.bytes.size());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParsePreface,
    testing::Values(
        PrefaceCase{"v1_tcp4", "PROXY TCP4 192.0.2.1 10.0.0.5 50000 8883\r\n", "192.0.2.1:50000"},
        PrefaceCase{
            "v1_tcp6", "PROXY TCP6 2001:db8::1 2001:db8::2 50000 8883\r\n", "[2001:db8::1]:50000"
        },
        PrefaceCase{"v1_unknown", "PROXY UNKNOWN\r\n", ""},
        PrefaceCase{"v1_unknown_with_rest", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""},
        PrefaceCase{
            "v1_bad_ip", "PROXY TCP4 192.0.2.256 10.0.0.5 50000 8883\r\n", {}, errc::malformed
        },
        PrefaceCase{
            "v1_family_and_ip_differ",
            "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
            {},
            errc::malformed
        },
        PrefaceCase{
            "v1_port_too_big", "PROXY TCP4 192.0.2.1 10.0.0.5 65536 8883\r\n", {}, errc::malformed
        },
        PrefaceCase{
            "v1_port_leading_zero",
            "PROXY TCP4 192.0.2.1 10.0.0.5 0080 8883\r\n",
            {},
            errc::malformed
        },
        PrefaceCase{"v1_two_spaces", "PROXY TCP4  192.0.2.1 10.0.0.5 1 2\r\n", {}, errc::malformed},
        PrefaceCase{
            "v1_more_words", "PROXY TCP4 192.0.2.1 10.0.0.5 1 2 3\r\n", {}, errc::malformed
        },
        PrefaceCase{"v1_missing_port", "PROXY TCP4 192.0.2.1 10.0.0.5 1\r\n", {}, errc::malformed},
        PrefaceCase{
            "v1_other_family", "PROXY UDP4 192.0.2.1 10.0.0.5 1 2\r\n", {}, errc::unsupported
        },
        PrefaceCase{"v1_endless", "PROXY UNKNOWN " + std::string(200, 'x'), {}, errc::too_long},
        PrefaceCase{"v2_tcp4", proxy_v2('\x21', '\x11', kTcp4Body), "192.0.2.1:50000"},
        PrefaceCase{"v2_tcp6", proxy_v2('\x21', '\x21', kTcp6Body), "[2001:db8::1]:50000"},
        PrefaceCase{
            "v2_extension", proxy_v2('\x21', '\x11', kTcp4Body + "\x01\x00\x02h2"s), "192.0.2.1:50000"
        },
        PrefaceCase{
            "v2_checksum",
            proxy_v2('\x21', '\x11', kTcp4Body + "\x03\x00\x04"s + "\x58\x08\xEB\x23"s),
            "192.0.2.1:50000"
        },
        PrefaceCase{
            "v2_wrong_checksum",
            proxy_v2('\x21', '\x11', kTcp4Body + "\x03\x00\x04"s + "\x01\x02\x03\x04"s),
            {},
            errc::malformed
        },
        PrefaceCase{
            "v2_short_checksum",
            proxy_v2('\x21', '\x11', kTcp4Body + "\x03\x00\x02"s + "\x01\x02"s),
            {},
            errc::malformed
        },
        PrefaceCase{"v2_local", proxy_v2('\x20', '\x00', ""), ""},
        PrefaceCase{"v2_local_with_rest", proxy_v2('\x20', '\x11', kTcp4Body), ""},
        PrefaceCase{"v2_unspecified", proxy_v2('\x21', '\x00', ""), ""},
        PrefaceCase{
            "v2_short_addresses", proxy_v2('\x21', '\x11', kTcp4Body.substr(1)), {}, errc::malformed
        },
        PrefaceCase{
            "v2_cut_extension",
            proxy_v2('\x21', '\x11', kTcp4Body + "\x01\x00\x09h2"s),
            {},
            errc::malformed
        },
        PrefaceCase{"v2_unix", proxy_v2('\x21', '\x31', std::string(216, 'x')), {}, errc::unsupported},
        PrefaceCase{"v2_udp", proxy_v2('\x21', '\x12', kTcp4Body), {}, errc::unsupported},
        PrefaceCase{"v2_other_version", proxy_v2('\x31', '\x11', kTcp4Body), {}, errc::unsupported},
        PrefaceCase{"v2_other_command", proxy_v2('\x22', '\x11', kTcp4Body), {}, errc::unsupported},
        PrefaceCase{"v2_too_long", proxy_v2('\x21', '\x11', std::string(1025, '\0')), {}, errc::too_long},
        PrefaceCase{"tls", "\x16\x03\x01", {}, errc::not_a_preface},
        PrefaceCase{"http", "POST / HTTP/1.1\r\n", {}, errc::not_a_preface}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::proxy
