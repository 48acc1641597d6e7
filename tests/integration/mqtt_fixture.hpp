/// A gateway in this process for tests that look at single MQTT packets.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <weir/app/gateway.hpp>

#include "support/gateway_books.hpp"
#include "support/hex_peer.hpp"
#include "support/open_policy.hpp"
#include "support/temp_dir.hpp"

namespace weir::app::test {

using weir::test::HexPeer;

/// Anybody may do everything but what lies under `secret`.
class MqttGateway : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(home_.path() / "policies.d");
        std::filesystem::create_directory(home_.path() / "rules.d");
        write("policies.d/open.yaml", std::string{weir::test::kOpenPolicy} + R"(on_violation: nack
deny:
  - connect: "banned"
  - publish: ["secret/#"]
  - subscribe: ["secret/#"]
)");
    }

    /// @param more  Lines of weir.yaml. @param listener  Keys of the listener, each with a comma in front.
    void start(
        std::string_view more = {}, std::string_view listener = {}, identity::Mechanisms mechanisms = {}
    ) {
        write(
            "weir.yaml",
            fmt::format(
                "version: 1\n"
                "listeners:\n"
                "  - {{name: plain, bind: 127.0.0.1, port: 0, auth: {{anonymous: true}}{}}}\n"
                "storage: {{path: data}}\n"
                "runtime: {{shards: 3}}\n"
                "metrics: {{listen: none}}\n"
                "admin: {{socket: admin.sock}}\n"
                "include: [policies.d, rules.d]\n"
                "{}",
                listener,
                more
            )
        );
        gateway_ = weir::test::make_gateway(
            {.config = home_.path(), .in_memory = true, .mechanisms = std::move(mechanisms)}
        );
        gateway_->start();
        port_ = gateway_->listeners().front().port;
    }
    void write(std::string_view name, std::string_view text) {
        std::ofstream{home_ / name} << text;
    }

    weir::test::TempDir home_;
    weir::test::GatewayPtr gateway_;
    std::uint16_t port_ = 0;
};

}  // namespace weir::app::test
