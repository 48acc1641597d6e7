// The folder that a demonstration starts from.
#include <weir/demo/home.hpp>

#include <gtest/gtest.h>

#include <weir/app_config/configuration.hpp>

namespace weir::demo {
namespace {

TEST(Home, ConfigurationIsValid) {
    app::MemoryFiles files;
    for (const auto& [path, text] : config_files({.listener = 8'883, .receiver = 40'000})) {
        files.files["/demo/" + path] = text;
    }
    document::Diagnostics diagnostics;
    const auto configuration = app::load_configuration("/demo", files, diagnostics);
    EXPECT_EQ(diagnostics.render_text(), "") << "neither errors nor warnings";
    ASSERT_EQ(configuration.config.listeners.size(), 1U);
    EXPECT_EQ(configuration.config.listeners[0].port, 8'883);
    ASSERT_TRUE(configuration.rules);
    EXPECT_NE(configuration.rules->find(kRule), nullptr);
    const auto* const sink = configuration.config.find_sink(kSink);
    ASSERT_NE(sink, nullptr);
    EXPECT_EQ(sink->url, "http://127.0.0.1:40000/alarms");
}

TEST(Home, HoldsWhatAGatewayAndItsClientsNeed) {
    const Home home{{.listener = 0, .receiver = 40'000}};
    document::Diagnostics diagnostics;
    const auto configuration =
        app::load_configuration(home.path(), app::SystemFiles{}, diagnostics);
    EXPECT_EQ(diagnostics.render_text(), "");
    ASSERT_EQ(home.members().size(), kDevices.size() + 1);
    for (const auto& member : home.members()) {
        const auto files = home.client_files(member.name);
        EXPECT_TRUE(std::filesystem::exists(files.ca));
        EXPECT_TRUE(std::filesystem::exists(files.certificate));
        EXPECT_EQ(
            std::filesystem::status(files.key).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write
        );
    }
}

TEST(Home, LeavesNothingBehind) {
    std::filesystem::path path;
    {
        const Home home{{}};
        path = home.path();
        EXPECT_TRUE(std::filesystem::exists(path / "weir.yaml"));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace weir::demo
