#include <weir/base/digest.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <weir/base/assert.hpp>

namespace weir {
namespace {

const EVP_MD* digest_of(DigestKind kind) {
    switch (kind) {
        case DigestKind::md5:
            return EVP_md5();
        case DigestKind::sha1:
            return EVP_sha1();
        case DigestKind::sha224:
            return EVP_sha224();
        case DigestKind::sha256:
            return EVP_sha256();
        case DigestKind::sha384:
            return EVP_sha384();
        case DigestKind::sha512:
            return EVP_sha512();
    }
    return nullptr;
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

}  // namespace

Sha256 sha256(ByteView data) {
    Sha256 out{};
    unsigned size = 0;
    WEIR_ASSERT(EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr) == 1);
    return out;
}

Bytes digest(DigestKind kind, ByteView data) {
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    WEIR_ASSERT(EVP_Digest(data.data(), data.size(), out.data(), &size, digest_of(kind), nullptr) == 1);
    out.resize(size);
    return out;
}

Sha256 hmac_sha256(ByteView key, ByteView data) {
    Sha256 out{};
    unsigned size = 0;
    const unsigned char* const made = HMAC(
        EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(), &size
    );
    WEIR_ASSERT(made != nullptr);
    return out;
}

std::string to_hex(ByteView data) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * 2);
    for (const Byte byte : data) {
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out.push_back(static_cast<Byte>(high * 16 + low));
    }
    return out;
}

std::string to_base64(ByteView data) {
    std::string out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        const std::size_t left = data.size() - i;
        const std::uint32_t group = (std::uint32_t{data[i]} << 16U) |
                                    (left > 1 ? std::uint32_t{data[i + 1]} << 8U : 0U) |
                                    (left > 2 ? std::uint32_t{data[i + 2]} : 0U);
        out += kBase64[(group >> 18U) & 63U];
        out += kBase64[(group >> 12U) & 63U];
        out += left > 1 ? kBase64[(group >> 6U) & 63U] : '=';
        out += left > 2 ? kBase64[group & 63U] : '=';
    }
    return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
    if (text.size() % 4 == 0) {
        for (int i = 0; i < 2 && text.ends_with('='); ++i) {
            text.remove_suffix(1);
        }
    }
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    Bytes out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const auto value = kBase64.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        group = (group << 6U) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<Byte>(group >> bits));
        }
    }
    if ((group & ((1U << bits) - 1U)) != 0) {
        return std::nullopt;
    }
    return out;
}

void random_bytes(std::span<Byte> out) {
    WEIR_ASSERT(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::string random_hex(std::size_t count) {
    Bytes raw(count);
    random_bytes(raw);
    return to_hex(raw);
}

std::string random_uuid() {
    std::array<Byte, 16> raw;
    random_bytes(raw);
    raw[6] = static_cast<Byte>((raw[6] & 0x0FU) | 0x40U);
    raw[8] = static_cast<Byte>((raw[8] & 0x3FU) | 0x80U);
    std::string text = to_hex(raw);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) {
        text.insert(dash, 1, '-');
    }
    return text;
}

bool equal_constant_time(ByteView a, ByteView b) noexcept {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace weir
