/// A whole gateway in this process, over a configuration that a test writes.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include <weir/app/gateway.hpp>

#include "support/gateway_books.hpp"
#include "support/open_policy.hpp"
#include "support/temp_dir.hpp"

namespace weir::test {

/// One clear-text listener for every protocol, on loopback, where anybody may do anything.
class RunningGateway {
public:
    struct Options {
        std::string auth = "anonymous: true, methods: [password]";
        std::string listener = {};  ///< More keys of the listener, as YAML: ", ws: {...}".
        std::string limits = {};    ///< "handshake: 1s, packet_bytes: 64KiB".
        unsigned shards = 2;
        std::string include = "policies.d";  ///< Folders that `prepare` fills, and this one.
        /// Puts files into the configuration's folder before it is read.
        std::function<void(const std::filesystem::path&)> prepare = {};
    };

    explicit RunningGateway(const Options& options) {
        std::filesystem::create_directory(home_.path() / "policies.d");
        std::ofstream{home_ / "weir.yaml"} << fmt::format(
            R"(version: 1
listeners:
  - {{name: any, bind: 127.0.0.1, port: 0, protocols: any, auth: {{{}}}{}}}
storage: {{path: data}}
runtime: {{shards: {}}}
limits: {{{}}}
metrics: {{listen: none}}
admin: {{socket: admin.sock}}
include: [{}]
)",
            options.auth,
            options.listener,
            options.shards,
            options.limits,
            options.include
        );
        std::ofstream{home_ / "policies.d/open.yaml"} << kOpenPolicy;
        if (options.prepare) {
            options.prepare(home_.path());
        }
        gateway_ = make_gateway({.config = home_.path(), .in_memory = true});
        gateway_->start();
        port_ = gateway_->listeners().front().port;
    }

    [[nodiscard]] app::Gateway& operator*() noexcept { return *gateway_; }
    [[nodiscard]] app::Gateway* operator->() noexcept { return gateway_.get(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::size_t connections() const {
        return gateway_->listeners().front().connections;
    }
    /// The value of a sample: `weir_lost_total{reason="slow_consumer"}`. Zero if there is none.
    [[nodiscard]] double metric(std::string_view sample) const {
        const std::string page = '\n' + gateway_->metrics_text();
        const auto at = page.find(fmt::format("\n{} ", sample));
        return at == std::string::npos ? 0 : std::stod(page.substr(at + sample.size() + 2));
    }

private:
    TempDir home_;
    GatewayPtr gateway_;
    std::uint16_t port_ = 0;
};

}  // namespace weir::test
