#include <weir/identity/authenticator.hpp>

#include <gtest/gtest.h>

#include <weir/identity/password.hpp>
#include <weir/storage/store.hpp>

#include "certificates.hpp"

namespace weir::identity {
namespace {

constexpr PasswordCost kCheap{.passes = 1, .memory_bytes = 8'192};

class AuthenticatorTest : public testing::Test {
protected:
    AuthenticatorTest() {
        const auto good = [](const Result<void>& result) { EXPECT_TRUE(result); };
        registry_.create(Thing{.id = {.name = "p7"}}, good);
        store_->drain();
        registry_.set_password(
            {.name = "p7"}, "user7", *hash_password(as_bytes("correct horse"), kCheap), good
        );
        store_->drain();
        registry_.add_token({.name = "p7"}, token_.id, token_.secret_hash, WallTime{0}, good);
        store_->drain();
        registry_.add_certificate({.name = "p7"}, {.sha256 = facts_of(certificate_).sha256}, good);
        store_->drain();
    }

    static CertificateFacts facts_of(const std::string& pem) { return *parse_certificate_pem(pem); }

    /// The outcome, with work for the blocking pool done at once.
    Result<model::PrincipalPtr> ask(const Credentials& credentials, const Methods& methods = {})
        const {
        const auto authentication = authenticate(registry_, methods, credentials);
        if (const auto* check = std::get_if<PasswordCheck>(&authentication)) {
            return check->run();
        }
        return std::get<Result<model::PrincipalPtr>>(authentication);
    }

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    ManualClock clock_;
    Registry registry_{*store_, clock_};
    DeviceCa ca_ = test::make_ca();
    std::string certificate_ = ca_.issue_device("p7", {.now = test::kNow})->certificate;
    NewToken token_ = make_token();
};

TEST_F(AuthenticatorTest, AcceptsEachKindOfCredential) {
    const auto by_certificate = ask({.certificate = facts_of(certificate_).sha256});
    ASSERT_TRUE(by_certificate);
    EXPECT_EQ((*by_certificate)->method, model::AuthMethod::x509);
    const auto by_password = ask({.username = "user7", .password = as_bytes("correct horse")});
    ASSERT_TRUE(by_password);
    EXPECT_EQ((*by_password)->method, model::AuthMethod::password);
    EXPECT_EQ((*by_password)->credential, "user7");
    const auto by_token = ask({.certificate = {}, .bearer = token_.text});
    ASSERT_TRUE(by_token);
    EXPECT_EQ((*by_token)->method, model::AuthMethod::token);
    EXPECT_EQ((*by_token)->credential, token_.id);
    EXPECT_TRUE((*by_token)->same_identity(**by_certificate));
}

TEST_F(AuthenticatorTest, RefusesACertificateOfTheSameNameFromAnotherCa_T21) {
    const auto forger = test::make_ca();
    const auto forged = facts_of(forger.issue_device("p7", {.now = test::kNow})->certificate);
    const auto real = facts_of(certificate_);
    ASSERT_EQ(forged.subject, real.subject);
    ASSERT_EQ(forged.issuer, real.issuer);
    EXPECT_EQ(ask({.certificate = forged.sha256}).error(), errc::bad_credentials);
}

TEST_F(AuthenticatorTest, RefusesWrongCredentialsAlike) {
    for (const auto& [user, password] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"user7", "wrong horse"},
             {"user7", ""},
             {"nobody", "correct horse"},
             {"user7\n", "correct horse"},
             {"p7", "correct horse"},
         }) {
        EXPECT_EQ(
            ask({.username = user, .password = as_bytes(password)}).error(), errc::bad_credentials
        ) << user;
    }
    auto other = token_.text;
    other.back() = other.back() == '0' ? '1' : '0';
    EXPECT_EQ(ask({.certificate = {}, .bearer = other}).error(), errc::bad_credentials);
    EXPECT_EQ(ask({.certificate = {}, .bearer = "x"}).error(), errc::bad_credentials);
}

TEST_F(AuthenticatorTest, RefusesADisabledDevice_WhateverItProves) {
    registry_.set_enabled({.name = "p7"}, false, [](const Result<void>& result) {
        EXPECT_TRUE(result);
    });
    store_->drain();
    EXPECT_EQ(ask({.certificate = facts_of(certificate_).sha256}).error(), errc::device_disabled);
    EXPECT_EQ(ask({.certificate = {}, .bearer = token_.text}).error(), errc::device_disabled);
    EXPECT_EQ(
        ask({.username = "user7", .password = as_bytes("correct horse")}).error(),
        errc::device_disabled
    );
}

TEST_F(AuthenticatorTest, DoesNotMakeUpForWrongCredentialsByOthers) {
    const Methods methods{.anonymous = true};
    EXPECT_EQ(
        ask({.certificate = Sha256{}, .username = "user7", .password = as_bytes("correct horse")},
            methods)
            .error(),
        errc::bad_credentials
    );
    EXPECT_EQ(ask({.username = "nobody"}, methods).error(), errc::bad_credentials);
}

TEST_F(AuthenticatorTest, TakesOnlyWhatTheListenerAccepts) {
    const Methods none{.x509 = false, .password = false, .token = false};
    EXPECT_EQ(
        ask({.certificate = facts_of(certificate_).sha256}, none).error(), errc::anonymous_refused
    );
    const Methods passwords{.x509 = false, .password = true, .token = false};
    const auto found =
        ask({.certificate = facts_of(certificate_).sha256,
             .username = "user7",
             .password = as_bytes("correct horse")},
            passwords);
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->method, model::AuthMethod::password);
}

TEST_F(AuthenticatorTest, LetsAnonymousPeersInOnlyWhereSaid) {
    const auto refused = ask({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::anonymous_refused);
    EXPECT_EQ(reason_of(refused.error()), model::Reason::anonymous_refused);
    const auto accepted = ask({}, {.anonymous = true});
    ASSERT_TRUE(accepted);
    EXPECT_EQ((*accepted)->method, model::AuthMethod::anonymous);
    EXPECT_TRUE((*accepted)->thing.empty());
    EXPECT_EQ(*registry_.refresh(*accepted), *accepted);
}

TEST_F(AuthenticatorTest, SeesTheRegistryAsItIsAfterHashing) {
    auto authentication =
        authenticate(registry_, {}, {.username = "user7", .password = as_bytes("correct horse")});
    registry_.set_enabled({.name = "p7"}, false, [](const Result<void>& result) {
        EXPECT_TRUE(result);
    });
    store_->drain();
    EXPECT_EQ(std::get<PasswordCheck>(authentication).run().error(), errc::device_disabled);
}

}  // namespace
}  // namespace weir::identity
