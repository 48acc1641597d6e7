#include <weir/identity/x509.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>

#include <weir/base/log.hpp>
#include <weir/base/text.hpp>
#include <weir/identity/detail/openssl.hpp>

namespace weir::identity {
namespace {

using detail::CertificatePtr;

/// The text of a name's part, whatever string type it has; nothing if it is no plain text.
std::optional<std::string> text_of(const ASN1_STRING* value) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, value);
    if (size < 0) {
        return std::nullopt;
    }
    std::string text{reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)};
    OPENSSL_free(utf8);
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    };
    if (!is_utf8(text) || std::ranges::any_of(text, is_control)) {
        return std::nullopt;
    }
    return text;
}

bool is_plain(const X509_NAME* name) {
    for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
        if (!text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)))) {
            return false;
        }
    }
    return true;
}

/// @pre is_plain(name)
std::string one_line(const X509_NAME* name) {
    const detail::BioPtr out{BIO_new(BIO_s_mem())};
    constexpr unsigned long kFlags =
        XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) {
        return {};
    }
    return detail::contents(out.get());
}

/// Two common names could be read as two devices: that is refused.
std::optional<std::string> common_name_of(const X509_NAME* name) {
    const int first = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (first < 0) {
        return std::string{};
    }
    if (X509_NAME_get_index_by_NID(name, NID_commonName, first) >= 0) {
        return std::nullopt;
    }
    return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, first)));
}

std::optional<std::string> address_of(const ASN1_OCTET_STRING* address) {
    const int size = ASN1_STRING_length(address);
    if (size != 4 && size != 16) {
        return std::nullopt;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(
        size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text.data(), text.size()
    );
    return std::string{text.data()};
}

/// Puts the text into the list that belongs to the name's type; other types are skipped.
bool take_alternative_name(const GENERAL_NAME& name, CertificateFacts& facts) {
    const auto take = [](std::optional<std::string> text, std::vector<std::string>& list) {
        if (text) {
            list.push_back(std::move(*text));
        }
        return text.has_value();
    };
    switch (name.type) {
        case GEN_DNS:
            return take(text_of(name.d.dNSName), facts.dns_names);
        case GEN_EMAIL:
            return take(text_of(name.d.rfc822Name), facts.emails);
        case GEN_URI:
            return take(text_of(name.d.uniformResourceIdentifier), facts.uris);
        case GEN_IPADD:
            return take(address_of(name.d.iPAddress), facts.ip_addresses);
        default:
            return true;
    }
}

bool take_alternative_names(const X509* certificate, CertificateFacts& facts) {
    int critical = 0;
    const detail::NamesPtr names{static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)
    )};
    if (names == nullptr) {
        return critical == -1;  // Absent; anything else is a damaged or repeated extension.
    }
    const int count = sk_GENERAL_NAME_num(names.get());
    if (std::cmp_greater(count, kAlternativeNamesMax)) {
        return false;
    }
    for (int i = 0; i < count; ++i) {
        if (!take_alternative_name(*sk_GENERAL_NAME_value(names.get(), i), facts)) {
            return false;
        }
    }
    return true;
}

std::optional<WallTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return std::nullopt;
    }
    return WallTime{std::int64_t{timegm(&parts)} * 1'000};
}

std::string serial_of(const X509* certificate) {
    const ASN1_INTEGER* const serial = X509_get0_serialNumber(certificate);
    return to_hex(
        {ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))}
    );
}

std::string key_of(const X509* certificate) {
    const EVP_PKEY* const key = X509_get0_pubkey(certificate);
    if (key == nullptr) {
        return "unknown";
    }
    const int bits = EVP_PKEY_get_bits(key);
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_EC:
            return fmt::format("EC P-{}", bits);
        case EVP_PKEY_RSA:
            return fmt::format("RSA {}", bits);
        case EVP_PKEY_ED25519:
            return "Ed25519";
        default:
            return fmt::format("other, {} bits", bits);
    }
}

