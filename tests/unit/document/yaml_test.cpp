#include <weir/document/yaml.hpp>

#include <gtest/gtest.h>

namespace weir::document {
namespace {

TEST(Document, KnowsPlaceOfEveryNode) {
    Diagnostics diagnostics;
    const auto document = Document::parse("a: 1\nb:\n  - é: \"q\"\n", "x.yaml", diagnostics);
    ASSERT_TRUE(document) << diagnostics.render_text();
    const auto root = document->root();
    EXPECT_EQ(root.size(), 2U);
    EXPECT_EQ(root.get("a")->range(), (Range{{1, 4}, {1, 5}}));
    const auto item = root.get("b")->items().at(0);
    const auto entry = item.entries().at(0);
    EXPECT_EQ(entry.key.range(), (Range{{3, 5}, {3, 6}}));
    EXPECT_EQ(entry.value.range(), (Range{{3, 9}, {3, 10}}));
    EXPECT_TRUE(entry.value.quoted());
}

}  // namespace
}  // namespace weir::document
