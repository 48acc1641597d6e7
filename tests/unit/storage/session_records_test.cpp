#include <weir/storage/session_records.hpp>

#include <gtest/gtest.h>

#include <string>

#include <weir/base/digest.hpp>

namespace weir::storage {
namespace {

template <class Record>
std::string encoded_hex(const Record& record) {
    Bytes out;
    encode(out, record);
    return to_hex(out);
}

// The bytes on disk. A change here breaks every store in the field: add a version instead.
constexpr std::string_view kSessionV1 =
    "01"
    "0461636d65"
    "00026331"
    "0570726f6265"
    "000150"
    "0000003c"
    "0000000000000007"
    "0009";
constexpr std::string_view kSubscriptionV1 =
    "01"
    "2d"
    "00000004";
constexpr std::string_view kMessageV1 =
    "01"
    "0000000000000005"
    "0000000000000006"
    "06"
    "03"
    "02"
    "0003612f62"
    "0000000150"
    "686f74";
constexpr std::string_view kWillV1Prefix =
    "01"
    "00000003"
    "00000004";
constexpr std::string_view kEntryV1 =
    "01"
    "000000000000000a"
    "00000007"
    "05"
    "01"
    "004d"
    "0002"
    "00000001"
    "00010000";
constexpr std::string_view kEntryV2 =
    "02"
    "000000000000000a"
    "00000007"
    "05"
    "01"
    "004d"
    "0000abcd"
    "0002"
    "00000001"
    "00010000";
constexpr std::string_view kRetainedV1Prefix =
    "01"
    "00"
    "0570726f6265"
    "00026331"
    "000150";

const MessageRecord kMessage{
    .created_ms = 5,
    .expires_ms = 6,
    .qos = 2,
    .retain = true,
    .protocol = 3,
    .hops = 2,
    .topic = "a/b",
    .properties = as_bytes("P"),
    .payload = as_bytes("hot")
};
const QueueEntry kEntry{
    .qos = 1,
    .retain = true,
    .state = EntryState::sent,
    .packet_id = 77,
    .subscription_ids = {1, 65'536},
    .message = MessageId{10},
    .bytes = 7
};

TEST(SessionRecord, HasItsGoldenBytes) {
    const SessionRecord record{
        .tenant = "acme",
        .client_id = "c1",
        .owner = "probe",
        .principal = as_bytes("P"),
        .expiry_s = 60,
        .offline_since_ms = 7,
        .next_packet_id = 9
    };
    EXPECT_EQ(encoded_hex(record), kSessionV1);
    const auto bytes = *from_hex(kSessionV1);
    const auto read = decode_session(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->tenant, "acme");
    EXPECT_EQ(read->client_id, "c1");
    EXPECT_EQ(read->owner, "probe");
    EXPECT_EQ(as_text(read->principal), "P");
    EXPECT_EQ(read->expiry_s, 60U);
    EXPECT_EQ(read->offline_since_ms, 7);
    EXPECT_EQ(read->next_packet_id, 9);
}

TEST(SubscriptionRecord, HasItsGoldenBytes) {
    const SubscriptionRecord record{
        .qos = 1, .no_local = true, .retain_as_published = true, .retain_handling = 2, .id = 4
    };
    EXPECT_EQ(encoded_hex(record), kSubscriptionV1);
    const auto bytes = *from_hex(kSubscriptionV1);
    EXPECT_EQ(*decode_subscription(bytes), record);
}

TEST(MessageRecord, HasItsGoldenBytes) {
    EXPECT_EQ(encoded_hex(kMessage), kMessageV1);
    const auto bytes = *from_hex(kMessageV1);
    const auto read = decode_message(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->created_ms, 5);
    EXPECT_EQ(read->expires_ms, 6);
    EXPECT_EQ(read->qos, 2);
    EXPECT_TRUE(read->retain);
    EXPECT_EQ(read->protocol, 3);
    EXPECT_EQ(read->hops, 2);
    EXPECT_EQ(read->topic, "a/b");
    EXPECT_EQ(as_text(read->properties), "P");
    EXPECT_EQ(as_text(read->payload), "hot");
}

TEST(WillRecord, HasItsGoldenBytes) {
    const std::string golden = std::string{kWillV1Prefix} + std::string{kMessageV1};
    EXPECT_EQ(
        encoded_hex(WillRecord{.delay_s = 3, .expiry_s = 4, .message = kMessage}), golden
    );
    const auto bytes = *from_hex(golden);
    const auto read = decode_will(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->delay_s, 3U);
    EXPECT_EQ(read->expiry_s, 4U);
    EXPECT_EQ(read->message.topic, "a/b");
}

TEST(WillRecord, TellsAnExpiryOfZeroFromNone) {
    const std::string fields = "0000000300000000" + std::string{kMessageV1};
    EXPECT_EQ(encoded_hex(WillRecord{.delay_s = 3, .message = kMessage}), "01" + fields);
    EXPECT_EQ(
        encoded_hex(WillRecord{.delay_s = 3, .expiry_s = 0, .message = kMessage}), "02" + fields
    );
    EXPECT_EQ(decode_will(*from_hex("01" + fields))->expiry_s, std::nullopt);
    EXPECT_EQ(decode_will(*from_hex("02" + fields))->expiry_s, 0U);
    const std::string other = "020000000300000004" + std::string{kMessageV1};
    EXPECT_EQ(decode_will(*from_hex(other)).error(), errc::malformed_record);
}

TEST(QueueEntry, HasItsGoldenBytes) {
    EXPECT_EQ(encoded_hex(kEntry), kEntryV1);
    const auto bytes = *from_hex(kEntryV1);
    EXPECT_EQ(*decode_queue_entry(bytes), kEntry);
}

TEST(QueueEntry, OfASharedSubscription_HasAVersionOfItsOwn) {
    QueueEntry entry = kEntry;
    entry.share = 0xABCD;
    EXPECT_EQ(encoded_hex(entry), kEntryV2);
    const auto bytes = *from_hex(kEntryV2);
    EXPECT_EQ(*decode_queue_entry(bytes), entry);
}

TEST(RetainedRecord, HasItsGoldenBytes) {
    const RetainedRecord record{
        .owner = "probe", .client_id = "c1", .principal = as_bytes("P"), .message = kMessage
    };
    const std::string golden = std::string{kRetainedV1Prefix} + std::string{kMessageV1};
    EXPECT_EQ(encoded_hex(record), golden);
    const auto bytes = *from_hex(golden);
    const auto read = decode_retained(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->tenant, "default");
    EXPECT_EQ(read->owner, "probe");
    EXPECT_EQ(read->client_id, "c1");
    EXPECT_EQ(as_text(read->message.payload), "hot");
}

/// Every prefix that is too short, and every newer version.
template <class Decode>
void expect_checked(
    std::string_view golden, std::size_t fixed_bytes, Decode decode, Byte newest = 1
) {
    auto bytes = *from_hex(golden);
    for (std::size_t size = 0; size < fixed_bytes; ++size) {
        EXPECT_EQ(decode(ByteView{bytes}.first(size)).error(), errc::malformed_record) << size;
    }
    bytes[0] = static_cast<Byte>(newest + 1);
    EXPECT_EQ(decode(ByteView{bytes}).error(), errc::newer_version);
    bytes[0] = 0;
    EXPECT_EQ(decode(ByteView{bytes}).error(), errc::malformed_record);
}

TEST(SessionRecords, RefuseWhatIsCutShortOrNewer) {
    expect_checked(kSessionV1, kSessionV1.size() / 2, decode_session);
    expect_checked(kSubscriptionV1, kSubscriptionV1.size() / 2, decode_subscription);
    const std::size_t payload = 3;
    expect_checked(kMessageV1, kMessageV1.size() / 2 - payload, decode_message);
    expect_checked(kEntryV1, kEntryV1.size() / 2, decode_queue_entry, 2);
    expect_checked(kEntryV2, kEntryV2.size() / 2, decode_queue_entry, 2);
    const std::string will = std::string{kWillV1Prefix} + std::string{kMessageV1};
    expect_checked(will, will.size() / 2 - payload, decode_will, 2);
    const std::string retained = std::string{kRetainedV1Prefix} + std::string{kMessageV1};
    expect_checked(retained, retained.size() / 2 - payload, decode_retained);
}

TEST(QueueEntry, IsRefused_WhenItsPartsContradict) {
    const auto refused = [](QueueEntry entry) {
        Bytes out;
        encode(out, entry);
        return decode_queue_entry(out).has_error();
    };
    EXPECT_FALSE(refused(kEntry));
    auto entry = kEntry;
    entry.packet_id = 0;
    EXPECT_TRUE(refused(entry)) << "sent without an id";
    entry = kEntry;
    entry.message = MessageId{};
    EXPECT_TRUE(refused(entry)) << "sent without a message";
    entry = kEntry;
    entry.qos = 3;
    EXPECT_TRUE(refused(entry));
}

}  // namespace
}  // namespace weir::storage
