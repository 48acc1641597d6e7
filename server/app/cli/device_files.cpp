#include "device_files.hpp"

#include <fmt/format.h>

#include <system_error>
#include <weir/base/digest.hpp>
#include <weir/identity/x509.hpp>

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
    const auto authority = load_ca(ca);
    const auto what = fmt::format("cannot issue a certificate for '{}'", name);
    const auto issued = value_or_fail(authority.issue_device(name, valid_for(kDeviceDays)), what);
    fingerprint_ =
        to_hex(value_or_fail(identity::parse_certificate_pem(issued.certificate), what).sha256);
    write_key(folder / "device.key", issued.key);
    written_.push_back(folder / "device.key");
    write_text(folder / "device.crt", issued.certificate);
    written_.push_back(folder / "device.crt");
    write_text(folder / "ca.crt", authority.certificate_pem());
    written_.push_back(folder / "ca.crt");
}

void DeviceFiles::remove() noexcept {
    std::error_code ignored;
    for (const auto& file : written_) {
        fs::remove(file, ignored);
    }
}

}  // namespace weir::cli
