#include <weir/identity/password.hpp>

#include <gtest/gtest.h>

namespace weir::identity {
namespace {

constexpr PasswordCost kCheap{.passes = 1, .memory_bytes = 8'192};

TEST(Password, VerifiesWhatWasHashed) {
    const auto hash = hash_password(as_bytes("correct horse"), kCheap);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(hash->starts_with("$argon2id$"));
    EXPECT_TRUE(verify_password(*hash, as_bytes("correct horse")));
    EXPECT_FALSE(verify_password(*hash, as_bytes("correct horsf")));
    EXPECT_FALSE(verify_password(*hash, {}));
    EXPECT_NE(*hash_password(as_bytes("correct horse"), kCheap), *hash) << "salted";
}

TEST(Password, RefusesShortLongAndTooCheapOnes) {
    EXPECT_EQ(hash_password(as_bytes("1234567"), kCheap).error(), errc::weak_password);
    EXPECT_EQ(
        hash_password(Bytes(kPasswordBytesMax + 1, 'x'), kCheap).error(), errc::weak_password
    );
    EXPECT_EQ(
        hash_password(as_bytes("12345678"), {.passes = 0, .memory_bytes = 8'192}).error(),
        errc::crypto_failed
    );
}

TEST(Password, TakesNoHashForNone) {
    for (const std::string hash : {"", "x", "$argon2id$v=19$m=8,t=1,p=1$", "12345678"}) {
        EXPECT_FALSE(verify_password(hash, as_bytes("12345678"))) << hash;
    }
    EXPECT_FALSE(verify_password(std::string(1'000, '$'), as_bytes("12345678")));
}

TEST(Token, ParsesWhatWasMade) {
    const auto token = make_token();
    const auto parsed = parse_token(token.text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, token.id);
    EXPECT_EQ(parsed->secret_hash, token.secret_hash);
    EXPECT_NE(make_token().id, token.id);
    EXPECT_EQ(token.text.find(to_hex(token.secret_hash)), std::string::npos)
        << "the digest is not the secret";
}

TEST(Token, RefusesOtherForms) {
    const auto text = make_token().text;
    EXPECT_FALSE(parse_token(""));
    EXPECT_FALSE(parse_token("weir_"));
    EXPECT_FALSE(parse_token(text + "0"));
    EXPECT_FALSE(parse_token(text.substr(0, text.size() - 1)));
    EXPECT_FALSE(parse_token("WEIR_" + text.substr(5)));
    auto with_letter = text;
    with_letter[7] = 'g';
    EXPECT_FALSE(parse_token(with_letter));
    auto without_bar = text;
    without_bar[21] = '0';
    EXPECT_FALSE(parse_token(without_bar));
}

TEST(Password, KnowsAHashFromOtherText) {
    const auto hash = hash_password(as_bytes("correct horse"), {.passes = 1, .memory_bytes = 8'192});
    ASSERT_TRUE(hash);
    EXPECT_TRUE(is_password_hash(*hash)) << "of any cost";
    for (const auto& other :
         {std::string{}, std::string{"correct horse"}, std::string{"$argon2id$v=19$"}, "x" + *hash,
          hash->substr(0, hash->size() / 2), *hash + std::string(200, 'A')}) {
        EXPECT_FALSE(is_password_hash(other)) << other;
    }
}

}  // namespace
}  // namespace weir::identity
