#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <weir/pipeline/rule_state.hpp>
#include <weir/storage/store.hpp>

namespace weir::pipeline {
namespace {

using rules::StateKey;
using rules::StateKind;

constexpr std::string_view kRule = "---\nto: {stream: s}\n";

std::shared_ptr<const rules::RuleSet> rules_of(std::string_view head) {
    document::Diagnostics diagnostics;
    auto rule = rules::parse_rule(
        "rules.d/r.sql",
        std::string{kRule} + std::string{head} + "---\nSELECT last(v) AS v FROM 'a/#'\n",
        diagnostics
    );
    EXPECT_TRUE(rule) << diagnostics.render_text();
    return rules::RuleSet::build({std::move(*rule)});
}

class Kept : public testing::Test {
protected:
    Kept() { use("state: {keys: 3, age: 60s}\n"); }

    void use(std::string_view head) {
        storage::Batch batch;
        state_.use(*rules_of(head), batch);
        commit(std::move(batch));
    }
    void commit(storage::Batch&& batch) {
        if (!batch.empty()) {
            ASSERT_TRUE(store_->commit(std::move(batch)));
        }
    }
    /// @return The number of the write.
    std::uint64_t write(std::string_view key, std::string_view record, std::int64_t time_ms = 0) {
        storage::Batch batch;
        const auto number = state_.apply(
            {{.rule = "r",
              .kind = StateKind::values,
              .key = std::string{key},
              .record = std::string{record},
              .time_ms = time_ms}},
            batch
        );
        wrote_ = !batch.empty();
        commit(std::move(batch));
        return number;
    }
    /// `-`: nothing.
    [[nodiscard]] std::string find(std::string_view key, std::int64_t since_ms = 0) const {
        const auto found = state_.find({"r", StateKind::values, key}, since_ms);
        return found ? std::string{as_text(*found)} : "-";
    }
    /// What a gateway that starts on the same store knows.
    [[nodiscard]] std::string find_after_restart(std::string_view key) {
        RuleState fresh{1};
        storage::Batch batch;
        fresh.use(*rules_of("state: {keys: 3, age: 60s}\n"), batch);
        EXPECT_TRUE(store_->scan(
            storage::Family::meta,
            RuleState::kPrefix,
            [&](std::string_view stored, std::uint8_t version, ByteView body) {
                EXPECT_TRUE(fresh.load(stored, version, body));
                return true;
            }
        ));
        const auto found = fresh.find({"r", StateKind::values, key}, 0);
        return found ? std::string{as_text(*found)} : "-";
    }

    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    RuleState state_{1};
    bool wrote_ = false;
};

TEST_F(Kept, IsFound_HereAndAfterARestart) {
    EXPECT_EQ(find("a"), "-");
    write("a", "one", 1);
    write("a", "two", 2);
    EXPECT_EQ(find("a"), "two");
    EXPECT_EQ(find("a", 3), "-") << "written too long ago";
    EXPECT_EQ(find_after_restart("a"), "two");
    EXPECT_EQ(state_.metrics().keys.value(), 1);
}

TEST_F(Kept, MakesRoomForTheNewest) {
    write("a", "1", 1);
    write("b", "2", 2);
    write("c", "3", 3);
    write("a", "4", 4);
    write("d", "5", 5);
    EXPECT_EQ(find("b"), "-") << "it was written longest ago";
    EXPECT_EQ(find("a") + find("c") + find("d"), "435");
    EXPECT_EQ(state_.metrics().evicted.value(), 1U);
    EXPECT_EQ(find_after_restart("b"), "-");
}

TEST_F(Kept, IsBoundedInBytes) {
    use("state: {keys: 1000, bytes: 64KiB}\n");
    for (int i = 0; i < 100; ++i) {
        write("k" + std::to_string(i), std::string(1000, 'x'), i);
    }
    EXPECT_LE(state_.metrics().bytes.value(), 64 * 1024);
    EXPECT_GT(state_.metrics().keys.value(), 40);
    EXPECT_NE(find("k99"), "-");
    EXPECT_EQ(find("k0"), "-");
}

TEST_F(Kept, IsNotWrittenAgain_WhenOnlyTimeWentOn) {
    write("a", "1", 1'000);
    EXPECT_TRUE(wrote_);
    write("a", "1", 2'000);
    EXPECT_FALSE(wrote_);
    EXPECT_EQ(find("a", 2'000), "1");
    write("a", "1", 1'000 + 60'000 / 8);
    EXPECT_TRUE(wrote_) << "an eighth of the age later";
}

TEST_F(Kept, IsTakenBack_WhenItsBatchWasRefused) {
    state_.settled(write("a", "1", 1), true);
    const auto second = write("a", "2", 2);
    state_.settled(second, false);
    EXPECT_EQ(find("a"), "1");
    state_.settled(write("b", "1", 1), false);
    EXPECT_EQ(find("b"), "-");
}

TEST_F(Kept, GoesBackToWhatWasStored_WhenSeveralWereRefused) {
    state_.settled(write("a", "1", 1), true);
    const auto second = write("a", "2", 2);
    const auto third = write("a", "3", 3);
    state_.settled(second, false);
    EXPECT_EQ(find("a"), "3") << "the third may still be stored";
    state_.settled(third, false);
    EXPECT_EQ(find("a"), "1");

    const auto fourth = write("a", "4", 4);
    const auto fifth = write("a", "5", 5);
    state_.settled(fourth, false);
    state_.settled(fifth, true);
    EXPECT_EQ(find("a"), "5");
}

TEST_F(Kept, IsForgottenWithAge_InTheStoreToo) {
    write("a", "1", 1'000);
    write("b", "2", 50'000);
    storage::Batch batch;
    state_.forget_old(61'001, batch);
    commit(std::move(batch));
    EXPECT_EQ(find("a") + find("b"), "-2");
    EXPECT_EQ(find_after_restart("a"), "-");
    EXPECT_EQ(find_after_restart("b"), "2");
}

TEST_F(Kept, EndsWithItsRule) {
    write("a", "1", 1);
    storage::Batch batch;
    state_.use(*rules::RuleSet::build({}), batch);
    commit(std::move(batch));
    EXPECT_EQ(find("a"), "-");
    EXPECT_EQ(state_.metrics().keys.value(), 0);
    EXPECT_EQ(state_.metrics().bytes.value(), 0);
    EXPECT_EQ(find_after_restart("a"), "-");
}

TEST(RuleStateOwner, IsOneShardForAllThatARuleRemembersOfAMessage) {
    const auto seen = rules::seen_key("probe", "id\0with NUL");
    const auto alone = rules::seen_key("", "id");
    for (unsigned shards : {1U, 2U, 7U}) {
        EXPECT_EQ(
            RuleState::owner_of({"r", StateKind::seen, seen}, shards),
            RuleState::owner_of({"r", StateKind::values, "probe"}, shards)
        );
        EXPECT_EQ(
            RuleState::owner_of({"r", StateKind::seen, alone}, shards),
            RuleState::owner_of("r", "id", shards)
        );
        EXPECT_LT(RuleState::owner_of("r", "x", shards), shards);
    }
}

TEST(RuleStateKey, IsReadBack_OrRefused) {
    const auto key = RuleState::parse_stored_key(std::string_view{"rules/state/hot\0va/b\0c", 22});
    ASSERT_TRUE(key);
    EXPECT_EQ(key->rule, "hot");
    EXPECT_EQ(key->kind, StateKind::values);
    EXPECT_EQ(key->key, (std::string_view{"a/b\0c", 5}));
    for (const std::string_view bad :
         {std::string_view{"rules/state/hot"}, std::string_view{"rules/state/hot\0", 16},
          std::string_view{"rules/state/hot\0x1", 18}, std::string_view{"sinks/pager\0va", 14}}) {
        EXPECT_FALSE(RuleState::parse_stored_key(bad)) << bad;
    }
}

}  // namespace
}  // namespace weir::pipeline
