/// A whole gateway in this process, over real sockets and a store on disk, with 1, 2 and 8 shards.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <weir/app/gateway.hpp>

#include "support/gateway_books.hpp"
#include "support/temp_dir.hpp"

namespace weir::app::test {

/// Its policies and what rules need are for a test to write before start().
class ShardedGateway : public testing::TestWithParam<unsigned> {
protected:
    void SetUp() override {
        for (const char* folder : {"policies.d", "rules.d", "streams.d", "sinks.d"}) {
            std::filesystem::create_directory(home_.path() / folder);
        }
        configure("");
    }
    void TearDown() override { gateway_.reset(); }

    void write(std::string_view name, std::string_view text) {
        std::ofstream{home_ / name} << text;
    }
    /// @param more  Lines of weir.yaml.
    void configure(std::string_view more) {
        write(
            "weir.yaml",
            fmt::format(
                R"(version: 1
listeners:
  - {{name: plain, bind: 127.0.0.1, port: 0, protocols: any, auth: {{anonymous: true, methods: [password]}}}}
storage: {{path: data}}
runtime: {{shards: {}}}
metrics: {{listen: none}}
admin: {{socket: admin.sock}}
include: [policies.d, rules.d, streams.d, sinks.d]
{})",
                GetParam(),
                more
            )
        );
    }
    /// Once more: a restart.
    void start() {
        gateway_.reset();
        gateway_ = weir::test::make_gateway({.config = home_.path()});
        gateway_->start();
        port_ = gateway_->listeners().front().port;
    }
    [[nodiscard]] std::vector<std::string> payloads(std::string_view stream) {
        std::vector<std::string> payloads;
        for (const auto& entry : *gateway_->store().read_stream(stream, 1)) {
            payloads.emplace_back(as_text(entry.record.payload));
        }
        return payloads;
    }

    weir::test::TempDir home_;
    weir::test::GatewayPtr gateway_;
    std::uint16_t port_ = 0;
};

inline constexpr std::array kShards = {1U, 2U, 8U};

[[nodiscard]] inline std::string shards_name(const testing::TestParamInfo<unsigned>& shards) {
    return fmt::format("on_{}_shards", shards.param);
}

}  // namespace weir::app::test
