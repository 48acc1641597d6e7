#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <weir/archive/folder.hpp>

namespace weir::archive {
namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_{fd} {}
    Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Of the call that failed last.
std::string failure(std::string_view what, std::string_view name) {
    return fmt::format("{} {}: {}", what, name, std::generic_category().message(errno));
}

/// The folder of that name in `parent`, made if it is missing. The parent is synced either way: an
/// entry that a process made before it was killed may not be durable yet.
Descriptor open_folder(const Descriptor& parent, const std::string& name) {
    const bool is_there =
        ::mkdirat(parent.get(), name.c_str(), kFolderMode) == 0 || errno == EEXIST;
    if (!is_there || ::fsync(parent.get()) != 0) {
        return Descriptor{-1};
    }
    return Descriptor{
        ::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    return true;
}

/// @return Nothing, or what failed.
std::optional<std::string> write_file(
    const Descriptor& folder, const std::string& name, std::string_view bytes
) {
    const std::string part = '.' + name + ".part";
    const auto give_up = [&](std::string_view what) {
        auto text = failure(what, name);
        ::unlinkat(folder.get(), part.c_str(), 0);  // Gives its room back if the disk is full.
        return text;
    };
    Descriptor file{::openat(
        folder.get(), part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kFileMode
    )};
    if (!file.is_open()) {
        return failure("cannot create", part);
    }
    if (!write_all(file.get(), bytes)) {
        return give_up("cannot write");
    }
    if (::fsync(file.get()) != 0) {
        return give_up("cannot sync");
    }
    if (::renameat(folder.get(), part.c_str(), folder.get(), name.c_str()) != 0) {
        return give_up("cannot rename");
    }
    if (::fsync(folder.get()) != 0) {
        return failure("cannot sync the folder of", name);
    }
    return std::nullopt;
}

/// Calls `work(folder, name)` with the folder that the object stands in, made if it is missing, and its name there.
template <class Work>
std::optional<std::string> in_its_folder(
    const std::string& path, std::string_view object, Work work
) {
    Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.is_open()) {
        return failure("cannot open the folder", path);
    }
    std::string_view rest = object;
    for (;;) {
        const auto slash = rest.find('/');
        const std::string segment{rest.substr(0, slash)};
        if (segment.empty() || segment.starts_with('.')) {
            return fmt::format("'{}' is no name of an object", object);
        }
        if (slash == std::string_view::npos) {
            return work(folder, segment);
        }
        auto next = open_folder(folder, segment);
        if (!next.is_open()) {
            return failure("cannot open the folder", segment);
        }
        folder = std::move(next);
        rest.remove_prefix(slash + 1);
    }
}

}  // namespace

std::optional<std::string> Folder::write(const Object& object) {
    return in_its_folder(path_, object.name, [&](const Descriptor& folder, const std::string& name) {
        return write_file(folder, name, object.bytes);
    });
}

std::optional<std::string> Folder::remove(const std::string& name) {
    return in_its_folder(
        path_,
        name,
        [](const Descriptor& folder, const std::string& own) -> std::optional<std::string> {
            if (::unlinkat(folder.get(), own.c_str(), 0) != 0) {
                return failure("cannot remove", own);
            }
            return std::nullopt;
        }
    );
}

}  // namespace weir::archive
