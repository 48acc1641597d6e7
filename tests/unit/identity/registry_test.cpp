#include <weir/identity/registry.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <map>
#include <optional>

#include <weir/storage/store.hpp>

namespace weir::identity {
namespace {

Sha256 digest_of(std::string_view text) {
    return sha256(as_bytes(text));
}

class RegistryTest : public testing::Test {
protected:
    /// Waits for the change, and gives what became of it.
    template <class Start>
    error_code outcome(const Start& start) {
        std::optional<error_code> got;
        start([&](const Result<void>& result) { got = result ? error_code{} : result.error(); });
        store_->drain();
        EXPECT_TRUE(got.has_value()) << "done is called once";
        return got.value_or(errc::crypto_failed);
    }

    error_code create(Thing thing) {
        return outcome([&](Done done) { registry_.create(thing, std::move(done)); });
    }
    error_code create(std::string name) {
        return create(Thing{.id = {.name = std::move(name)}, .type = "probe"});
    }
    error_code add_certificate(const ThingId& id, std::string_view certificate) {
        return outcome([&](Done done) {
            registry_.add_certificate(id, {.sha256 = digest_of(certificate)}, std::move(done));
        });
    }
    error_code set_enabled(const ThingId& id, bool enabled) {
        return outcome([&](Done done) { registry_.set_enabled(id, enabled, std::move(done)); });
    }

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    ManualClock clock_;
    Registry registry_{*store_, clock_};
};

TEST_F(RegistryTest, FindsThePrincipalOfACertificate) {
    ASSERT_FALSE(create(Thing{
        .id = {.name = "p7"},
        .type = "probe",
        .attributes = {{"site", "hall"}, {"line", "3"}},
        .groups = {"old", "north", "old"},
        .policies = {"sensor"},
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.set_group_policies("default", "north", {"northern", "sensor"}, std::move(done));
    }));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));

    const auto found = registry_.find_certificate(digest_of("cert"));
    ASSERT_TRUE(found);
    const model::Principal& principal = **found;
    EXPECT_EQ(principal.tenant, "default");
    EXPECT_EQ(principal.thing, "p7");
    EXPECT_EQ(principal.thing_type, "probe");
    EXPECT_EQ(principal.groups, (std::vector<std::string>{"north", "old"}));
    EXPECT_EQ(principal.attributes[0].first, "line") << "sorted by name";
    EXPECT_EQ(principal.policies, (std::vector<std::string>{"northern", "sensor"}));
    EXPECT_EQ(principal.credential, to_hex(digest_of("cert")));
    EXPECT_EQ(principal.method, model::AuthMethod::x509);
}

TEST_F(RegistryTest, RefusesUnknownAndDisabledDevices_T41) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    EXPECT_EQ(registry_.find_certificate(digest_of("other")).error(), errc::bad_credentials);
    ASSERT_FALSE(set_enabled({.name = "p7"}, false));
    const auto refused = registry_.find_certificate(digest_of("cert"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::device_disabled);
    EXPECT_EQ(reason_of(refused.error()), model::Reason::device_disabled);
    ASSERT_FALSE(set_enabled({.name = "p7"}, true));
    EXPECT_TRUE(registry_.find_certificate(digest_of("cert")));
}

