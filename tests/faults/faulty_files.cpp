#include "faulty_files.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace weir::storage::test {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string directory_of(const std::string& path) {
    return std::filesystem::path{path}.parent_path().string();
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in) {
        return std::nullopt;
    }
    return std::string{std::istreambuf_iterator<char>{in}, {}};
}

class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    WritableFile(
        FaultyFiles& files, std::string path, std::unique_ptr<rocksdb::FSWritableFile>&& file
    )
        : FSWritableFileOwnerWrapper{std::move(file)}, files_{files}, path_{std::move(path)} {}

    IOStatus Append(const Slice& data, const IOOptions& how, IODebugContext* debug) override {
        std::size_t through = data.size();
        const auto verdict = files_.on_write(path_, data.size(), through);
        if (through > 0) {
            const auto done = target()->Append({data.data(), through}, how, debug);
            files_.written(path_, through);
            return verdict.ok() ? done : verdict;
        }
        return verdict;
    }
    IOStatus Append(
        const Slice& data,
        const IOOptions& how,
        const rocksdb::DataVerificationInfo& /*info*/,
        IODebugContext* debug
    ) override {
        return Append(data, how, debug);
    }
    IOStatus Sync(const IOOptions& how, IODebugContext* debug) override {
        return sync([&] { return target()->Sync(how, debug); });
    }
    IOStatus Fsync(const IOOptions& how, IODebugContext* debug) override {
        return sync([&] { return target()->Fsync(how, debug); });
    }
    IOStatus Close(const IOOptions& how, IODebugContext* debug) override {
        const auto verdict = files_.on_call();
        const auto done = target()->Close(how, debug);
        return verdict.ok() ? done : verdict;
    }

private:
    template <class Sync>
    IOStatus sync(Sync&& really) {
        if (auto verdict = files_.on_sync(); !verdict.ok()) {
            return verdict;
        }
        auto done = really();
        if (done.ok()) {
            files_.synced(path_);
        }
        return done;
    }

    FaultyFiles& files_;
    std::string path_;
};

class SequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
public:
    SequentialFile(FaultyFiles& files, std::unique_ptr<rocksdb::FSSequentialFile>&& file)
        : FSSequentialFileOwnerWrapper{std::move(file)}, files_{files} {}

    IOStatus Read(
        std::size_t n, const IOOptions& how, Slice* result, char* scratch, IODebugContext* debug
    ) override {
        const auto verdict = files_.on_call();
        return verdict.ok() ? target()->Read(n, how, result, scratch, debug) : verdict;
    }

private:
    FaultyFiles& files_;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
public:
    RandomAccessFile(FaultyFiles& files, std::unique_ptr<rocksdb::FSRandomAccessFile>&& file)
        : FSRandomAccessFileOwnerWrapper{std::move(file)}, files_{files} {}

    IOStatus Read(
        std::uint64_t offset,
        std::size_t n,
        const IOOptions& how,
        Slice* result,
        char* scratch,
        IODebugContext* debug
    ) const override {
        const auto verdict = files_.on_call();
        return verdict.ok() ? target()->Read(offset, n, how, result, scratch, debug) : verdict;
    }

private:
    FaultyFiles& files_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
public:
    Directory(
        FaultyFiles& files, std::string path, std::unique_ptr<rocksdb::FSDirectory>&& directory
    )
        : FSDirectoryWrapper{std::move(directory)}, files_{files}, path_{std::move(path)} {}

    IOStatus Fsync(const IOOptions& how, IODebugContext* debug) override {
        return sync([&] { return FSDirectoryWrapper::Fsync(how, debug); });
    }
    IOStatus FsyncWithDirOptions(
        const IOOptions& how, IODebugContext* debug, const rocksdb::DirFsyncOptions& options
    ) override {
        return sync([&] { return FSDirectoryWrapper::FsyncWithDirOptions(how, debug, options); });
    }

private:
    template <class Sync>
    IOStatus sync(Sync&& really) {
        if (auto verdict = files_.on_sync(); !verdict.ok()) {
            return verdict;
        }
        files_.directory_synced(path_);
        return really();
    }

    FaultyFiles& files_;
    std::string path_;
};

/// Opens through `open`, then wraps the file in a T.
template <class T, class File, class Open, class... Names>
IOStatus wrap(FaultyFiles& files, std::unique_ptr<File>* out, Open&& open, const Names&... names) {
    if (auto verdict = files.on_call(); !verdict.ok()) {
        return verdict;
    }
    std::unique_ptr<File> file;
    auto opened = open(&file);
    if (opened.ok()) {
        *out = std::make_unique<T>(files, names..., std::move(file));
    }
    return opened;
}

}  // namespace

IOStatus FaultyFiles::on_call() {
    const std::uint64_t number = ++calls_;
    if (cut_at_ != 0 && number >= cut_at_) {
        return IOStatus::IOError("the power is off");
    }
    return number == fail_at_ ? IOStatus::IOError("injected") : IOStatus::OK();
}

IOStatus FaultyFiles::on_write(
    const std::string& path, std::size_t bytes, std::size_t& through
) {
    auto verdict = on_call();
    through = verdict.ok() ? bytes : 0;
    if (verdict.ok() && full_ && path.starts_with(full_below_)) {
        through = bytes / 2;
        return IOStatus::NoSpace("injected");
    }
    return verdict;
}

IOStatus FaultyFiles::on_sync() {
    auto verdict = on_call();
    return verdict.ok() && syncs_fail_ ? IOStatus::IOError("injected sync failure") : verdict;
}

void FaultyFiles::written(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    files_[path].size += bytes;
}

