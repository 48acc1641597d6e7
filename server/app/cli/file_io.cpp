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

void make_folder(const fs::path& path) {
    std::error_code error;
    if (path.has_parent_path()) {
        fs::create_directories(path.parent_path(), error);
        if (error) {
            throw Failure{
                fmt::format("cannot create '{}': {}", path.parent_path().string(), error.message())
            };
        }
    }
}

/// @param write  Creates a file that is not there.
template <class Write>
void place(const fs::path& path, Existing existing, const Write& write) {
    std::error_code error;
    const bool is_there = fs::exists(fs::symlink_status(path, error));
    if (is_there && existing == Existing::refuse) {
        throw Failure{
            fmt::format("'{}' is there already", path.string()),
            "choose another place, or remove it"
        };
    }
    make_folder(path);
    if (!is_there) {
        write(path);
        return;
    }
    const fs::path fresh = path.string() + ".new";
    fs::remove(fresh, error);
    write(fresh);
    fs::rename(fresh, path, error);
    if (error) {
        throw Failure{fmt::format("cannot replace '{}': {}", path.string(), error.message())};
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

void write_text(const fs::path& path, std::string_view text, Existing existing) {
    place(path, existing, [&](const fs::path& file) {
        std::ofstream out{file, std::ios::binary};
        out << text;
        out.close();
        if (!out) {
            throw Failure{fmt::format("cannot write '{}'", file.string())};
        }
    });
}

void write_key(const fs::path& path, std::string_view pem, Existing existing) {
    place(path, existing, [&](const fs::path& file) {
        if (const auto written = identity::write_key_file(file, pem); !written) {
            throw Failure{
                fmt::format("cannot write '{}': {}", file.string(), written.error().message())
            };
        }
    });
}

}  // namespace weir::cli
