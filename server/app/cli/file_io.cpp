#include "file_io.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <system_error>

#include <weir/app_config/config_files.hpp>
#include <weir/identity/device_ca.hpp>

#include "command.hpp"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMiB = 1024 * 1024;

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

std::string read(std::istream& in, const std::string& name, std::size_t bytes_max) {
    std::string text;
    std::string part(kReadBytes, '\0');
    while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
        text.append(part, 0, static_cast<std::size_t>(in.gcount()));
        if (text.size() > bytes_max) {
            throw Failure{fmt::format("'{}' is larger than {} MiB", name, bytes_max / kMiB)};
        }
    }
    if (!in.eof()) {  // It is not there, or is a folder.
        throw Failure{fmt::format("cannot read '{}'", name)};
    }
    return text;
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
    std::ifstream in{path, std::ios::binary};
    return read(in, path.string(), app::ConfigFiles::kBytesMax);
}

std::string read_input(const std::string& file, std::size_t bytes_max) {
    if (file == "-") {
        return read(std::cin, file, bytes_max);
    }
    std::ifstream in{file, std::ios::binary};
    return read(in, file, bytes_max);
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