TEST_F(RegistryTest, KeepsOneOwnerPerCredential) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(create("p8"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    EXPECT_EQ(add_certificate({.name = "p8"}, "cert"), errc::already_exists);
    EXPECT_EQ(add_certificate({.name = "p7"}, "cert"), errc::already_exists);
    EXPECT_EQ(add_certificate({.name = "p9"}, "new"), errc::not_found);
    const auto set_password = [&](const ThingId& id, std::string hash) {
        return outcome([&](Done done) {
            registry_.set_password(id, "user", std::move(hash), std::move(done));
        });
    };
    EXPECT_FALSE(set_password({.name = "p7"}, "first"));
    EXPECT_FALSE(set_password({.name = "p7"}, "second"));
    EXPECT_EQ(set_password({.name = "p8"}, "third"), errc::already_exists);
    EXPECT_EQ(*registry_.find_password_hash("user"), "second");
}

TEST_F(RegistryTest, CreatesADeviceWithItsCredentials_OrNothingOfIt) {
    const auto create_with = [this](const std::string& name, const Proofs& proofs) {
        return outcome([&](Done done) {
            registry_.create(Thing{.id = {.name = name}}, proofs, std::move(done));
        });
    };
    const Proofs all{
        .certificate = KnownCertificate{.sha256 = digest_of("cert"), .subject = "CN=p7"},
        .password_hash = "hash",
        .token_id = "t1",
        .token_secret = digest_of("s"),
    };
    ASSERT_FALSE(create_with("p7", all));
    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    for (const Registry* registry : {&registry_, &again}) {
        EXPECT_EQ((*registry->find_certificate(digest_of("cert")))->thing, "p7");
        EXPECT_EQ(*registry->find_password_hash("p7"), "hash");
        EXPECT_EQ((*registry->find_token("t1", digest_of("s")))->thing, "p7");
    }
    EXPECT_EQ(registry_.find_thing({.name = "p7"})->certificates.at(0).added, clock_.wall());
    EXPECT_EQ(create_with("p7", {}), errc::already_exists);
    const Proofs theirs{.certificate = all.certificate, .token_id = "t2", .token_secret = digest_of("s")};
    EXPECT_EQ(create_with("p8", theirs), errc::already_exists);
    EXPECT_FALSE(registry_.find_thing({.name = "p8"}));
    EXPECT_EQ(registry_.find_token("t2", digest_of("s")).error(), errc::bad_credentials);
    ASSERT_FALSE(create_with("p8", {}));
}

TEST_F(RegistryTest, RemovesADeviceWithItsCredentials) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.set_password({.name = "p7"}, "u", "hash", std::move(done));
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t1", digest_of("s"), WallTime{0}, std::move(done));
    }));
    const auto details = registry_.find_thing({.name = "p7"});
    ASSERT_TRUE(details);
    ASSERT_EQ(details->certificates.size(), 1U);
    EXPECT_EQ(details->certificates[0].sha256, digest_of("cert"));
    EXPECT_EQ(details->users, (std::vector<std::string>{"u"}));
    EXPECT_EQ(details->tokens, (std::vector<KnownToken>{{.id = "t1", .added = clock_.wall()}}));

    ASSERT_FALSE(outcome([&](Done done) { registry_.remove({.name = "p7"}, std::move(done)); }));
    EXPECT_FALSE(registry_.find_thing({.name = "p7"}));
    ASSERT_FALSE(create("p7")
    );  // A new device of that name is not proved by the old one's credentials.
    EXPECT_EQ(registry_.find_certificate(digest_of("cert")).error(), errc::bad_credentials);
    EXPECT_EQ(registry_.find_user("u").error(), errc::bad_credentials);
    EXPECT_EQ(registry_.find_token("t1", digest_of("s")).error(), errc::bad_credentials);

    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    EXPECT_EQ(again.size(), 1U);
    EXPECT_EQ(again.find_certificate(digest_of("cert")).error(), errc::bad_credentials);
}

TEST_F(RegistryTest, RemovesSingleCredentials) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "old"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "new"));
    const auto remove = [&] {
        return outcome([&](Done done) {
            registry_.remove_certificate({.name = "p7"}, digest_of("old"), std::move(done));
        });
    };
    EXPECT_FALSE(remove());
    EXPECT_EQ(remove(), errc::not_found);
    EXPECT_FALSE(registry_.find_certificate(digest_of("old")));
    EXPECT_TRUE(registry_.find_certificate(digest_of("new")));
    EXPECT_EQ(
        outcome([&](Done done) { registry_.remove_user({.name = "p7"}, "nobody", std::move(done)); }),
        errc::not_found
    );
    EXPECT_EQ(
        outcome([&](Done done) { registry_.remove_token({.name = "p7"}, "none", std::move(done)); }),
        errc::not_found
    );
}

