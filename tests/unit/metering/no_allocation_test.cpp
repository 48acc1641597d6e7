#include <gtest/gtest.h>

#include <weir/metering/meter.hpp>

#include "support/count_allocations.hpp"

namespace weir::metering {
namespace {

TEST(Meter, CountsAndDrainsWithoutAllocating_OnceWarm) {
    Meter meter{WallTime{0}};
    auto* const device = meter.open("default", "p1");
    storage::Batch batch;
    batch.reserve(4'096);
    const Traffic message{.payload_bytes = 300, .topic_bytes = 3};
    meter.count(*device, publish_in(message));
    ASSERT_TRUE(meter.drain(batch));
    meter.drained(true);

    const auto before = test::allocations.load();
    meter.count(*device, publish_in(message));
    meter.count(*device, publish_out(message));
    meter.count_into(batch, *device, publish_out(message));
    const bool drained = meter.drain(batch);
    meter.drained(true);
    meter.tick(WallTime{7'200'000});
    EXPECT_EQ(test::allocations.load(), before);
    EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace weir::metering
