/// Certificates made on the spot, for tests. Needs OpenSSL::Crypto.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace weir::test {

struct FreeOpenSsl {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;
using CertificatePtr = std::unique_ptr<X509, FreeOpenSsl>;

struct CertificateRequest {
    std::string name = "test";  ///< Common name.
    std::string alternative = {
    };  ///< subjectAltName as OpenSSL writes it ("IP:127.0.0.1"); empty: none.
    bool authority = false;
    long valid_from_s = -3'600;  ///< From now.
    long valid_until_s = 3'600;
};

/// A key and its certificate.
struct Identity {
    KeyPtr key;
    CertificatePtr certificate;

    void write(const std::string& cert_file, const std::string& key_file) const {
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> cert{
            std::fopen(cert_file.c_str(), "w"), &std::fclose
        };
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> priv{
            std::fopen(key_file.c_str(), "w"), &std::fclose
        };
        EXPECT_EQ(PEM_write_X509(cert.get(), certificate.get()), 1);
        EXPECT_EQ(
            PEM_write_PrivateKey(priv.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1
        );
    }
};

/// @param issuer  Null: signs itself.
[[nodiscard]] inline Identity make_identity(
    const CertificateRequest& request, const Identity* issuer = nullptr
) {
    static long serial = 0;
    Identity out{KeyPtr{EVP_EC_gen("P-256")}, CertificatePtr{X509_new()}};
    auto* const certificate = out.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), request.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), request.valid_until_s);
    X509_set_pubkey(certificate, out.key.get());
    const auto* const name = reinterpret_cast<const unsigned char*>(request.name.c_str());
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, name, -1, -1, 0
    );
    auto* const signer = issuer == nullptr ? certificate : issuer->certificate.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));

    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
    const auto extend = [&](int nid, const std::string& value) {
        auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
        EXPECT_NE(extension, nullptr) << value;
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, request.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!request.alternative.empty()) {
        extend(NID_subject_alt_name, request.alternative);
    }
    EXPECT_GT(
        X509_sign(certificate, issuer == nullptr ? out.key.get() : issuer->key.get(), EVP_sha256()),
        0
    );
    return out;
}

}  // namespace weir::test
