/// Objects as files.
#pragma once

#include <string>

#include <weir/archive/target.hpp>

namespace weir::archive {

/// A folder that is there: an absent one is a failure, so that nothing is written below the place
/// where a disk should be mounted. Folders in it are made. A file is written beside its place, under
/// ".<name>.part", synced, renamed, and its folder is synced. Symbolic links in the folder are not
/// followed.
class Folder final : public Target {
public:
    explicit Folder(std::string path) : path_{std::move(path)} {}

    [[nodiscard]] std::optional<std::string> write(const Object& object) override;
    [[nodiscard]] std::optional<std::string> remove(const std::string& name) override;
    [[nodiscard]] std::string where() const override { return path_; }

private:
    const std::string path_;
};

}  // namespace weir::archive