void FaultyFiles::synced(const std::string& path) {
    const std::lock_guard lock{mutex_};
    File& file = files_[path];
    file.synced = file.size;
}

void FaultyFiles::directory_synced(const std::string& directory) {
    const std::lock_guard lock{mutex_};
    for (auto& [path, file] : files_) {
        file.named = file.named || directory_of(path) == directory;
    }
    std::erase_if(renames_, [&](const Rename& rename) {
        return directory_of(rename.to) == directory;
    });
}

void FaultyFiles::restore_power(std::mt19937& random) {
    const std::lock_guard lock{mutex_};
    const auto number = [&random](std::uint64_t from, std::uint64_t to) {
        return std::uniform_int_distribution<std::uint64_t>{from, to}(random);
    };
    for (auto rename = renames_.rbegin(); rename != renames_.rend(); ++rename) {
        if (number(0, 1) == 0) {
            continue;
        }
        if (rename->replaced) {
            std::ofstream{rename->to, std::ios::binary} << *rename->replaced;
        } else {
            std::filesystem::remove(rename->to);
        }
        files_.erase(rename->to);
    }
    for (const auto& [path, file] : files_) {
        if (!std::filesystem::exists(path)) {
            continue;
        }
        if (!file.named && number(0, 1) == 0) {
            std::filesystem::remove(path);
            continue;
        }
        if (file.size == file.synced) {
            continue;
        }
        if (number(0, 2) > 0) {  // Cut short ...
            std::filesystem::resize_file(path, number(file.synced, file.size));
        }
        if (number(0, 2) > 0) {  // ... and, or, garbled.
            const std::uint64_t end = std::filesystem::file_size(path);
            const std::uint64_t from = number(file.synced, end);
            const bool zeros = number(0, 1) == 0;
            std::fstream out{path, std::ios::binary | std::ios::in | std::ios::out};
            out.seekp(static_cast<std::streamoff>(from));
            for (std::uint64_t at = from; at < end; ++at) {
                out.put(zeros ? '\0' : static_cast<char>(number(0, 255)));
            }
        }
    }
    files_.clear();
    renames_.clear();
    cut_at_ = 0;
}

IOStatus FaultyFiles::NewWritableFile(
    const std::string& path,
    const rocksdb::FileOptions& how,
    std::unique_ptr<rocksdb::FSWritableFile>* file,
    IODebugContext* debug
) {
    auto opened = wrap<WritableFile>(
        *this,
        file,
        [&](auto* out) { return target()->NewWritableFile(path, how, out, debug); },
        path
    );
    if (opened.ok()) {
        const std::lock_guard lock{mutex_};
        files_[path] = {};
    }
    return opened;
}

IOStatus FaultyFiles::NewSequentialFile(
    const std::string& path,
    const rocksdb::FileOptions& how,
    std::unique_ptr<rocksdb::FSSequentialFile>* file,
    IODebugContext* debug
) {
    return wrap<SequentialFile>(*this, file, [&](auto* out) {
        return target()->NewSequentialFile(path, how, out, debug);
    });
}

IOStatus FaultyFiles::NewRandomAccessFile(
    const std::string& path,
    const rocksdb::FileOptions& how,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
    IODebugContext* debug
) {
    return wrap<RandomAccessFile>(*this, file, [&](auto* out) {
        return target()->NewRandomAccessFile(path, how, out, debug);
    });
}

IOStatus FaultyFiles::NewDirectory(
    const std::string& path,
    const IOOptions& how,
    std::unique_ptr<rocksdb::FSDirectory>* directory,
    IODebugContext* debug
) {
    return wrap<Directory>(
        *this,
        directory,
        [&](auto* out) { return target()->NewDirectory(path, how, out, debug); },
        path
    );
}

IOStatus FaultyFiles::RenameFile(
    const std::string& from, const std::string& to, const IOOptions& how, IODebugContext* debug
) {
    if (auto verdict = on_call(); !verdict.ok()) {
        return verdict;
    }
    auto replaced = read_file(to);
    auto done = target()->RenameFile(from, to, how, debug);
    if (done.ok()) {
        const std::lock_guard lock{mutex_};
        renames_.push_back({to, std::move(replaced)});
        auto node = files_.extract(from);
        files_.erase(to);
        if (!node.empty()) {
            node.key() = to;
            node.mapped().named = true;  // The rename decides about its name.
            files_.insert(std::move(node));
        }
    }
    return done;
}

IOStatus FaultyFiles::DeleteFile(
    const std::string& path, const IOOptions& how, IODebugContext* debug
) {
    if (auto verdict = on_call(); !verdict.ok()) {
        return verdict;
    }
    const std::lock_guard lock{mutex_};
    files_.erase(path);
    return target()->DeleteFile(path, how, debug);
}

IOStatus FaultyFiles::GetChildren(
    const std::string& path,
    const IOOptions& how,
    std::vector<std::string>* names,
    IODebugContext* debug
) {
    auto verdict = on_call();
    return verdict.ok() ? target()->GetChildren(path, how, names, debug) : verdict;
}

IOStatus FaultyFiles::GetFileSize(
    const std::string& path, const IOOptions& how, std::uint64_t* size, IODebugContext* debug
) {
    auto verdict = on_call();
    return verdict.ok() ? target()->GetFileSize(path, how, size, debug) : verdict;
}

IOStatus FaultyFiles::GetFreeSpace(
    const std::string& /*path*/,
    const IOOptions& /*how*/,
    std::uint64_t* free,
    IODebugContext* /*debug*/
) {
    *free = free_;
    return IOStatus::OK();
}

}  // namespace weir::storage::test
