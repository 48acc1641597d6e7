#include "cert_files.hpp"

#include <fmt/format.h>

#include <weir/app_config/config_values.hpp>
#include <weir/base/clock.hpp>

#include "file_io.hpp"

namespace weir::cli {

namespace fs = std::filesystem;
using identity::DeviceCa;

namespace {

constexpr auto* kCaStem = "ca";

fs::path with_ending(const fs::path& folder, const std::string& stem, const char* ending) {
    return folder / (stem + ending);
}

}  // namespace

DeviceCa create_ca(
    const fs::path& folder,
    const std::string& common_name,
    std::chrono::days days,
    Existing existing
) {
    auto ca = value_or_fail(
        DeviceCa::create(common_name, SystemClock{}.wall(), days),
        fmt::format("cannot make a CA named '{}'", common_name)
    );
    write_key(with_ending(folder, kCaStem, ".key"), ca.key_pem(), existing);
    write_text(with_ending(folder, kCaStem, ".crt"), ca.certificate_pem(), existing);
    return ca;
}

DeviceCa load_ca(const fs::path& folder) {
    return value_or_fail(
        DeviceCa::load(
            read_text(with_ending(folder, kCaStem, ".crt")),
            read_text(with_ending(folder, kCaStem, ".key"))
        ),
        fmt::format("cannot use the CA in '{}'", folder.string())
    );
}

identity::ServerNames server_names(const std::vector<std::string>& names) {
    identity::ServerNames result;
    for (const auto& name : names) {
        (app::is_address(name) ? result.ip : result.dns).push_back(name);
    }
    return result;
}

void write_issued(
    const fs::path& folder,
    const std::string& stem,
    const identity::Issued& issued,
    Existing existing
) {
    write_key(with_ending(folder, stem, ".key"), issued.key, existing);
    write_text(with_ending(folder, stem, ".crt"), issued.certificate, existing);
}

identity::Validity valid_for(std::chrono::days days) {
    return {.now = SystemClock{}.wall(), .days = days};
}

}  // namespace weir::cli
