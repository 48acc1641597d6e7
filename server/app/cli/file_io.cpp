#include "file_io.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>
#include <weir/app_config/config_files.hpp>
#include <weir/identity/device_ca.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

void make_room(const fs::path& path) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
        throw Failure{
            fmt::format("'{}' is there already", path.string()),
            "choose another place, or remove it"
        };
    }
    if (path.has_parent_path()) {
        fs::create_directories(path.parent_path(), error);
        if (error) {
            throw Failure{
                fmt::format("cannot create '{}': {}", path.parent_path().string(), error.message())
            };
        }
    }
}

}  // namespace

std::string read_text(const fs::path& path) {
    auto text = app::SystemFiles{}.read(path);
    if (!text) {
        throw Failure{fmt::format("cannot read '{}'", path.string())};
    }
    if (text->size() > app::ConfigFiles::kBytesMax) {
        throw Failure{fmt::format("'{}' is larger than 1 MiB", path.string())};
    }
    return std::move(*text);
}

void write_new(const fs::path& path, std::string_view text) {
    make_room(path);
    std::ofstream out{path, std::ios::binary};
    out << text;
    out.close();
    if (!out) {
        throw Failure{fmt::format("cannot write '{}'", path.string())};
    }
}

void write_new_key(const fs::path& path, std::string_view pem) {
    make_room(path);
    if (const auto written = identity::write_key_file(path, pem); !written) {
        throw Failure{fmt::format("cannot write '{}': {}", path.string(), written.error().message())
        };
    }
}

}  // namespace weir::cli