Result<CertificateFacts> facts_of(X509* certificate, ByteView der) {
    CertificateFacts facts;
    facts.sha256 = sha256(der);
    const auto* const subject = X509_get_subject_name(certificate);
    const auto* const issuer = X509_get_issuer_name(certificate);
    if (!is_plain(subject) || !is_plain(issuer) || !take_alternative_names(certificate, facts)) {
        return errc::bad_certificate;
    }
    auto common_name = common_name_of(subject);
    const auto not_before = time_of(X509_get0_notBefore(certificate));
    const auto not_after = time_of(X509_get0_notAfter(certificate));
    if (!common_name || !not_before || !not_after) {
        return errc::bad_certificate;
    }
    facts.common_name = std::move(*common_name);
    facts.subject = one_line(subject);
    facts.issuer = one_line(issuer);
    facts.serial = serial_of(certificate);
    facts.not_before = *not_before;
    facts.not_after = *not_after;
    facts.key = key_of(certificate);
    facts.is_ca = X509_check_ca(certificate) > 0;
    return facts;
}

std::string json_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const auto& text : texts) {
        out += fmt::format("{}\"{}\"", out.size() > 1 ? "," : "", log::json_escape(text));
    }
    return out + "]";
}

}  // namespace

Result<CertificateFacts> parse_certificate(ByteView der) {
    if (der.empty() || der.size() > kCertificateBytesMax) {
        return errc::bad_certificate;
    }
    const unsigned char* at = der.data();
    const CertificatePtr certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    if (certificate == nullptr || at != der.data() + der.size()) {
        return errc::bad_certificate;
    }
    return facts_of(certificate.get(), der);
}

Result<CertificateFacts> parse_certificate_pem(std::string_view pem) {
    if (pem.size() > kCertificateBytesMax * 2) {
        return errc::bad_certificate;
    }
    const auto bio = detail::memory_bio(pem);
    const CertificatePtr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    if (certificate == nullptr) {
        return errc::bad_certificate;
    }
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    if (size <= 0) {
        return errc::bad_certificate;
    }
    auto facts = facts_of(certificate.get(), {der, static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return facts;
}

std::string to_text(const CertificateFacts& facts) {
    std::string out = fmt::format(
        "subject      {}\nissuer       {}\nserial       {}\nsha256       {}\nvalid from   "
        "{}\nvalid until  {}\nkey          {}\n",
        facts.subject,
        facts.issuer,
        facts.serial,
        to_hex(facts.sha256),
        format_time(facts.not_before.count()),
        format_time(facts.not_after.count()),
        facts.key
    );
    const auto list = [&out](std::string_view title, const std::vector<std::string>& texts) {
        for (const auto& text : texts) {
            out += fmt::format("{:<12} {}\n", title, text);
        }
    };
    list("dns", facts.dns_names);
    list("ip", facts.ip_addresses);
    list("email", facts.emails);
    list("uri", facts.uris);
    out += facts.is_ca ? "ca           yes\n" : "ca           no\n";
    return out;
}

std::string to_json(const CertificateFacts& facts) {
    return fmt::format(
        R"({{"subject":"{}","issuer":"{}","common_name":"{}","serial":"{}","sha256":"{}","not_before":"{}","not_after":"{}",)"
        R"("key":"{}","is_ca":{},"dns":{},"ip":{},"email":{},"uri":{}}})",
        log::json_escape(facts.subject),
        log::json_escape(facts.issuer),
        log::json_escape(facts.common_name),
        facts.serial,
        to_hex(facts.sha256),
        format_time(facts.not_before.count()),
        format_time(facts.not_after.count()),
        facts.key,
        facts.is_ca,
        json_list(facts.dns_names),
        json_list(facts.ip_addresses),
        json_list(facts.emails),
        json_list(facts.uris)
    );
}

}  // namespace weir::identity
