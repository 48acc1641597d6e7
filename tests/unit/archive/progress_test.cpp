#include <gtest/gtest.h>

#include <weir/archive/detail/progress.hpp>
#include <weir/base/digest.hpp>

namespace weir::archive::detail {
namespace {

Progress sample() {
    return {
        .stream = "journal",
        .next = 42,
        .claim =
            Claim{
                .first = 42,
                .last = 99,
                .object = "journal/42-99.csv.gz",
                .layout =
                    {.format = Format::csv,
                     .columns = {"time", "payload.a"},
                     .compression = Compression::gzip}},
        .counters = {.records = 41, .objects = 3, .bytes = 1'000, .lost = 5}};
}

TEST(Progress, ReadsBackWhatWasStored) {
    const auto store = storage::Store::in_memory();
    for (auto progress : {sample(), Progress{.stream = "s"}}) {
        storage::Batch batch;
        put_progress(batch, "cold", progress);
        ASSERT_TRUE(store->commit(std::move(batch)));
        const auto loaded = load_progress(*store, "cold");
        ASSERT_TRUE(loaded);
        EXPECT_EQ(*loaded, progress);
    }
    EXPECT_EQ(*load_progress(*store, "other"), Progress{});
}

TEST(Progress, KeepsItsBytes) {
    const auto golden = *from_hex(
        "00076a6f75726e616c"  // journal
        "000000000000002a"
        "0000000000000029"
        "0000000000000003"  // next, records, objects
        "00000000000003e8"
        "0000000000000005"  // bytes, lost
        "000000000000002a"
        "0000000000000063"  // claim
        "00146a6f75726e616c2f34322d39392e6373762e677a"
        "01"
        "01"  // name, csv, gzip
        "0002"
        "000474696d65"
        "00097061796c6f61642e61"  // columns
    );
    EXPECT_EQ(encode(sample()), golden);
    const auto decoded = decode_progress(1, golden);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, sample());
}

TEST(Progress, OfAStreamThatIsCompacted_HasAVersionOfItsOwn) {
    auto progress = sample();
    EXPECT_EQ(version_of(progress), 1);
    progress.counters.replaced = 7;
    EXPECT_EQ(version_of(progress), 2);
    const auto whole = encode(progress);
    const auto decoded = decode_progress(2, whole);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, progress);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_progress(2, ByteView{whole}.first(size))) << size;
    }
}

TEST(Progress, RefusesWhatIsCutOrNewer) {
    const auto whole = encode(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_progress(1, ByteView{whole}.first(size))) << size;
    }
    EXPECT_EQ(decode_progress(3, whole).error(), storage::errc::newer_version);
}

}  // namespace
}  // namespace weir::archive::detail
