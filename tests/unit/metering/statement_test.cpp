#include <weir/metering/statement.hpp>

#include <gtest/gtest.h>

#include <weir/metering/meter.hpp>

namespace weir::metering {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::uint32_t kHour = 472'222;  // 2023-11-14T22:00Z

class StatementTest : public testing::Test {
protected:
    void SetUp() override {
        use("default", "p1", kHour, {.payload_bytes = 600, .topic_bytes = 3});
        use("default", "p1", kHour + 1, {.payload_bytes = 10, .topic_bytes = 3});
        use("default", "p2", kHour, {.payload_bytes = 10, .topic_bytes = 3});
        use("acme", "p1", kHour, {.payload_bytes = 10, .topic_bytes = 3});
    }

    void use(
        std::string_view tenant, std::string_view device, std::uint32_t hour, const Traffic& message
    ) {
        storage::Batch batch;
        batch.add_usage({tenant, device, hour}, publish_in(message));
        ASSERT_TRUE(store_->commit(std::move(batch)));
    }

    [[nodiscard]] Statement read(
        StatementQuery query, std::span<const storage::UsageEntry> unflushed = {}
    ) const {
        if (query.to == WallTime{0}) {
            query.from = at(kHour);
            query.to = at(kHour + 2);
        }
        const auto statement = read_statement(*store_, query, unflushed);
        EXPECT_TRUE(statement);
        return *statement;
    }

    [[nodiscard]] static WallTime at(std::uint32_t hour) {
        return WallTime{std::int64_t{hour} * kHourMs};
    }
    [[nodiscard]] static std::uint64_t messages(const storage::UsageDelta& sums) {
        return sums.counters[index(Counter::messages_in)];
    }

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
};

TEST_F(StatementTest, SumsEachDeviceOverTheHours) {
    const auto statement = read({});
    ASSERT_EQ(statement.lines.size(), 3U);
    EXPECT_EQ(statement.lines[0].tenant, "acme");
    EXPECT_EQ(statement.lines[1].device, "p1");
    EXPECT_EQ(messages(statement.lines[1].sums), 2U);
    EXPECT_EQ(total_units(statement.lines[1].sums, Scheme::aws_2016_512), 3U);
    EXPECT_EQ(total_units(statement.lines[1].sums, Scheme::aws_5k), 2U);
    EXPECT_EQ(messages(statement.total), 4U);
}

TEST_F(StatementTest, FiltersByTimeTenantAndDevice) {
    EXPECT_EQ(messages(read({.from = at(kHour + 1), .to = at(kHour + 2)}).total), 1U);
    EXPECT_EQ(messages(read({.tenant = "default"}).total), 3U);
    EXPECT_EQ(messages(read({.tenant = "default", .device = "p2"}).total), 1U);
    EXPECT_TRUE(read({.from = at(1), .to = at(2)}).lines.empty());
}

TEST_F(StatementTest, WidensTheTimeToWholeHours) {
    const auto statement = read({.from = at(kHour) + WallTime{5}, .to = at(kHour) + WallTime{6}});
    EXPECT_EQ(statement.from, at(kHour));
    EXPECT_EQ(statement.to, at(kHour + 1));
}

TEST_F(StatementTest, AddsWhatIsNotYetFlushed) {
    const std::vector<storage::UsageEntry> unflushed = {
        {"default", "p2", kHour, publish_in({.payload_bytes = 1})},
        {"default", "p2", kHour + 9, publish_in({.payload_bytes = 1})},
        {"default", "p9", kHour, publish_in({.payload_bytes = 1})}
    };
    const auto statement = read({.tenant = "default", .device = "p2"}, unflushed);
    EXPECT_EQ(messages(statement.total), 2U);
}

TEST_F(StatementTest, RendersATable) {
    const auto text =
        render(read({.schemes = {Scheme::aws_2016_512, Scheme::aws_5k}}), StatementFormat::table);
    EXPECT_EQ(
        text,
        "2023-11-14T22:00:00.000Z to 2023-11-15T00:00:00.000Z\n"
        "device   messages_in  bytes_in  messages_out  bytes_out  aws-2016-512  aws-5k\n"
        "acme/p1            1        13             0          0             1       1\n"
        "p1                 2       616             0          0             3       2\n"
        "p2                 1        13             0          0             1       1\n"
        "total              4       642             0          0             5       4\n"
    );
}

TEST_F(StatementTest, RendersJson) {
    const auto text = render(
        read({.tenant = "default", .device = "p2", .schemes = {Scheme::azure_4k}}),
        StatementFormat::json
    );
    EXPECT_TRUE(
        text.starts_with(R"({"from":"2023-11-14T22:00:00.000Z","to":"2023-11-15T00:00:00.000Z",)")
    ) << text;
    EXPECT_NE(
        text.find(R"("devices":[{"tenant":"default","device":"p2","messages_in":1,"bytes_in":13,)"),
        std::string::npos
    );
    EXPECT_NE(
        text.find(R"("units":{"azure-4k":{"in":1,"out":0,"control":0,"total":1}}}],"total":{)"),
        std::string::npos
    ) << text;
    EXPECT_TRUE(text.ends_with("}}\n"));
}

TEST_F(StatementTest, RendersCsv_WithoutFormulasFromDeviceNames) {
    use("default", "=1+1", kHour, {});
    use("default", "-x", kHour, {});
    use("default", "a,\"b\"", kHour, {});
    const auto text = render(read({.schemes = {Scheme::aws_5k}}), StatementFormat::csv);
    EXPECT_TRUE(text.starts_with("tenant,device,from,to,messages_in,")) << text;
    EXPECT_NE(
        text.find("aws-5k units_in,aws-5k units_out,aws-5k units_control,aws-5k units\n"),
        std::string::npos
    );
    EXPECT_NE(text.find("\ndefault,'=1+1,"), std::string::npos);
    EXPECT_NE(text.find("\ndefault,'-x,"), std::string::npos);
    EXPECT_NE(text.find("\ndefault,\"a,\"\"b\"\"\","), std::string::npos);
}

TEST_F(StatementTest, ShowsNoControlCharacterOfADeviceName_InATable) {
    use("default", "\x1b[2Jp", kHour, {});
    EXPECT_EQ(render(read({}), StatementFormat::table).find('\x1b'), std::string::npos);
}

TEST_F(StatementTest, StatesGapsAndWhatIsSealed) {
    ManualClock clock;
    clock.set_wall(at(kHour));
    Ledger ledger{*store_, clock};
    ASSERT_TRUE(ledger.begin());
    ASSERT_TRUE(*ledger.begin());
    clock.set_wall(at(kHour + 2));
    ASSERT_EQ(*ledger.seal(), 1U);
    const auto statement = read({});
    ASSERT_EQ(statement.gaps.size(), 1U);
    EXPECT_EQ(statement.sealed_until, at(kHour + 1));
    EXPECT_NE(
        render(statement, StatementFormat::table)
            .find("missing somewhere between 2023-11-14T21:59:59.000Z and 2023-11-14T22:00:00.000Z"
            ),
        std::string::npos
    );
    EXPECT_NE(
        render(statement, StatementFormat::json)
            .find(R"("gaps":[{"from":"2023-11-14T21:59:59.000Z")"),
        std::string::npos
    );
    EXPECT_TRUE(read({.from = at(kHour + 5), .to = at(kHour + 6)}).gaps.empty());
}

}  // namespace
}  // namespace weir::metering