TEST_F(RegistryTest, RemovesNoCredentialOfAnotherDevice) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(create("p8"));
    ASSERT_FALSE(add_certificate({.name = "p8"}, "cert"));
    EXPECT_EQ(
        outcome([&](Done done) {
            registry_.remove_certificate({.name = "p7"}, digest_of("cert"), std::move(done));
        }),
        errc::not_found
    );
    EXPECT_TRUE(registry_.find_certificate(digest_of("cert")));
}

TEST_F(RegistryTest, RemovesAllTokensAtOnce_AndNothingElse) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    for (const auto* id : {"t1", "t2"}) {
        ASSERT_FALSE(outcome([&](Done done) {
            registry_.add_token({.name = "p7"}, id, digest_of("s"), WallTime{0}, std::move(done));
        }));
    }
    const auto remove = [&] {
        return outcome([&](Done done) { registry_.remove_tokens({.name = "p7"}, std::move(done)); });
    };
    const auto session = *registry_.find_token("t1", digest_of("s"));
    EXPECT_FALSE(remove());
    EXPECT_EQ(registry_.refresh(session).error(), errc::bad_credentials);
    EXPECT_EQ(registry_.find_token("t2", digest_of("s")).error(), errc::bad_credentials);
    EXPECT_TRUE(registry_.find_certificate(digest_of("cert")));
    EXPECT_EQ(remove(), errc::not_found);
}

TEST_F(RegistryTest, KeepsWhatIsKnownOfCertificatesAndTokens) {
    clock_.advance(std::chrono::hours{1});
    ASSERT_FALSE(create("p7"));
    const auto long_name = std::string(kSubjectBytesMax - 1, 'a') + "\u00e4";
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_certificate(
            {.name = "p7"},
            {.sha256 = digest_of("cert"), .subject = "CN=p7", .not_after = WallTime{77}},
            std::move(done)
        );
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_certificate(
            {.name = "p7"}, {.sha256 = digest_of("long"), .subject = long_name}, std::move(done)
        );
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t1", digest_of("s"), WallTime{0}, std::move(done));
    }));
    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    const auto details = again.find_thing({.name = "p7"});
    ASSERT_TRUE(details);
    const auto has = [&](const KnownCertificate& wanted) {
        return std::ranges::find(details->certificates, wanted) != details->certificates.end();
    };
    EXPECT_TRUE(has(
        {.sha256 = digest_of("cert"),
         .subject = "CN=p7",
         .not_after = WallTime{77},
         .added = clock_.wall()}
    ));
    EXPECT_TRUE(has(
        {.sha256 = digest_of("long"),
         .subject = std::string(kSubjectBytesMax - 1, 'a'),
         .added = clock_.wall()}
    )) << "cut between characters";
    EXPECT_EQ(details->tokens, (std::vector<KnownToken>{{.id = "t1", .added = clock_.wall()}}));
}

