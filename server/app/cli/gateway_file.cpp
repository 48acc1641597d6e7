#include "gateway_file.hpp"

#include <fmt/format.h>

#include "command.hpp"

namespace weir::cli {
namespace {

class EmptyFolders final : public app::ConfigFiles {
public:
    std::optional<std::string> read(const std::filesystem::path& file) const override {
        return system_.read(file);
    }
    std::optional<std::vector<std::string>> list(const std::filesystem::path& /*folder*/
    ) const override {
        return std::vector<std::string>{};
    }
    std::optional<std::string> variable(const std::string& name) const override {
        return system_.variable(name);
    }

private:
    app::SystemFiles system_;
};

}  // namespace

app::Config load_gateway_file(const std::filesystem::path& config) {
    document::Diagnostics diagnostics;
    auto loaded = app::load_config(config, EmptyFolders{}, diagnostics);
    if (loaded.admin.socket.empty() || loaded.storage.path.empty()) {
        print_error(diagnostics.render_text());
        throw Failure{
            fmt::format("'{}' does not tell where the gateway is", config.string()),
            fmt::format("weir check {}", config.string()),
            ExitCode::bad_config
        };
    }
    return loaded;
}

}  // namespace weir::cli
