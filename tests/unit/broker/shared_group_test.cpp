#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <weir/broker/shared_group.hpp>

#include "support/random.hpp"

namespace weir::broker {
namespace {

using model::Qos;

SharedGroup group_of(std::initializer_list<std::pair<std::uint64_t, Standing>> members) {
    SharedGroup group{GroupId{1}, "key", "filter"};
    for (const auto& [id, standing] : members) {
        group.put(id, standing);
    }
    return group;
}

std::vector<std::uint64_t> turns(SharedGroup& group, int count, Qos qos = Qos::at_least_once) {
    std::vector<std::uint64_t> out;
    for (int i = 0; i < count; ++i) {
        out.push_back(group.next(qos, 0));
    }
    return out;
}

TEST(SharedGroup, LetsMembersTakeTurns) {
    auto group = group_of({{1, Standing::ready}, {2, Standing::ready}, {3, Standing::ready}});
    const auto taken = turns(group, 6);
    EXPECT_EQ(std::set(taken.begin(), taken.begin() + 3), (std::set<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(std::vector(taken.begin(), taken.begin() + 3), std::vector(taken.begin() + 3, taken.end()));
}

struct ChoiceCase {
    std::string_view name;
    std::vector<std::pair<std::uint64_t, Standing>> members;
    std::uint64_t at_most_once;
    std::uint64_t at_least_once;
};

class Choice : public testing::TestWithParam<ChoiceCase> {};

TEST_P(Choice, TakesTheBestStandingThereIs) {
    SharedGroup group{GroupId{1}, "key", "filter"};
    for (const auto& [id, standing] : GetParam().members) {
        group.put(id, standing);
    }
    EXPECT_EQ(group.next(Qos::at_most_once, 0), GetParam().at_most_once);
    EXPECT_EQ(group.next(Qos::at_least_once, 0), GetParam().at_least_once);
}
INSTANTIATE_TEST_SUITE_P(
    Table,
    Choice,
    testing::Values(
        ChoiceCase{"nobody", {}, 0, 0},
        ChoiceCase{"ready_before_all", {{1, Standing::away}, {2, Standing::waiting}, {3, Standing::ready}}, 3, 3},
        ChoiceCase{"online_before_offline", {{1, Standing::away}, {2, Standing::waiting}}, 2, 2},
        ChoiceCase{"offline_only_above_qos_0", {{1, Standing::away}}, 0, 1},
        ChoiceCase{"never_who_cannot", {{1, Standing::unable}}, 0, 0}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

TEST(SharedGroup, PassesOverWhoRefused) {
    auto group = group_of({{1, Standing::ready}, {2, Standing::ready}, {3, Standing::away}});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(group.next(Qos::at_least_once, 1), 2U);
    }
    group.remove(2);
    EXPECT_EQ(group.next(Qos::at_least_once, 1), 3U);
    EXPECT_EQ(group.next(Qos::at_most_once, 1), 0U);
}

TEST(SharedGroup, IgnoresNewsOfWhoHasLeft) {
    auto group = group_of({{1, Standing::ready}});
    EXPECT_TRUE(group.remove(1));
    EXPECT_FALSE(group.remove(1));
    group.update(1, Standing::ready);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_EQ(group.next(Qos::at_least_once, 0), 0U);
}

TEST(SharedGroup, KeepsItsBooks_WhenMembersComeGoAndChange) {
    SharedGroup group{GroupId{1}, "key", "filter"};
    std::map<std::uint64_t, Standing> model;
    test::Random random{7};
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t id = 1 + random.below(12);
        const auto standing = static_cast<Standing>(random.below(kStandings));
        switch (random.below(3)) {
            case 0:
                group.put(id, standing);
                model[id] = standing;
                break;
            case 1:
                EXPECT_EQ(group.remove(id), model.erase(id) == 1);
                break;
            default:
                group.update(id, standing);
                if (model.contains(id)) {
                    model[id] = standing;
                }
        }
        ASSERT_EQ(group.size(), model.size());
        auto best = Standing::unable;
        for (const auto& [member, its] : model) {
            best = std::min(best, its);
        }
        const auto chosen = group.next(Qos::at_least_once, 0);
        ASSERT_EQ(chosen == 0, best == Standing::unable);
        if (chosen != 0) {
            ASSERT_EQ(model.at(chosen), best);
        }
    }
}

TEST(SharedGroups, GivesEachLifeOfAGroupItsOwnId_OfItsShard) {
    SharedGroups groups{3};
    const auto key = SharedGroups::key_of("default", "$share/g/f");
    auto& first = groups.make(key, "f");
    const GroupId id = first.id();
    EXPECT_EQ(static_cast<std::uint64_t>(id) >> 48U, 3U);
    EXPECT_EQ(groups.find(key), &first);
    EXPECT_EQ(groups.find(id), &first);
    groups.erase(first);
    EXPECT_EQ(groups.find(key), nullptr);
    EXPECT_NE(groups.make(key, "f").id(), id);
    EXPECT_EQ(groups.find(id), nullptr);
}

TEST(SharedGroups, TellsTenantsApart) {
    EXPECT_NE(SharedGroups::key_of("a", "$share/g/f"), SharedGroups::key_of("b", "$share/g/f"));
}

}  // namespace
}  // namespace weir::broker