TEST_F(RegistryTest, ReadsCredentialsOfEveryVersion) {
    ASSERT_FALSE(create("p7"));
    const Bytes first{0, 7, 'd', 'e', 'f', 'a', 'u', 'l', 't', 0, 2, 'p', '7', 0, 0};
    Bytes second = first;
    for (const auto byte : {0, 0, 0, 0, 0, 0, 1, 2,          // Added.
                            0, 4, int{'C'}, int{'N'}, int{'='}, int{'x'},  // Subject.
                            0, 0, 0, 0, 0, 0, 3, 4}) {       // Its end.
        second.push_back(static_cast<Byte>(byte));
    }
    storage::Batch batch;
    batch.put(storage::Family::registry, "cert/" + to_hex(digest_of("first")), 1, first);
    batch.put(storage::Family::registry, "cert/" + to_hex(digest_of("second")), 2, second);
    ASSERT_TRUE(store_->commit(std::move(batch)));
    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    EXPECT_TRUE(again.find_certificate(digest_of("first")));
    EXPECT_TRUE(again.find_certificate(digest_of("second")));
    const auto known = again.find_thing({.name = "p7"})->certificates;
    const auto has = [&](const KnownCertificate& wanted) {
        return std::ranges::find(known, wanted) != known.end();
    };
    EXPECT_EQ(known.size(), 2U);
    EXPECT_TRUE(has({.sha256 = digest_of("first")}));
    EXPECT_TRUE(has(
        {.sha256 = digest_of("second"),
         .subject = "CN=x",
         .not_after = WallTime{0x0304},
         .added = WallTime{0x0102}}
    ));
}

TEST_F(RegistryTest, ChecksTokenSecrets) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t1", digest_of("s"), WallTime{0}, std::move(done));
    }));
    EXPECT_TRUE(registry_.find_token("t1", digest_of("s")));
    EXPECT_EQ(registry_.find_token("t1", digest_of("x")).error(), errc::bad_credentials);
    EXPECT_EQ(registry_.find_token("t2", digest_of("s")).error(), errc::bad_credentials);
}

TEST_F(RegistryTest, RefusesATokenFromItsEndOn_ButKnowsWhoseItWas) {
    ASSERT_FALSE(create("p7"));
    const auto end = clock_.wall() + std::chrono::seconds{60};
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t1", digest_of("s"), end, std::move(done));
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t2", digest_of("s"), WallTime{0}, std::move(done));
    }));
    EXPECT_EQ(registry_.find_thing({.name = "p7"})->tokens.at(0).not_after, end);
    clock_.advance(std::chrono::milliseconds{59'999});
    EXPECT_TRUE(registry_.find_token("t1", digest_of("s")));
    clock_.advance(std::chrono::milliseconds{1});
    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    for (const Registry* registry : {&registry_, &again}) {
        EXPECT_EQ(registry->find_token("t1", digest_of("s")).error(), errc::token_expired);
        EXPECT_EQ(registry->find_token("t1", digest_of("x")).error(), errc::bad_credentials);
        EXPECT_TRUE(registry->find_token("t2", digest_of("s"))) << "it has no end";
        const auto owner = registry->find_token_owner("t1", digest_of("s"));
        ASSERT_TRUE(owner);
        EXPECT_EQ(owner->thing.name, "p7");
        EXPECT_EQ(owner->not_after, end);
        EXPECT_FALSE(registry->find_token_owner("t1", digest_of("x")));
    }
    EXPECT_EQ(reason_of(errc::token_expired), model::Reason::bad_credentials);
}

TEST_F(RegistryTest, StoresATokenWithAnEnd_SoThatOlderReleasesRefuseIt) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t1", digest_of("s"), WallTime{0x0506}, std::move(done));
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.add_token({.name = "p7"}, "t2", digest_of("s"), WallTime{0}, std::move(done));
    }));
    std::map<std::string, std::pair<int, Byte>> stored;  // By key: version, last byte.
    ASSERT_TRUE(store_->scan(
        storage::Family::registry,
        "token/",
        [&](std::string_view key, std::uint8_t version, ByteView body) {
            stored.emplace(key, std::pair{int{version}, body.back()});
            return true;
        }
    ));
    EXPECT_EQ(stored["token/t1"], (std::pair{3, Byte{6}}));
    EXPECT_EQ(stored["token/t2"], (std::pair{2, Byte{0}}));
}

