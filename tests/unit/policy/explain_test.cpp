#include <weir/policy/explain.hpp>

#include <gtest/gtest.h>

#include "policy_fixture.hpp"

namespace weir::policy {
namespace {

class ExplainSensor : public testing::Test {
protected:
    std::string ask(Right right, std::string_view object, bool retain = false) {
        const auto bundle = set_->bundle_for(principal_);
        return to_text(
            explain(*bundle, subject_, {.right = right, .object = object, .retain = retain})
        );
    }

    PolicySetPtr set_ = test::load_rules(R"(allow:
  - connect: "{thing}"
  - publish: ["log/{thing}", "data/{thing}/#"]
deny:
  - publish: ["data/{thing}/admin/#", "x/{attr.floor}"]
)");
    model::Principal principal_ = test::probe();
    Subject subject_{.principal = principal_, .client_id = "p7"};
};

TEST_F(ExplainSensor, NamesTheDecidingLine) {
    EXPECT_EQ(
        ask(Right::publish, "log/p7"),
        "ALLOW publish log/p7: p0.yaml:5\n"
        "  p0.yaml:7 deny publish \"data/{thing}/admin/#\" (= data/p7/admin/#): does not match\n"
        "  p0.yaml:7 deny publish \"x/{attr.floor}\": does not match\n"
        "  p0.yaml:5 allow publish \"log/{thing}\" (= log/p7): matches\n"
    );
}

TEST_F(ExplainSensor, NamesTheClosestAllow_WhenNoneMatches) {
    EXPECT_TRUE(
        ask(Right::publish, "data/p8/temp")
            .starts_with(
                "DENY publish data/p8/temp: no allow matches; closest: p0.yaml:5 allow publish "
                "\"data/{thing}/#\" (= data/p7/#)\n"
            )
    ) << ask(Right::publish, "data/p8/temp");
}

TEST_F(ExplainSensor, SaysWhatIsMissing) {
    EXPECT_TRUE(ask(Right::publish, "data/p7/admin/x")
                    .starts_with("DENY publish data/p7/admin/x: denied by p0.yaml:7\n"));
    EXPECT_NE(
        ask(Right::publish, "x/1").find("matches: a variable has no usable value"),
        std::string::npos
    );
    EXPECT_NE(
        ask(Right::publish, "log/p7", true).find("matches, but not with retain"), std::string::npos
    );
    EXPECT_EQ(ask(Right::subscribe, "a"), "DENY subscribe a: no line is about subscribe\n");
    EXPECT_EQ(
        ask(Right::connect, "p+"),
        "DENY connect p+: the client id is empty, too long or has forbidden characters\n"
    );
}

TEST_F(ExplainSensor, NamesAttachedPoliciesWithoutAFile) {
    principal_.thing_type = "other";
    principal_.policies = {"ghost"};
    EXPECT_EQ(
        ask(Right::publish, "a"),
        "DENY publish a: no policy applies\n  policy 'ghost' is attached but in no file\n"
    );
}

}  // namespace
}  // namespace weir::policy
