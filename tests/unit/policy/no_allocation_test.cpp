// The questions of the data path do not allocate: counts every operator new of this process.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "policy_fixture.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

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
    const auto before = allocations.load();
    bool right = bundle->connect(subject).accepted();
    right = right && bundle->publish(subject, "group/old/x", false).accepted();
    right = right && !bundle->publish(subject, "group/new/x", false).accepted();
    right = right && bundle->subscribe(subject, "$share/g/cmd/p7/+/set").accepted();
    right = right && !bundle->subscribe(subject, "#").accepted();
    right = right && bundle->receive(subject, "cmd/p7/set").accepted();
    right = right && !bundle->will(subject, "other", true).accepted();
    EXPECT_EQ(allocations.load(), before);
    EXPECT_TRUE(right);
}

}  // namespace
}  // namespace weir::policy
