#include <weir/identity/device_ca.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>
#include <weir/identity/detail/openssl.hpp>
#include <weir/identity/thing.hpp>

namespace weir::identity {
namespace {

using detail::CertificatePtr;
using detail::KeyPtr;

constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kCommonNameMax = 64;  // ub-common-name of RFC 5280.
constexpr std::chrono::days kDaysMax{36'500};

/// What differs between the certificates that we make.
struct Template {
    std::string common_name;
    std::string alternative_names;  ///< In OpenSSL's configuration syntax; empty: none. Made of
                                    ///< checked names only.
    Validity validity;
    const char* basic_constraints = "critical,CA:FALSE";
    const char* key_usage = "critical,digitalSignature";
    const char* extended_key_usage = nullptr;
};

bool is_common_name(std::string_view text) {
    return !text.empty() && text.size() <= kCommonNameMax && is_valid_user(text);
}

/// Letters, digits, '-' and dots, perhaps with "*." in front: also keeps commas out of the
/// extension's syntax.
bool is_host_name(std::string_view name) {
    if (name.starts_with("*.")) {
        name.remove_prefix(2);
    }
    const auto is_allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, is_allowed) &&
           name.front() != '.' && name.find("..") == std::string_view::npos;
}

bool is_address(const std::string& text) {
    ASN1_OCTET_STRING* const address = a2i_IPADDRESS(text.c_str());
    ASN1_OCTET_STRING_free(address);
    return address != nullptr;
}

bool set_serial(X509* certificate) {
    std::array<Byte, kSerialBytes> raw{};
    random_bytes(raw);
    raw[0] = static_cast<Byte>((raw[0] & 0x7FU) | 0x40U);  // Positive, and always of full length.
    const detail::BignumPtr number{BN_bin2bn(raw.data(), static_cast<int>(raw.size()), nullptr)};
    return number != nullptr &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, const Validity& validity) {
    const auto begin =
        std::chrono::floor<std::chrono::seconds>(validity.now - std::chrono::hours{1});
    const auto end = std::chrono::floor<std::chrono::seconds>(validity.now) + validity.days;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), begin.count()) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), std::chrono::seconds{end}.count()) !=
               nullptr;
}

bool set_common_name(X509* certificate, const std::string& name) {
    return X509_NAME_add_entry_by_NID(
               X509_get_subject_name(certificate),
               NID_commonName,
               MBSTRING_UTF8,
               reinterpret_cast<const unsigned char*>(name.data()),
               static_cast<int>(name.size()),
               -1,
               0
           ) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const detail::ExtensionPtr extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
    return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// @param issuer  Null: the certificate signs itself.
CertificatePtr make_certificate(
    const Template& like, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key
) {
    CertificatePtr certificate{X509_new()};
    X509* const made = certificate.get();
    X509* const signer = issuer == nullptr ? made : issuer;
    const bool good =
        made != nullptr && X509_set_version(made, X509_VERSION_3) == 1 && set_serial(made) &&
        set_validity(made, like.validity) && set_common_name(made, like.common_name) &&
        X509_set_issuer_name(made, X509_get_subject_name(signer)) == 1 &&
        X509_set_pubkey(made, key) == 1 &&
        add_extension(made, signer, NID_basic_constraints, like.basic_constraints) &&
        add_extension(made, signer, NID_key_usage, like.key_usage) &&
        add_extension(made, signer, NID_subject_key_identifier, "hash") &&
        add_extension(made, signer, NID_authority_key_identifier, "keyid:always") &&
        (like.extended_key_usage == nullptr ||
         add_extension(made, signer, NID_ext_key_usage, like.extended_key_usage)) &&
        (like.alternative_names.empty() ||
         add_extension(made, signer, NID_subject_alt_name, like.alternative_names.c_str())) &&
        X509_sign(made, issuer_key, EVP_sha256()) > 0;
    return good ? std::move(certificate) : nullptr;
}

std::string to_pem(X509* certificate) {
    const detail::BioPtr out{BIO_new(BIO_s_mem())};
    return PEM_write_bio_X509(out.get(), certificate) == 1 ? detail::contents(out.get())
                                                           : std::string{};
}

std::string to_pem(const EVP_PKEY* key) {
    const detail::BioPtr out{BIO_new(BIO_s_secmem())};
    const int written =
        PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return written == 1 ? detail::contents(out.get()) : std::string{};
}

/// Keeps OpenSSL from asking for a pass phrase on the terminal.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
    return 0;
}