TEST_F(RegistryTest, RefreshesPrincipalsThatChanged_T19) {
    ASSERT_FALSE(create(Thing{.id = {.name = "p7"}, .groups = {"north"}}));
    ASSERT_FALSE(create("p8"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "c7"));
    ASSERT_FALSE(add_certificate({.name = "p8"}, "c8"));
    const auto p7 = *registry_.find_certificate(digest_of("c7"));
    const auto p8 = *registry_.find_certificate(digest_of("c8"));
    const auto before = registry_.version();

    ASSERT_FALSE(outcome([&](Done done) {
        registry_.attach_policy({.name = "p7"}, "extra", std::move(done));
    }));
    EXPECT_GT(registry_.version(), before);
    const auto changed = *registry_.refresh(p7);
    EXPECT_NE(changed, p7);
    EXPECT_EQ(changed->policies, (std::vector<std::string>{"extra"}));
    EXPECT_EQ(*registry_.refresh(changed), changed) << "the same pointer while nothing changes";
    EXPECT_EQ(*registry_.refresh(p8), p8) << "others are not concerned";

    ASSERT_FALSE(outcome([&](Done done) {
        registry_.set_group_policies("default", "north", {"northern"}, std::move(done));
    }));
    EXPECT_EQ(
        (*registry_.refresh(changed))->policies, (std::vector<std::string>{"extra", "northern"})
    );
    EXPECT_EQ(*registry_.refresh(p8), p8) << "p8 is in no group";
}

TEST_F(RegistryTest, FillsInWhoWasKnownBeforeARestart) {
    ASSERT_FALSE(create({.id = {.name = "p7"}, .policies = {"sensor"}}));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    const auto known = *registry_.find_certificate(digest_of("cert"));
    const auto remembered = std::make_shared<model::Principal>();
    remembered->tenant = known->tenant;
    remembered->thing = known->thing;
    remembered->method = known->method;
    remembered->credential = known->credential;
    const auto now = registry_.refresh(remembered);
    ASSERT_TRUE(now);
    EXPECT_EQ((*now)->policies, (std::vector<std::string>{"sensor"}));
}

TEST_F(RegistryTest, EndsSessionsOfRevokedCredentialsAndDevices_T41) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "one"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "two"));
    const auto one = *registry_.find_certificate(digest_of("one"));
    const auto two = *registry_.find_certificate(digest_of("two"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.remove_certificate({.name = "p7"}, digest_of("one"), std::move(done));
    }));
    EXPECT_EQ(registry_.refresh(one).error(), errc::bad_credentials);
    EXPECT_TRUE(registry_.refresh(two));
    ASSERT_FALSE(set_enabled({.name = "p7"}, false));
    EXPECT_EQ(registry_.refresh(two).error(), errc::device_disabled);
    ASSERT_FALSE(outcome([&](Done done) { registry_.remove({.name = "p7"}, std::move(done)); }));
    EXPECT_EQ(registry_.refresh(two).error(), errc::bad_credentials);
}

TEST_F(RegistryTest, EndsASession_WhenItsCredentialWentToAnotherDevice) {
    ASSERT_FALSE(create("p7"));
    ASSERT_FALSE(create("p8"));
    ASSERT_FALSE(add_certificate({.name = "p7"}, "cert"));
    const auto p7 = *registry_.find_certificate(digest_of("cert"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.remove_certificate({.name = "p7"}, digest_of("cert"), std::move(done));
    }));
    ASSERT_FALSE(add_certificate({.name = "p8"}, "cert"));
    EXPECT_EQ(registry_.refresh(p7).error(), errc::bad_credentials);
}

