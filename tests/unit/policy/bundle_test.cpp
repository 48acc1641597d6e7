#include <weir/policy/bundle.hpp>

#include <gtest/gtest.h>

#include "policy_fixture.hpp"

namespace weir::policy {
namespace {

using model::Reason;

constexpr std::string_view kSensor = R"(allow:
  - connect: "{thing}"
  - publish: ["data/{thing}/#", "log/+"]
    shared: true
  - publish: "state/{thing}"
    retain: true
  - subscribe: ["cmd/{thing}/#", "all/+/info"]
  - subscribe: "quiet/#"
    receive: "quiet/loud"
deny:
  - publish: ["data/{thing}/admin/#"]
  - publish: "state/p9"
    retain: true
  - subscribe: "cmd/+/secret/#"
  - receive: "all/top/#"
)";

class Sensor : public testing::Test {
protected:
    PolicySetPtr set_ = test::load_rules(kSensor);
    model::Principal principal_ = test::probe();
    BundlePtr bundle_ = set_->bundle_for(principal_);
    Subject subject_{.principal = principal_, .client_id = "p7"};
};

TEST_F(Sensor, PublishesByTable) {
    struct Case {
        std::string_view topic;
        bool retain;
        Reason reason;
        std::uint32_t line;
    };
    for (const auto& [topic, retain, reason, line] : {
             Case{"data/p7/temp", false, Reason::none, 5},
             Case{"data/p7", false, Reason::none, 5},
             Case{"data/p7/temp", true, Reason::retain_denied, 5},
             Case{"data/p8/temp", false, Reason::publish_denied, 5},
             Case{"data/p7/admin/x", false, Reason::publish_denied, 13},
             Case{"data/p7/admin", false, Reason::publish_denied, 13},
             Case{"log/x", false, Reason::none, 5},
             Case{"log/x/y", false, Reason::publish_denied, 5},
             Case{"state/p7", true, Reason::none, 7},
             Case{"state/p7", false, Reason::none, 7},
             Case{"state/p9", true, Reason::publish_denied, 14},
             Case{"$SYS/x", false, Reason::publish_denied, 5},
             Case{"", false, Reason::publish_denied, 1},
         }) {
        const auto verdict = bundle_->publish(subject_, topic, retain);
        EXPECT_EQ(verdict.reason, reason) << topic << (retain ? " retained" : "");
        ASSERT_NE(verdict.source, nullptr) << topic;
        EXPECT_EQ(verdict.source->line, line) << topic << (retain ? " retained" : "");
        EXPECT_EQ(verdict.source->file, "p0.yaml");
    }
}

TEST_F(Sensor, SubscribesByTable_T16) {
    struct Case {
        std::string_view filter;
        Reason reason;
    };
    for (const auto& [filter, reason] : {
             Case{"cmd/p7/set", Reason::none},
             Case{"cmd/p7/+", Reason::subscribe_denied},  // Overlaps cmd/+/secret.
             Case{"cmd/p7/set/#", Reason::none},
             Case{"cmd/p7/#", Reason::subscribe_denied},
             Case{"cmd/p7/secret/x", Reason::subscribe_denied},
             Case{"cmd/p8/set", Reason::subscribe_denied},
             Case{"cmd/+/set", Reason::subscribe_denied},
             Case{"#", Reason::subscribe_denied},
             Case{"all/+/info", Reason::none},
             Case{"all/a/info", Reason::none},
             Case{"all/#", Reason::subscribe_denied},
             Case{"$share/g/all/+/info", Reason::none},
             Case{"$share/g/#", Reason::subscribe_denied},
             Case{"$share/g", Reason::subscribe_denied},
             Case{"$share/g/", Reason::subscribe_denied},
             Case{"$SYS/#", Reason::subscribe_denied},
         }) {
        EXPECT_EQ(bundle_->subscribe(subject_, filter).reason, reason) << filter;
    }
}

TEST_F(Sensor, ReceivesWhatItMaySubscribe_UnlessReceiveIsGiven) {
    EXPECT_TRUE(bundle_->receive(subject_, "cmd/p7/set").accepted());
    EXPECT_TRUE(bundle_->receive(subject_, "all/x/info").accepted());
    EXPECT_EQ(bundle_->receive(subject_, "all/top/info").reason, Reason::receive_denied);
    EXPECT_TRUE(bundle_->subscribe(subject_, "quiet/#").accepted());
    EXPECT_TRUE(bundle_->receive(subject_, "quiet/loud").accepted());
    EXPECT_EQ(bundle_->receive(subject_, "quiet/other").reason, Reason::receive_denied);
}

TEST_F(Sensor, ConnectsUnderItsNameOnly) {
    const auto connect = [&](std::string_view client_id) {
        return bundle_->connect({.principal = principal_, .client_id = client_id}).reason;
    };
    EXPECT_EQ(connect("p7"), Reason::none);
    EXPECT_EQ(connect("p8"), Reason::connect_denied);
    EXPECT_EQ(connect(""), Reason::connect_denied);
    EXPECT_EQ(connect("p7+"), Reason::client_id_invalid);
    EXPECT_EQ(connect("#"), Reason::client_id_invalid);
    EXPECT_EQ(connect("*"), Reason::client_id_invalid);
    EXPECT_EQ(connect(std::string_view{"p\0", 2}), Reason::client_id_invalid);
}

TEST_F(Sensor, LeavesWillsByTheRulesOfPublish_T17) {
    EXPECT_TRUE(bundle_->will(subject_, "data/p7/gone", false).accepted());
    EXPECT_TRUE(bundle_->will(subject_, "state/p7", true).accepted());
    EXPECT_EQ(bundle_->will(subject_, "data/p7/gone", true).reason, Reason::will_denied);
    EXPECT_EQ(bundle_->will(subject_, "data/p8/gone", false).reason, Reason::will_denied);
    const auto open =
        test::load_rules("allow:\n  - publish: \"$aws/{thing}\"\n")->bundle_for(principal_);
    EXPECT_TRUE(open->publish(subject_, "$aws/p7", false).accepted());
    EXPECT_EQ(open->will(subject_, "$aws/p7", false).reason, Reason::will_denied);
}

TEST(Bundle, RefusesEverything_WhenNoPolicyApplies) {
    const auto set = test::load({});
    const auto principal = test::probe();
    const auto bundle = set->bundle_for(principal);
    const Subject subject{.principal = principal, .client_id = "p7"};
    EXPECT_EQ(bundle->connect(subject).reason, Reason::connect_denied);
    EXPECT_EQ(bundle->publish(subject, "a", false).reason, Reason::publish_denied);
    EXPECT_EQ(bundle->subscribe(subject, "a").reason, Reason::subscribe_denied);
    EXPECT_EQ(bundle->receive(subject, "a").reason, Reason::receive_denied);
    EXPECT_EQ(bundle->receive(subject, "a").source, nullptr);
}

TEST(Bundle, LetsDenyWin_InWhateverOrder) {
    const std::string allow =
        "policy: a\nmatch: {thing_type: probe}\nallow:\n  - publish: \"x/#\"\n    shared: true\n";
    const std::string deny = "policy: b\nmatch: {thing_type: probe}\ndeny:\n  - publish: \"x/y\"\n";
    for (const auto& files : {std::vector{allow, deny}, std::vector{deny, allow}}) {
        const auto principal = test::probe();
        const auto set = test::load(files);
        const auto bundle = set->bundle_for(principal);
        const Subject subject{.principal = principal, .client_id = "p7"};
        EXPECT_TRUE(bundle->publish(subject, "x/z", false).accepted());
        EXPECT_FALSE(bundle->publish(subject, "x/y", false).accepted());
    }
}

TEST(Bundle, DeniesWhatAnUnresolvedVariableMightMean) {
    const auto set = test::load_rules(R"(allow:
  - publish: ["x/{thing}", "x/#"]
    shared: true
deny:
  - publish: "x/{attr.floor}/secret"
)");
    auto principal = test::probe();
    const Subject subject{.principal = principal, .client_id = "p7"};
    EXPECT_FALSE(set->bundle_for(principal)->publish(subject, "x/1/y", false).accepted());
    principal.attributes = {{"floor", "1"}};
    EXPECT_TRUE(set->bundle_for(principal)->publish(subject, "x/1/y", false).accepted());
    EXPECT_FALSE(set->bundle_for(principal)->publish(subject, "x/1/secret", false).accepted());
}

TEST(Bundle, CombinesSettings) {
    const auto set = test::load({
        "policy: a\nmatch: {thing: p7}\non_violation: drop\nlimits: {publish_rate: 20/s, "
        "byte_rate: unlimited}\n",
        "policy: b\nmatch: {group: north}\non_violation: disconnect\nstanding: "
        "application\nlimits: {publish_rate: 60/m}\n",
        "policy: c\n",
    });
    auto principal = test::probe();
    EXPECT_EQ(set->bundle_for(principal)->on_violation(), OnViolation::drop);
    EXPECT_EQ(set->bundle_for(principal)->standing(), Standing::device);
    EXPECT_EQ(set->bundle_for(principal)->rates().byte_rate->amount, model::kUnlimited);

    principal.groups = {"north"};
    const auto both = set->bundle_for(principal);
    EXPECT_EQ(both->on_violation(), OnViolation::disconnect);
    EXPECT_EQ(both->standing(), Standing::application);
    EXPECT_EQ(both->rates().publish_rate->amount, 60U) << "one per second is slower than twenty";

    EXPECT_EQ(set->bundle_for(test::probe("p8"))->on_violation(), OnViolation::nack);
}

TEST(PolicySet, SharesBundlesBetweenDevicesOfAKind) {
    const auto set = test::load({"policy: a\nmatch: {thing_type: probe}\n", "policy: b\n"});
    const auto first = set->bundle_for(test::probe("p1"));
    EXPECT_EQ(first, set->bundle_for(test::probe("p2")));
    auto attached = test::probe("p3");
    attached.policies = {"a", "b", "gone"};
    const auto other = set->bundle_for(attached);
    EXPECT_NE(first, other);
    EXPECT_EQ(other->policies().size(), 2U);
}

TEST(PolicySet, LivesAsLongAsItsBundles) {
    auto set = test::load_rules("allow:\n  - connect: \"{thing}\"\n");
    const std::weak_ptr<const PolicySet> watch = set;
    const auto principal = test::probe();
    auto bundle = set->bundle_for(principal);
    set.reset();
    EXPECT_TRUE(bundle->connect({.principal = principal, .client_id = "p7"}).accepted());
    bundle.reset();
    EXPECT_TRUE(watch.expired());
}

TEST(PolicySet, ForgetsBundlesThatNobodyHolds) {
    std::vector<std::string> texts;
    for (int i = 0; i < 300; ++i) {
        texts.push_back("policy: p" + std::to_string(i) + "\n");
    }
    const auto set = test::load(texts);
    auto principal = test::probe();
    for (int i = 0; i < 300; ++i) {
        principal.policies = {"p" + std::to_string(i)};
        EXPECT_EQ(set->bundle_for(principal)->policies().size(), 1U);
    }
}

TEST(Match, NeedsEveryKeyThatIsGiven) {
    auto principal = test::probe();
    principal.groups = {"north", "old"};
    EXPECT_TRUE((Match{.things = {"p7"}, .thing_types = {"probe", "pump"}, .groups = {"old"}}
                     .applies_to(principal)));
    EXPECT_FALSE((Match{.things = {"p8"}, .thing_types = {"probe"}}.applies_to(principal)));
    EXPECT_FALSE((Match{.thing_types = {"probe"}, .groups = {"south"}}.applies_to(principal)));
    EXPECT_FALSE((Match{.thing_types = {}, .anonymous = true}.applies_to(principal)));
}

TEST(Match, FindsAnonymousPeersOnlyByThatWord) {
    const model::Principal nobody;
    EXPECT_TRUE((Match{.thing_types = {}, .anonymous = true}.applies_to(nobody)));
    EXPECT_FALSE((Match{.things = {""}, .thing_types = {""}}.applies_to(nobody)));
    EXPECT_FALSE(Match{}.applies_to(nobody));
}

}  // namespace
}  // namespace weir::policy
