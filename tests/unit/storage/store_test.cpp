#include <weir/storage/store.hpp>

#include <gtest/gtest.h>

namespace weir::storage {
namespace {

TEST(Store, GivesBackWhatWasCommitted) {
    const auto store = Store::in_memory();
    Batch batch;
    batch.append_stream("alarms", {.time_ms = 1, .topic = "a/b", .payload = as_bytes("hot")});
    ASSERT_TRUE(store->commit(std::move(batch)));
    const auto entries = store->read_stream("alarms", 1);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(as_text(entries->front().record.payload), "hot");
}

}  // namespace
}  // namespace weir::storage
