/// Devices, policies and streams without a gateway.
#pragma once

#include <memory>

#include <weir/admin/dispatch.hpp>
#include <weir/app_config/config.hpp>
#include <weir/base/clock.hpp>
#include <weir/identity/registry.hpp>
#include <weir/storage/store.hpp>

#include "api_client.hpp"

namespace weir::cli {

/// Holds the lock of the data directory: no gateway can start meanwhile. The routes are those of
/// the gateway's socket, called in this process.
class DataDirectory final : public Api {
public:
    /// Throws Failure, storage::OpenError.
    explicit DataDirectory(const app::Config& config);

    admin::Answer ask(std::string_view method, std::string_view target, std::string_view body)
        override;

private:
    SystemClock clock_;
    std::unique_ptr<storage::Store> store_;
    identity::Registry registry_;
    admin::Routes routes_;
};

}  // namespace weir::cli
