#include <weir/storage/detail/even_files.hpp>

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace weir::storage::detail {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class EvenFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

    IOStatus Append(const Slice& data, const IOOptions& how, IODebugContext* debug) override {
        for (Slice left = data; !left.empty();) {
            const std::size_t bytes = std::min(left.size(), kEvenBytes - unsynced_);
            auto status = target()->Append({left.data(), bytes}, how, debug);
            left.remove_prefix(bytes);
            unsynced_ += bytes;
            if (status.ok() && unsynced_ == kEvenBytes) {
                status = target()->RangeSync(synced_, unsynced_, how, debug);
                synced_ += std::exchange(unsynced_, 0);
            }
            if (!status.ok()) {
                return status;
            }
        }
        return IOStatus::OK();
    }
    IOStatus Append(
        const Slice& data,
        const IOOptions& how,
        const rocksdb::DataVerificationInfo& /*info*/,
        IODebugContext* debug
    ) override {
        return Append(data, how, debug);
    }

private:
    std::uint64_t synced_ = 0;
    std::size_t unsynced_ = 0;
};

class EvenFiles final : public rocksdb::FileSystemWrapper {
public:
    using FileSystemWrapper::FileSystemWrapper;

    [[nodiscard]] const char* Name() const override { return "weir.EvenFiles"; }

    IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        IODebugContext* debug
    ) override {
        rocksdb::FileOptions waits = how;
        waits.strict_bytes_per_sync = true;  // For the piece before.
        std::unique_ptr<rocksdb::FSWritableFile> opened;
        auto status = target()->NewWritableFile(path, waits, &opened, debug);
        if (status.ok()) {
            *file = std::make_unique<EvenFile>(std::move(opened));
        }
        return status;
    }
};

}  // namespace

std::unique_ptr<rocksdb::Env> write_evenly(rocksdb::Env& env) {
    return rocksdb::NewCompositeEnv(std::make_shared<EvenFiles>(env.GetFileSystem()));
}

}  // namespace weir::storage::detail