TEST_F(RegistryTest, SurvivesARestart) {
    const Thing thing{
        .id = {.tenant = "acme", .name = "p7"},
        .type = "probe",
        .attributes = {{"site", "hällß"}},
        .groups = {"north"},
        .policies = {"sensor"},
        .enabled = false,
    };
    ASSERT_FALSE(create(thing));
    ASSERT_FALSE(add_certificate(thing.id, "cert"));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.set_group_policies("acme", "north", {"x"}, std::move(done));
    }));
    ASSERT_FALSE(outcome([&](Done done) {
        registry_.set_password(thing.id, "user/with#odd+name", "hash", std::move(done));
    }));

    Registry again{*store_, clock_};
    ASSERT_TRUE(again.load());
    const auto details = again.find_thing(thing.id);
    ASSERT_TRUE(details);
    Thing expected = thing;
    expected.created = clock_.wall();
    EXPECT_EQ(details->thing, expected);
    EXPECT_EQ(details->users, (std::vector<std::string>{"user/with#odd+name"}));
    EXPECT_EQ(again.group_policies("acme", "north"), (std::vector<std::string>{"x"}));
    EXPECT_EQ(again.find_certificate(digest_of("cert")).error(), errc::device_disabled);
}

TEST_F(RegistryTest, RefusesToLoadDamagedRecords) {
    struct Case {
        std::string_view key;
        std::uint8_t version;
        Bytes body;
    };
    for (const auto& [key, version, body] : {
             Case{"thing/default/p7", 1, {}},
             Case{"thing/default/p7", 9, {}},
             Case{"thing/p7", 1, {}},
             Case{"other/x", 1, {}},
             Case{"cert/00", 4, {}},
             Case{"cert/00", 1, {0, 1, 'a', 0, 1, 'b', 0, 0}},  // Of a thing that is not there.
             Case{"group/default/g", 1, {0, 1, 0, 1}},
             Case{"group/default/g", 1, {0, 0, 7}},
         }) {
        const auto store = storage::Store::in_memory();
        storage::Batch batch;
        batch.put(storage::Family::registry, key, version, body);
        ASSERT_TRUE(store->commit(std::move(batch)));
        Registry registry{*store, clock_};
        const auto loaded = registry.load();
        ASSERT_FALSE(loaded) << key;
        EXPECT_EQ(loaded.error(), errc::malformed_record) << key;
    }
}

TEST_F(RegistryTest, RefusesASecondChangeWhileOneIsOnItsWay) {
    ASSERT_FALSE(create("p7"));
    std::latch release{1};
    storage::Batch before;
    before.put(storage::Family::audit, "x", 1, {});
    store_->submit(std::move(before), [&](const auto&) { release.wait(); });

    std::optional<bool> first;
    registry_.attach_policy({.name = "p7"}, "a", [&](const Result<void>& result) {
        first = result.has_value();
    });
    error_code second;
    registry_.attach_policy({.name = "p7"}, "b", [&](const Result<void>& result) {
        second = result.error();
    });
    EXPECT_EQ(second, errc::busy);
    EXPECT_TRUE(registry_.find_thing({.name = "p7"})->thing.policies.empty()) << "not durable yet";
    release.count_down();
    store_->drain();
    EXPECT_EQ(first, true);
    const auto again =
        outcome([&](Done done) { registry_.attach_policy({.name = "p7"}, "b", std::move(done)); });
    EXPECT_FALSE(again);
    EXPECT_EQ(
        registry_.find_thing({.name = "p7"})->thing.policies, (std::vector<std::string>{"a", "b"})
    );
}

