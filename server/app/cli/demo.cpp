#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <weir/demo/demo.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

constexpr std::uint16_t kPort = 8'883;
constexpr int kSecondsMax = 300;  // The gateway remembers the denials of so long.

struct Options {
    std::optional<std::uint16_t> port;
    bool once = false;
    int seconds = 15;
};

/// A check that cannot even begin fails as one that does: with the verdict on the last line.
ExitCode check_once(const Options& options) {
    try {
        const bool passed = demo::run(
            {.port = options.port.value_or(0), .once = std::chrono::seconds{options.seconds}}
        );
        return passed ? ExitCode::ok : ExitCode::failed;
    } catch (const std::exception& error) {
        print(fmt::format("demo: FAILED: {}\n", error.what()));
        return ExitCode::failed;
    }
}

ExitCode run_demo(const Options& options) {
    if (options.once) {
        return check_once(options);
    }
    return demo::run({.port = options.port.value_or(kPort)}) ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_demo(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "demo",
        "Start a throw-away gateway with devices, a rule, a stream and a sink",
        "weir demo\nweir demo --once"
    );
    const auto options = std::make_shared<Options>();
    command->add_option(
        "--port", options->port, "Port on 127.0.0.1; 0: any (default: 8883; with --once: any)"
    );
    auto* once =
        command->add_flag("--once", options->once, "Run for a while, check that all is right, end");
    command->add_option("--seconds", options->seconds, "How long --once runs")
        ->check(CLI::Range(1, kSecondsMax))
        ->capture_default_str()
        ->needs(once);
    choose(*command, chosen, options, run_demo);
}

}  // namespace weir::cli
