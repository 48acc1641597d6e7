// Certificates of hostile peers: whatever is accepted has names that are plain text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <weir/base/text.hpp>
#include <weir/identity/x509.hpp>

namespace {

using namespace weir::identity;

void expect_plain(const std::string& text) {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    };
    if (!weir::is_utf8(text) || std::ranges::any_of(text, is_control)) {
        std::abort();
    }
}

void check(const weir::Result<CertificateFacts>& facts) {
    if (!facts) {
        return;
    }
    for (const auto* text : {&facts->common_name, &facts->subject, &facts->issuer}) {
        expect_plain(*text);
    }
    for (const auto* names :
         {&facts->dns_names, &facts->ip_addresses, &facts->emails, &facts->uris}) {
        std::ranges::for_each(*names, expect_plain);
    }
    static_cast<void>(to_text(*facts));
    static_cast<void>(to_json(*facts));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check(parse_certificate({data, size}));
    check(parse_certificate_pem({reinterpret_cast<const char*>(data), size}));
    return 0;
}
