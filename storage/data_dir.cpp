#include <weir/storage/detail/data_dir.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <weir/storage/store.hpp>

namespace weir::storage::detail {
namespace {

constexpr std::string_view kLockName = "weir.pid";

std::string describe_errno() {
    return std::generic_category().message(errno);
}

std::string read_pid(int fd) {
    std::array<char, 32> text{};
    const auto size = pread(fd, text.data(), text.size(), 0);
    const std::string_view view{text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    return std::string{view.substr(0, view.find_first_not_of("0123456789"))};
}

}  // namespace

DataDirLock::DataDirLock(const std::string& path) {
    std::error_code ec;
    if (std::filesystem::create_directories(path, ec)) {
        std::filesystem::permissions(path, std::filesystem::perms::owner_all, ec);
    }
    if (ec) {
        throw OpenError{
            errc::io_failed, "cannot make the data directory " + path + ": " + ec.message()
        };
    }
    const std::string file = path + '/' + std::string{kLockName};
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
        throw OpenError{
            errc::io_failed,
            "cannot open " + file + ": " + describe_errno() +
                "; the directory must belong to the user that runs weir"
        };
    }
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        const std::string pid = read_pid(fd_);
        const std::string why = describe_errno();
        ::close(fd_);
        if (reason == EWOULDBLOCK) {
            throw OpenError{
                errc::locked,
                path + " is in use by process " + (pid.empty() ? "(unknown)" : pid) +
                    ": stop it, or choose another storage.path"
            };
        }
        throw OpenError{errc::io_failed, "cannot lock " + file + ": " + why};
    }
    const std::string pid = std::to_string(getpid()) + '\n';
    if (ftruncate(fd_, 0) != 0 ||
        pwrite(fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        const std::string why = describe_errno();
        ::close(fd_);
        throw OpenError{errc::io_failed, "cannot write " + file + ": " + why};
    }
}

DataDirLock::~DataDirLock() {
    ::close(fd_);
}

}  // namespace weir::storage::detail
