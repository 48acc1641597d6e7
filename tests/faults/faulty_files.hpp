/// Files that fail on demand, below RocksDB.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace weir::storage::test {

/// Passes everything on to the real files, but for what it was told to do wrong. Knows which bytes
/// were synced: the others may be lost or garbled when the power is cut. Any thread.
class FaultyFiles final : public rocksdb::FileSystemWrapper {
public:
    FaultyFiles() : FileSystemWrapper{rocksdb::FileSystem::Default()} {}

    [[nodiscard]] const char* Name() const override { return "FaultyFiles"; }

    /// The n-th call from now on, counted from 1, fails once.
    void fail_call(std::uint64_t n) { fail_at_ = calls_ + n; }
    /// True once the planned call has failed.
    [[nodiscard]] bool failed() const { return fail_at_ != 0 && calls_ >= fail_at_; }
    void fail_syncs(bool yes) { syncs_fail_ = yes; }
    /// Nothing can be written below the directory of full disks; half of each write still reaches its file. `free` is what is reported.
    void set_full(bool yes, std::uint64_t free) {
        free_ = free;
        full_ = yes;
    }
    /// Before anything uses the files. Every path is below the empty one, which it is at first.
    void keep_full_below(std::string directory) { full_below_ = std::move(directory); }

    /// At the n-th call from now on the power goes: that call and all later ones fail.
    void cut_power_at(std::uint64_t n) { cut_at_ = calls_ + n; }
    [[nodiscard]] bool power_is_off() const { return cut_at_ != 0 && calls_ >= cut_at_; }
    /// After everything that used the files is closed: loses what a power cut may lose, as `random`
    /// decides, then works again.
    void restore_power(std::mt19937& random);

    rocksdb::IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus NewSequentialFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSSequentialFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus NewRandomAccessFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus NewDirectory(
        const std::string& path,
        const rocksdb::IOOptions& how,
        std::unique_ptr<rocksdb::FSDirectory>* directory,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus RenameFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& how,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus DeleteFile(
        const std::string& path, const rocksdb::IOOptions& how, rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus GetChildren(
        const std::string& path,
        const rocksdb::IOOptions& how,
        std::vector<std::string>* names,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus GetFileSize(
        const std::string& path,
        const rocksdb::IOOptions& how,
        std::uint64_t* size,
        rocksdb::IODebugContext* debug
    ) override;
    rocksdb::IOStatus GetFreeSpace(
        const std::string& path,
        const rocksdb::IOOptions& how,
        std::uint64_t* free,
        rocksdb::IODebugContext* debug
    ) override;

    // What its files call.
    [[nodiscard]] rocksdb::IOStatus on_call();
    /// How much of a write of `bytes` gets through; the status is the write's.
    [[nodiscard]] rocksdb::IOStatus on_write(
        const std::string& path, std::size_t bytes, std::size_t& through
    );
    [[nodiscard]] rocksdb::IOStatus on_sync();
    void written(const std::string& path, std::uint64_t bytes);
    void synced(const std::string& path);
    void directory_synced(const std::string& directory);

private:
    struct File {
        std::uint64_t size = 0;
        std::uint64_t synced = 0;
        bool named = false;  ///< Its directory was synced since it was made.
    };
    struct Rename {
        std::string to;
        std::optional<std::string> replaced;  ///< What `to` held.
    };

    std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> fail_at_{0};
    std::atomic<std::uint64_t> cut_at_{0};
    std::atomic<bool> syncs_fail_{false};
    std::atomic<bool> full_{false};
    std::string full_below_;
    std::atomic<std::uint64_t> free_{~std::uint64_t{0}};
    std::mutex mutex_;
    std::map<std::string, File> files_;
    std::vector<Rename> renames_;  ///< Since their directory was synced.
};

}  // namespace weir::storage::test
