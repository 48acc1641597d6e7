#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <weir/admin/http_server.hpp>
#include <weir/app/admin_api.hpp>
#include <weir/app/gateway.hpp>
#include <weir/base/log.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

struct Options {
    std::optional<log::Format> format;  ///< None: pretty on a terminal.
};

/// The signals that end or reload the gateway. Blocked in every thread that starts afterwards, so
/// that only wait() sees them.
class Signals {
public:
    Signals() {
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
            sigaddset(&set_, signal);
        }
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    [[nodiscard]] int wait() const {
        int signal = 0;
        sigwait(&set_, &signal);
        return signal;
    }

private:
    sigset_t set_{};
};

void tell_listening(std::string_view listener, std::string_view address, std::uint16_t port) {
    log::info("listening", {{"listener", listener}, {"address", address}, {"port", port}});
}

/// The doors for operators; they close before the gateway stops.
class OperatorServers {
public:
    explicit OperatorServers(app::Gateway& gateway) {
        admin::Routes api;
        app::add_routes(api, gateway);
        admin_ = std::make_unique<admin::HttpServer>(std::move(api));
        admin_->listen_unix(gateway.admin_socket());
        if (const auto endpoint = gateway.metrics_endpoint()) {
            admin::Routes metrics;
            app::add_metrics_routes(metrics, gateway);
            metrics_ = std::make_unique<admin::HttpServer>(std::move(metrics));
            metrics_address_ = endpoint->address;
            metrics_port_ = metrics_->listen_tcp(endpoint->address, endpoint->port);
        }
    }

    void start() {
        admin_->start();
        if (metrics_ != nullptr) {
            metrics_->start();
            tell_listening("metrics", metrics_address_, metrics_port_);
        }
    }

private:
    std::unique_ptr<admin::HttpServer> admin_;
    std::unique_ptr<admin::HttpServer> metrics_;
    std::string metrics_address_;
    std::uint16_t metrics_port_ = 0;
};

/// Until a signal ends it.
void run(app::Gateway& gateway, const Signals& signals) {
    OperatorServers servers{gateway};
    gateway.start();
    servers.start();
    for (const auto& listener : gateway.listeners()) {
        tell_listening(listener.name, listener.address, listener.port);
    }
    log::info("ready", {{"pid", ::getpid()}, {"config", gateway.config_hash()}});
    while (signals.wait() == SIGHUP) {
        const auto outcome = gateway.reload();  // Logs what came of it.
        if (!outcome.applied) {
            print_error(outcome.text);
        }
    }
    log::info("stopping");
}

ExitCode serve(const Options& options, const Globals& globals) {
    const bool on_terminal = ::isatty(STDERR_FILENO) == 1;
    log::configure(
        log::Level::info,
        options.format.value_or(on_terminal ? log::Format::pretty : log::Format::json)
    );
    const Signals signals;
    try {
        app::Gateway gateway{{.config = globals.config}};
        run(gateway, signals);
        gateway.stop();
    } catch (const app::BadConfiguration& error) {
        print_error(error.what());
        return ExitCode::bad_config;
    } catch (const app::CannotListen& error) {
        throw Failure{
            error.what(), "`ss -ltnp` tells who has a port; another one: weir explain listeners.port"
        };
    } catch (const admin::ListenError& error) {
        throw Failure{
            error.what(), "weir status tells whether a gateway runs here already"
        };
    }
    log::info("stopped");
    return ExitCode::ok;
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
    auto* command = add_command(
        app,
        "serve",
        "Run the gateway until SIGTERM or SIGINT; SIGHUP reloads the configuration",
        "weir serve\nweir serve --config my-gw --log pretty"
    );
    const auto options = std::make_shared<Options>();
    const Words<log::Format> formats = {
        {"pretty", log::Format::pretty}, {"json", log::Format::json}
    };
    command->add_option("--log", options->format, "pretty or json (default: pretty on a terminal)")
        ->transform(one_of(formats))
        ->type_name("FORMAT");
    choose(*command, chosen, options, serve);
}

}  // namespace weir::cli