Result<Issued> issue(const Template& like, X509* issuer, EVP_PKEY* issuer_key) {
    if (like.validity.days < std::chrono::days{1} || like.validity.days > kDaysMax) {
        return errc::invalid_value;
    }
    const KeyPtr key{EVP_EC_gen("P-256")};
    if (key == nullptr) {
        return errc::crypto_failed;
    }
    const auto certificate = make_certificate(like, key.get(), issuer, issuer_key);
    if (certificate == nullptr) {
        return errc::crypto_failed;
    }
    return Issued{.certificate = to_pem(certificate.get()), .key = to_pem(key.get())};
}

}  // namespace

struct DeviceCa::Parts {
    CertificatePtr certificate;
    KeyPtr key;
};

DeviceCa::DeviceCa(std::unique_ptr<Parts> parts) noexcept : parts_{std::move(parts)} {}
DeviceCa::DeviceCa(DeviceCa&&) noexcept = default;
DeviceCa& DeviceCa::operator=(DeviceCa&&) noexcept = default;
DeviceCa::~DeviceCa() = default;

Result<DeviceCa> DeviceCa::create(
    std::string_view common_name, WallTime now, std::chrono::days days
) {
    if (!is_common_name(common_name)) {
        return errc::invalid_name;
    }
    if (days < std::chrono::days{1} || days > kDaysMax) {
        return errc::invalid_value;
    }
    auto parts = std::make_unique<Parts>();
    parts->key.reset(EVP_EC_gen("P-256"));
    if (parts->key == nullptr) {
        return errc::crypto_failed;
    }
    const Template like{
        .common_name = std::string{common_name},
        .alternative_names = {},
        .validity = {.now = now, .days = days},
        .basic_constraints = "critical,CA:TRUE,pathlen:0",
        .key_usage = "critical,keyCertSign,cRLSign",
    };
    parts->certificate = make_certificate(like, parts->key.get(), nullptr, parts->key.get());
    if (parts->certificate == nullptr) {
        return errc::crypto_failed;
    }
    return DeviceCa{std::move(parts)};
}

Result<DeviceCa> DeviceCa::load(std::string_view certificate_pem, std::string_view key_pem) {
    auto parts = std::make_unique<Parts>();
    const auto certificate_bio = detail::memory_bio(certificate_pem);
    parts->certificate.reset(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
    if (parts->certificate == nullptr || X509_check_ca(parts->certificate.get()) <= 0) {
        return errc::bad_certificate;
    }
    const auto key_bio = detail::memory_bio(key_pem);
    parts->key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_pass_phrase, nullptr));
    if (parts->key == nullptr ||
        X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
        return errc::bad_key;
    }
    return DeviceCa{std::move(parts)};
}

Result<Issued> DeviceCa::issue_device(std::string_view thing, const Validity& validity) const {
    if (!is_valid_name(thing) || !is_common_name(thing)) {
        return errc::invalid_name;
    }
    const Template like{
        .common_name = std::string{thing},
        .alternative_names = {},
        .validity = validity,
        .extended_key_usage = "clientAuth",
    };
    return issue(like, parts_->certificate.get(), parts_->key.get());
}

Result<Issued> DeviceCa::issue_server(const ServerNames& names, const Validity& validity) const {
    Template like{
        .common_name = {},
        .alternative_names = {},
        .validity = validity,
        .extended_key_usage = "serverAuth",
    };
    const auto add = [&like](std::string_view kind, const std::string& name) {
        like.alternative_names += like.alternative_names.empty() ? "" : ",";
        like.alternative_names += kind;
        like.alternative_names += name;
        if (like.common_name.empty() && name.size() <= kCommonNameMax) {
            like.common_name = name;
        }
    };
    for (const auto& name : names.dns) {
        if (!is_host_name(name)) {
            return errc::invalid_name;
        }
        add("DNS:", name);
    }
    for (const auto& address : names.ip) {
        if (!is_address(address)) {
            return errc::invalid_name;
        }
        add("IP:", address);
    }
    if (like.alternative_names.empty()) {
        return errc::invalid_name;
    }
    if (like.common_name.empty()) {
        like.common_name = "weir";
    }
    return issue(like, parts_->certificate.get(), parts_->key.get());
}

std::string DeviceCa::certificate_pem() const {
    return to_pem(parts_->certificate.get());
}

std::string DeviceCa::key_pem() const {
    return to_pem(parts_->key.get());
}

Result<void> write_key_file(const std::filesystem::path& path, std::string_view pem) {
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return errc::file_failed;
    }
    bool good = ::fchmod(file, 0600) == 0;
    while (good && !pem.empty()) {
        const auto written = ::write(file, pem.data(), pem.size());
        good = written > 0;
        pem.remove_prefix(good ? static_cast<std::size_t>(written) : 0);
    }
    good = ::fsync(file) == 0 && good;
    good = ::close(file) == 0 && good;
    if (!good) {
        ::unlink(path.c_str());
        return errc::file_failed;
    }
    return {};
}

}  // namespace weir::identity
