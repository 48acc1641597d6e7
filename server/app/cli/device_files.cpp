#include "device_files.hpp"

#include <fmt/format.h>

#include <system_error>

#include "cert_files.hpp"
#include "file_io.hpp"

namespace weir::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::days kDeviceDays{365};

}  // namespace

fs::path certificate_folder(const Globals& globals) {
    const bool is_folder = fs::is_directory(globals.config);
    return (is_folder ? globals.config : globals.config.parent_path()) / "certs";
}

DeviceFiles::DeviceFiles(const fs::path& folder, const fs::path& ca, const std::string& name) {
    try {
        write(folder, ca, name);
    } catch (...) {
        remove();
        throw;
    }
}

DeviceFiles::~DeviceFiles() {
    remove();
}

void DeviceFiles::write(const fs::path& folder, const fs::path& ca, const std::string& name) {
    std::error_code ignored;
    if (!fs::exists(ca / "ca.key", ignored)) {
        throw Failure{
            fmt::format("no certificate can be issued: there is no {}", (ca / "ca.key").string()),
            fmt::format(
                "register one of your own CA: weir devices create {0} --certificate FILE, or for a "
                "device that exists: weir devices certificate {0} --add FILE",
                name
            )
        };
    }
    const auto authority = load_ca(ca);
    const auto what = fmt::format("cannot issue a certificate for '{}'", name);
    const auto issued = value_or_fail(authority.issue_device(name, valid_for(kDeviceDays)), what);
    write_key(folder / "device.key", issued.key);
    written_.push_back(folder / "device.key");
    write_text(folder / "device.crt", issued.certificate);
    written_.push_back(folder / "device.crt");
    write_text(folder / "ca.crt", authority.certificate_pem());
    written_.push_back(folder / "ca.crt");
    certificate_ = issued.certificate;
}

void DeviceFiles::remove() noexcept {
    std::error_code ignored;
    for (const auto& file : written_) {
        fs::remove(file, ignored);
    }
}

}  // namespace weir::cli
