// The questions of the data path do not allocate. Not under AddressSanitizer, which has its own
// operator new.
#ifndef __SANITIZE_ADDRESS__

#include <gtest/gtest.h>

#include "policy_fixture.hpp"
#include "support/count_allocations.hpp"

namespace weir::policy {
namespace {

TEST(Bundle, AnswersWithoutAllocating) {
    const auto set = test::load_rules(R"(allow:
  - connect: "{thing}-*"
  - publish: ["data/{thing}/{attr.site}/#", "group/{group}/+"]
    shared: true
  - subscribe: "cmd/{thing}/#"
deny:
  - publish: "data/{attr.floor}/admin"
)");
    auto principal = test::probe();
    principal.groups = {"north", "old"};
    principal.attributes = {{"site", "a-rather-long-name-of-a-site-that-is-on-the-heap"}};
    const auto bundle = set->bundle_for(principal);
    const Subject subject{.principal = principal, .client_id = "p7-1"};
    const auto before = weir::test::allocations.load();
    bool right = bundle->connect(subject).accepted();
    right = right && bundle->publish(subject, "group/old/x", false).accepted();
    right = right && !bundle->publish(subject, "group/new/x", false).accepted();
    right = right && bundle->subscribe(subject, "$share/g/cmd/p7/+/set").accepted();
    right = right && !bundle->subscribe(subject, "#").accepted();
    right = right && bundle->receive(subject, "cmd/p7/set").accepted();
    right = right && !bundle->will(subject, "other", true).accepted();
    EXPECT_EQ(weir::test::allocations.load(), before);
    EXPECT_TRUE(right);
}

}  // namespace
}  // namespace weir::policy

#endif
