#include <weir/base/digest.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Digest, AgreesWithKnownVectors) {
    struct Case {
        DigestKind kind;
        std::string_view hex;
    };
    for (const auto& [kind, hex] : {
             // RFC 1321 and FIPS 180-4, of "abc".
             Case{DigestKind::md5, "900150983cd24fb0d6963f7d28e17f72"},
             Case{DigestKind::sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
             Case{DigestKind::sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
             Case{
                 DigestKind::sha256,
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
             },
             Case{
                 DigestKind::sha384,
                 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc235"
                 "8baeca134c825a7"
             },
             Case{
                 DigestKind::sha512,
                 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
             },
         }) {
        EXPECT_EQ(to_hex(digest(kind, as_bytes("abc"))), hex);
    }
    EXPECT_EQ(
        to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

TEST(HmacSha256, AgreesWithRfc4231) {
    EXPECT_EQ(
        to_hex(hmac_sha256(Bytes(20, 0x0B), as_bytes("Hi There"))),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    EXPECT_EQ(
        to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

TEST(Hex, ReadsBothCasesAndRefusesTheRest) {
    EXPECT_EQ(from_hex("00fFa0"), (Bytes{0x00, 0xFF, 0xA0}));
    EXPECT_EQ(from_hex(""), Bytes{});
    for (const std::string_view text : {"0", "0g", "g0", " 0", "0x", "0\n"}) {
        EXPECT_FALSE(from_hex(text)) << text;
    }
}

TEST(Base64, AgreesWithRfc4648) {
    struct Case {
        std::string_view plain;
        std::string_view encoded;
    };
    for (const auto& [plain, encoded] : {
             Case{"", ""},
             Case{"f", "Zg=="},
             Case{"fo", "Zm8="},
             Case{"foo", "Zm9v"},
             Case{"foob", "Zm9vYg=="},
             Case{"fooba", "Zm9vYmE="},
             Case{"foobar", "Zm9vYmFy"},
         }) {
        EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
        EXPECT_EQ(from_base64(encoded), to_bytes(plain)) << encoded;
        const auto unpadded = encoded.substr(0, encoded.find('='));
        EXPECT_EQ(from_base64(unpadded), to_bytes(plain)) << unpadded;
    }
}

TEST(Base64, RefusesWhatIsNoEncoding) {
    for (const std::string_view text : {
             "Z",         // One character is less than a byte.
             "Zg=",       // Half of the padding.
             "Zg===",     // Too much of it.
             "Zm9v====",  // Padding alone.
             "=Zg=",      // Padding in front.
             "Z=g=",
             "Zh==",  // Bits that belong to no byte.
             "Zm9=",
             "Zm 9v",
             "Zm-_",  // Section 5, not 4.
             "Zg==\n",
         }) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
}

TEST(Random, DiffersFromCallToCall) {
    EXPECT_EQ(random_hex(8).size(), 16U);
    EXPECT_NE(random_hex(16), random_hex(16));
    EXPECT_EQ(random_uuid().size(), 36U);
    EXPECT_EQ(random_uuid()[14], '4');
    EXPECT_NE(random_uuid(), random_uuid());
}

TEST(EqualConstantTime, ComparesAllBytes) {
    EXPECT_TRUE(equal_constant_time({}, {}));
    EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
    EXPECT_FALSE(equal_constant_time(as_bytes("a"), {}));
}

}  // namespace
}  // namespace weir
