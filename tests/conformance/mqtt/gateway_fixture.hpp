/// The whole gateway in this process, and peers at its doors.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <weir/app/gateway.hpp>

#include "conformance/mqtt/wire_peer.hpp"
#include "support/certificates.hpp"
#include "support/gateway_books.hpp"
#include "support/temp_dir.hpp"

namespace weir::conformance {

/// How peers come in, and how many shards meet them.
struct Way {
    Transport transport;
    unsigned shards;
};

inline std::string name_of(const testing::TestParamInfo<Way>& row) {
    return fmt::format("{}_on_{}_shards", name(row.param.transport), row.param.shards);
}

/// Everybody may do everything, but in topics under `secret`, where publishers are told so; nothing is limited.
class GatewayTest : public testing::TestWithParam<Way> {
protected:
    void SetUp() override {
        const auto identity = test::make_identity({.name = "weir", .alternative = "IP:127.0.0.1"});
        identity.write(home_ / "weir.crt", home_ / "weir.key");
        std::filesystem::permissions(
            home_ / "weir.key",
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write
        );
        std::filesystem::create_directory(home_.path() / "policies.d");
        write("weir.yaml", fmt::format(fmt::runtime(kConfig), GetParam().shards, limits()));
        write("policies.d/open.yaml", kPolicy);
        write_more();
        gateway_ = test::make_gateway({.config = home_.path(), .in_memory = true});
        gateway_->start();
        const auto listeners = gateway_->listeners();
        ports_ = {.plain = listeners.at(0).port, .tls = listeners.at(1).port};
    }
    void TearDown() override { gateway_.reset(); }

    /// Files beside those that every test has.
    virtual void write_more() {}
    /// Limits that differ from `none`, as `name: value` with commas between.
    [[nodiscard]] virtual std::string limits() const { return "preset: none"; }

    [[nodiscard]] WirePeer peer() { return WirePeer{GetParam().transport, ports_}; }
    /// A peer whose CONNECT was accepted.
    [[nodiscard]] WirePeer v3(
        std::string_view id, std::string_view flags = "02", std::string_view rest = {}
    ) {
        WirePeer made = peer();
        EXPECT_EQ(made.connects(connect3(id, flags, rest)).code, 0U);
        return made;
    }
    [[nodiscard]] WirePeer v5(
        std::string_view id,
        std::string_view flags = "02",
        std::string_view given = {},
        std::string_view rest = {}
    ) {
        WirePeer made = peer();
        EXPECT_EQ(made.connects(connect5(id, flags, given, rest)).code, 0U);
        return made;
    }

    void write(std::string_view name, std::string_view content) {
        std::ofstream{home_ / name} << content;
    }

    test::TempDir home_;
    test::GatewayPtr gateway_;
    Ports ports_;

private:
    static constexpr std::string_view kConfig = R"(version: 1
listeners:
  - {{name: plain, bind: 127.0.0.1, port: 0, protocols: any, auth: {{anonymous: true, methods: [password]}}}}
  - name: front
    bind: 127.0.0.1
    port: 0
    protocols: any
    tls: {{cert: weir.crt, key: {{file: weir.key}}}}
    auth: {{anonymous: true, methods: [password]}}
storage: {{path: data}}
runtime: {{shards: {}}}
limits: {{{}}}
metrics: {{listen: none}}
admin: {{socket: admin.sock}}
)";
    static constexpr std::string_view kPolicy = R"(policy: open
match: {anonymous: true}
allow:
  - connect: "*"
    shared: true
  - publish: ["#", "$x", "$y/#"]
    retain: true
    shared: true
  - subscribe: ["#", "$y/#"]
deny:
  - connect: "banned"
  - publish: ["secret/#"]
  - subscribe: ["secret/x"]
on_violation: nack
)";
};

/// Every transport, and every number of shards.
inline const auto kEveryWay = testing::Values(
    Way{Transport::tcp, 1},
    Way{Transport::tcp, 2},
    Way{Transport::tcp, 8},
    Way{Transport::tls, 2},
    Way{Transport::ws, 2},
    Way{Transport::ws, 8},
    Way{Transport::wss, 1}
);
/// Where the transport plays no part.
inline const auto kEveryShardCount =
    testing::Values(Way{Transport::tcp, 1}, Way{Transport::tcp, 2}, Way{Transport::tcp, 8});
/// Where neither does: what one connection hears about its own packets.
inline const auto kOneWay = testing::Values(Way{Transport::tcp, 2});

}  // namespace weir::conformance