TEST_F(RegistryTest, ChecksNamesAndValues) {
    const auto with = [](auto&& edit) {
        Thing thing{.id = {.name = "p7"}};
        edit(thing);
        return thing;
    };
    EXPECT_EQ(create(""), errc::invalid_name);
    EXPECT_EQ(create("a/b"), errc::invalid_name);
    EXPECT_EQ(create("a+"), errc::invalid_name);
    EXPECT_EQ(create(std::string(129, 'a')), errc::invalid_name);
    EXPECT_EQ(create(with([](Thing& t) { t.id.tenant = "a/b"; })), errc::invalid_name);
    EXPECT_EQ(create(with([](Thing& t) { t.groups = {"#"}; })), errc::invalid_name);
    EXPECT_EQ(create(with([](Thing& t) { t.policies = {""}; })), errc::invalid_name);
    EXPECT_EQ(create(with([](Thing& t) { t.attributes = {{"a", "x\n"}}; })), errc::invalid_value);
    EXPECT_EQ(create(with([](Thing& t) { t.attributes = {{"a", "\xC3"}}; })), errc::invalid_value);
    EXPECT_EQ(
        create(with([](Thing& t) { t.attributes = {{"a", "1"}, {"a", "2"}}; })),
        errc::already_exists
    );
    EXPECT_EQ(
        create(with([](Thing& t) {
            for (std::size_t i = 0; i <= kGroupsMax; ++i) {
                t.groups.push_back("g" + std::to_string(i));
            }
        })),
        errc::too_many
    );
    EXPECT_EQ(registry_.size(), 0U);
    EXPECT_FALSE(create("p7"));
    EXPECT_EQ(create("p7"), errc::already_exists);
    EXPECT_EQ(
        outcome([&](Done done) {
            registry_.set_password({.name = "p7"}, "a\tb", "hash", std::move(done));
        }),
        errc::invalid_user
    );
    for (std::size_t i = 0; i < kCredentialsMax; ++i) {
        EXPECT_FALSE(add_certificate({.name = "p7"}, std::to_string(i)));
    }
    EXPECT_EQ(add_certificate({.name = "p7"}, "more"), errc::too_many);
}

TEST_F(RegistryTest, KeepsIdAndCreationThroughEdits) {
    ASSERT_FALSE(create("p7"));
    const auto created = clock_.wall();
    clock_.advance(std::chrono::hours{1});
    EXPECT_FALSE(outcome([&](Done done) {
        registry_.update(
            {.name = "p7"},
            [](Thing& thing) {
                thing.id.name = "p8";
                thing.created = WallTime{0};
                thing.type = "pump";
                return Result<void>{};
            },
            std::move(done)
        );
    }));
    const auto details = registry_.find_thing({.name = "p7"});
    ASSERT_TRUE(details);
    EXPECT_EQ(details->thing.type, "pump");
    EXPECT_EQ(details->thing.created, created);
    EXPECT_FALSE(registry_.find_thing({.name = "p8"}));
}

TEST_F(RegistryTest, ListsPagesOfOneTenantInOrder) {
    for (const auto* name : {"c", "a", "b", "d"}) {
        ASSERT_FALSE(create(name));
    }
    ASSERT_FALSE(create(Thing{.id = {.tenant = "default-2", .name = "x"}}));
    const auto names = [&](const ThingQuery& query) {
        std::string out;
        for (const auto& thing : registry_.list_things(query)) {
            out += thing.id.name;
        }
        return out;
    };
    EXPECT_EQ(names({}), "abcd");
    EXPECT_EQ(names({.limit = 2}), "ab");
    EXPECT_EQ(names({.after = "b", .limit = 2}), "cd");
    EXPECT_EQ(names({.after = "d"}), "");
    EXPECT_EQ(names({.tenant = "default-2"}), "x");
    EXPECT_EQ(names({.tenant = "none"}), "");
}

TEST_F(RegistryTest, DetachesPolicies) {
    ASSERT_FALSE(create(Thing{.id = {.name = "p7"}, .policies = {"a", "b"}}));
    EXPECT_FALSE(outcome([&](Done done) {
        registry_.detach_policy({.name = "p7"}, "a", std::move(done));
    }));
    EXPECT_EQ(
        registry_.find_thing({.name = "p7"})->thing.policies, (std::vector<std::string>{"b"})
    );
    EXPECT_EQ(
        outcome([&](Done done) { registry_.detach_policy({.name = "p7"}, "a", std::move(done)); }),
        errc::not_attached
    );
    EXPECT_EQ(
        outcome([&](Done done) { registry_.detach_policy({.name = "p9"}, "a", std::move(done)); }),
        errc::not_found
    );
}

}  // namespace
}  // namespace weir::identity
