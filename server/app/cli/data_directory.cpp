#include "data_directory.hpp"

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>

namespace weir::cli {
namespace {

std::shared_ptr<const app::Configuration> load_checked(const std::filesystem::path& file) {
    document::Diagnostics diagnostics;
    auto loaded = std::make_shared<app::Configuration>(
        app::load_configuration(file, app::SystemFiles{}, diagnostics)
    );
    if (diagnostics.has_errors()) {
        throw admin::ApiError{422, "bad_config", diagnostics.render_text()};
    }
    return loaded;
}

}  // namespace

DataDirectory::DataDirectory(const app::Config& config)
    : store_{storage::Store::open({.path = config.storage.path.string()})},
      registry_{*store_, clock_} {
    if (const auto loaded = registry_.load(); !loaded) {
        throw Failure{fmt::format(
            "the registry in '{}' cannot be read: {}",
            config.storage.path.string(),
            loaded.error().message()
        )};
    }
    app::add_device_routes(routes_, registry_);
    const auto load = [file = config.file] { return load_checked(file); };
    app::add_policy_routes(routes_, registry_, load);
    app::add_stream_routes(routes_, *store_, load);
    app::add_rule_routes(routes_, *store_, load);
}

admin::Answer DataDirectory::ask(
    std::string_view method, std::string_view target, std::string_view body
) {
    auto response = admin::dispatch(
        routes_,
        {.method = std::string{method}, .target = std::string{target}, .body = std::string{body}}
    );
    return {.status = response.status, .body = std::move(response.body)};
}

}  // namespace weir::cli
