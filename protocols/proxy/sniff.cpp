#include <weir/proxy/sniff.hpp>

#include <algorithm>
#include <array>

namespace weir::proxy {
namespace {

using namespace std::string_view_literals;

struct Signature {
    std::string_view prefix;
    Sniffed meaning;
};

constexpr std::array kSignatures = {
    Signature{"\x16\x03"sv, Sniffed::tls},
    Signature{"\x10"sv, Sniffed::mqtt},
    Signature{"AMQP"sv, Sniffed::amqp},
    Signature{"GET "sv, Sniffed::http},
    Signature{"PUT "sv, Sniffed::http},
    Signature{"POST "sv, Sniffed::http},
    Signature{"HEAD "sv, Sniffed::http},
    Signature{"PATCH "sv, Sniffed::http},
    Signature{"DELETE "sv, Sniffed::http},
    Signature{"OPTIONS "sv, Sniffed::http},
    Signature{"PROXY "sv, Sniffed::proxy_preface},
    Signature{"\r\n\r\n\0\r\n"sv, Sniffed::proxy_preface},
};
static_assert(std::ranges::all_of(kSignatures, [](const Signature& s) {
    return s.prefix.size() <= kSniffBytesMax;
}));

constexpr std::array<std::string_view, 7> kNames = {
    "need_more", "tls", "http", "mqtt", "amqp", "proxy_preface", "unknown"
};

}  // namespace

Sniffed sniff(ByteView in) noexcept {
    const auto text = as_text(in);
    bool open = false;
    for (const auto& signature : kSignatures) {
        if (text.starts_with(signature.prefix)) {
            return signature.meaning;
        }
        open = open || signature.prefix.starts_with(text);
    }
    return open ? Sniffed::need_more : Sniffed::unknown;
}

std::string_view name(Sniffed sniffed) noexcept {
    return kNames[static_cast<std::size_t>(sniffed)];
}

}  // namespace weir::proxy
