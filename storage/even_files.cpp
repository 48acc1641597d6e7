#include <weir/storage/detail/even_files.hpp>

#include <rocksdb/file_system.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

namespace weir::storage::detail {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

/// So much room is taken at a time: a sync of the log waits for the data that new room was taken for, but not for data in room that was
/// there. What is left over is returned when the file is closed.
constexpr std::size_t kRoomBytes = 16 * kEvenBytes;

/// When the next piece may go. Any thread.
class Pace {
public:
    Pace(std::uint64_t bytes_per_s, std::stop_token stop)
        : bytes_per_s_{bytes_per_s}, stop_{std::move(stop)} {}

    /// After so many bytes. False: give it up.
    [[nodiscard]] bool wait(std::size_t bytes) {
        if (bytes_per_s_ > 0) {
            const std::chrono::duration<double> takes{
                static_cast<double>(bytes) / static_cast<double>(bytes_per_s_)
            };
            std::unique_lock lock{mutex_};
            // What was slower than its distance is not made up for.
            next_ = std::max(next_ + std::chrono::duration_cast<Clock::duration>(takes), Clock::now());
            wake_.wait_until(lock, stop_, next_, [] { return false; });
        }
        return !stop_.stop_requested();
    }

private:
    using Clock = std::chrono::steady_clock;

    const std::uint64_t bytes_per_s_;
    const std::stop_token stop_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    Clock::time_point next_;
};

class EvenFile final : public rocksdb::FSWritableFileOwnerWrapper {
public:
    EvenFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::shared_ptr<Pace> pace)
        : FSWritableFileOwnerWrapper{std::move(file)}, pace_{std::move(pace)} {
        target()->SetPreallocationBlockSize(kRoomBytes);
    }

    IOStatus Append(const Slice& data, const IOOptions& how, IODebugContext* debug) override {
        for (Slice left = data; !left.empty();) {
            const std::size_t bytes = std::min(left.size(), kEvenBytes - unsynced_);
            target()->PrepareWrite(synced_ + unsynced_, bytes, how, debug);
            auto status = target()->Append({left.data(), bytes}, how, debug);
            left.remove_prefix(bytes);
            unsynced_ += bytes;
            if (status.ok() && unsynced_ == kEvenBytes) {
                status = target()->RangeSync(synced_, unsynced_, how, debug);
                synced_ += std::exchange(unsynced_, 0);
            }
            if (status.ok() && !pace_->wait(bytes)) {
                status = IOStatus::Aborted("given up");
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
    std::shared_ptr<Pace> pace_;
    std::uint64_t synced_ = 0;
    std::size_t unsynced_ = 0;
};

class EvenFiles final : public rocksdb::FileSystemWrapper {
public:
    EvenFiles(
        const std::shared_ptr<rocksdb::FileSystem>& files,
        std::shared_ptr<Pace> pace,
        std::function<void()> begins
    )
        : FileSystemWrapper{files}, pace_{std::move(pace)}, begins_{std::move(begins)} {}

    [[nodiscard]] const char* Name() const override { return "weir.EvenFiles"; }

    IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& how,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        IODebugContext* debug
    ) override {
        begins_();
        rocksdb::FileOptions waits = how;
        waits.strict_bytes_per_sync = true;  // For the piece before.
        std::unique_ptr<rocksdb::FSWritableFile> opened;
        auto status = target()->NewWritableFile(path, waits, &opened, debug);
        if (status.ok()) {
            *file = std::make_unique<EvenFile>(std::move(opened), pace_);
        }
        return status;
    }

private:
    std::shared_ptr<Pace> pace_;
    std::function<void()> begins_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> write_evenly(
    rocksdb::Env& env, std::uint64_t bytes_per_s, std::stop_token stop, std::function<void()> begins
) {
    return rocksdb::NewCompositeEnv(std::make_shared<EvenFiles>(
        env.GetFileSystem(),
        std::make_shared<Pace>(bytes_per_s, std::move(stop)),
        std::move(begins)
    ));
}

}  // namespace weir::storage::detail
