#include <weir/storage/records.hpp>

#include <gtest/gtest.h>

#include <string>

#include <weir/base/digest.hpp>
#include <weir/storage/batch.hpp>

namespace weir::storage {
namespace {

template <class... Parts>
std::string encoded_hex(const Parts&... parts) {
    Bytes out;
    encode(out, parts...);
    return to_hex(out);
}

const StreamRecord kStream{
    .time_ms = 0x0102030405060708,
    .tenant = "acme",
    .topic = "a/b",
    .key = "p17",
    .properties = as_bytes("P"),
    .payload = as_bytes("hot")
};
const OutboxRecord kOutbox{
    .time_ms = 5,
    .rule = "r",
    .topic = "t/1",
    .key = "p17",
    .target = "https://x",
    .headers = as_bytes("H"),
    .payload = as_bytes("body")
};

// The bytes on disk. A change here breaks every store in the field: add a version instead.
constexpr std::string_view kStreamV1 =
    "01"
    "0102030405060708"
    "0461636d65"
    "0003612f62"
    "0003703137"
    "0000000150"
    "686f74";
constexpr std::string_view kOutboxV1 =
    "01"
    "0000000000000005"
    "00"
    "0172"
    "0003742f31"
    "0003703137"
    "000968747470733a2f2f78"
    "0000000148"
    "626f6479";
constexpr std::string_view kDeadV1Prefix =
    "01"
    "0000000000000009"
    "00000003"
    "0003343034";

TEST(StreamRecord, EncodesToTheGoldenBytes) {
    EXPECT_EQ(encoded_hex(kStream), kStreamV1);
}
TEST(OutboxRecord, EncodesToTheGoldenBytes) {
    EXPECT_EQ(encoded_hex(kOutbox), kOutboxV1);
}
TEST(DeadLetter, EncodesToTheGoldenBytes) {
    const auto record = *from_hex(kOutboxV1);
    EXPECT_EQ(
        encoded_hex(DeadLetterNote{9, 3, "404"}, ByteView{record}),
        std::string{kDeadV1Prefix} + std::string{kOutboxV1}
    );
}
TEST(UsageDelta, EncodesToTheGoldenBytes) {
    UsageDelta delta;
    delta.counters[0] = 1;
    delta.counters[31] = 300;
    EXPECT_EQ(
        encoded_hex(delta),
        "01"
        "0001"
        "1fac02"
    );
}

TEST(StreamRecord, DecodesItsGoldenBytes) {
    const auto bytes = *from_hex(kStreamV1);
    const auto record = decode_stream_record(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->time_ms, kStream.time_ms);
    EXPECT_EQ(record->tenant, "acme");
    EXPECT_EQ(record->topic, "a/b");
    EXPECT_EQ(record->key, "p17");
    EXPECT_EQ(as_text(record->properties), "P");
    EXPECT_EQ(as_text(record->payload), "hot");
}

TEST(OutboxRecord, DecodesItsGoldenBytes) {
    const auto bytes = *from_hex(kOutboxV1);
    const auto record = decode_outbox_record(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->tenant, "default");
    EXPECT_EQ(record->rule, "r");
    EXPECT_EQ(record->target, "https://x");
    EXPECT_EQ(as_text(record->headers), "H");
    EXPECT_EQ(as_text(record->payload), "body");
}

TEST(DeadLetter, DecodesItsGoldenBytes) {
    const auto bytes = *from_hex(std::string{kDeadV1Prefix} + std::string{kOutboxV1});
    const auto letter = decode_dead_letter(bytes);
    ASSERT_TRUE(letter);
    EXPECT_EQ(letter->note.attempts, 3U);
    EXPECT_EQ(letter->note.reason, "404");
    EXPECT_EQ(as_text(letter->record.payload), "body");
}

TEST(UsageDelta, ComesBackUnchanged_WhenEveryCounterIsFull) {
    UsageDelta delta;
    delta.counters.fill(~std::uint64_t{0});
    Bytes bytes;
    encode(bytes, delta);
    const auto decoded = decode_usage(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, delta);
}

TEST(EncodedSize, IsWhatEncodeWrites) {
    Bytes bytes;
    encode(bytes, kStream);
    EXPECT_EQ(encoded_size(kStream), bytes.size());
    bytes.clear();
    encode(bytes, kOutbox);
    EXPECT_EQ(encoded_size(kOutbox), bytes.size());
}

struct BadRecord {
    std::string_view name;
    std::string_view hex;
    errc error;
};

class DecodeUsage : public testing::TestWithParam<BadRecord> {};

TEST_P(DecodeUsage, RefusesWithTheRightError) {
    const auto bytes = *from_hex(GetParam().hex);
    const auto decoded = decode_usage(bytes);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    DecodeUsage,
    testing::Values(
        BadRecord{"empty", "", errc::malformed_record},
        BadRecord{"version_zero", "00", errc::malformed_record},
        BadRecord{"newer_version", "02", errc::newer_version},
        BadRecord{"unknown_counter", "012001", errc::newer_version},
        BadRecord{"value_missing", "0100", errc::malformed_record},
        BadRecord{"value_cut", "010080", errc::malformed_record},
        BadRecord{"value_too_long", "0100ffffffffffffffffff02", errc::malformed_record}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

template <class Decode>
void refuse_every_cut(std::string_view hex, std::size_t fixed, Decode decode) {
    const auto bytes = *from_hex(hex);
    for (std::size_t size = 0; size < fixed; ++size) {
        const auto decoded = decode(ByteView{bytes}.first(size));
        ASSERT_FALSE(decoded) << "cut to " << size;
        EXPECT_EQ(decoded.error(), errc::malformed_record);
    }
}

TEST(Decoders, RefuseEveryCut_BeforeThePayload) {
    refuse_every_cut(kStreamV1, kStreamV1.size() / 2 - 3, decode_stream_record);
    refuse_every_cut(kOutboxV1, kOutboxV1.size() / 2 - 4, decode_outbox_record);
    refuse_every_cut(
        std::string{kDeadV1Prefix} + std::string{kOutboxV1},
        kDeadV1Prefix.size() / 2 + 10,
        decode_dead_letter
    );
}

TEST(Decoders, RefuseANewerVersion) {
    auto bytes = *from_hex(kStreamV1);
    bytes[0] = 2;
    EXPECT_EQ(decode_stream_record(bytes).error(), errc::newer_version);
    EXPECT_EQ(decode_outbox_record(bytes).error(), errc::newer_version);
    EXPECT_EQ(decode_dead_letter(bytes).error(), errc::newer_version);
}

TEST(Batch, BecomesInvalid_WhenANameOrFieldIsTooLong) {
    const std::string name(256, 'n');
    const std::string topic(65'536, 't');
    const auto invalid_after = [](auto&& change) {
        Batch batch;
        change(batch);
        return !batch.valid() && !batch.empty();
    };
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.append_stream(name, {}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.append_stream("", {}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.append_stream("s", {.topic = topic}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.enqueue_outbox("s", {.target = topic}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.settle_outbox(name, 1, 2); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.add_usage({.device = name}, {}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.put(Family::registry, "", 1, {}); }));
    EXPECT_TRUE(invalid_after([&](Batch& b) { b.erase_range(Family::registry, "a", ""); }));
}

TEST(Batch, IsEmptyUntilSomethingIsAdded) {
    Batch batch;
    EXPECT_TRUE(batch.empty());
    batch.add_usage({.device = "p"}, {});
    EXPECT_TRUE(batch.empty()) << "adding nothing is nothing";
    batch.erase(Family::registry, "k");
    EXPECT_FALSE(batch.empty());
    EXPECT_GT(batch.bytes(), 0U);
}

}  // namespace
}  // namespace weir::storage
