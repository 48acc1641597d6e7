#include <weir/storage/detail/wal_scan.hpp>

#include <rocksdb/file_checksum.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::storage::detail {
namespace {

// The format of a log: blocks of 32 KiB; in a block fragments of {crc, length, type, payload}; a
// fragment never crosses blocks, and a rest too small for a header is zero. A record is one `full`
// fragment, or a `first`, any number of `middle`, and a `last` one; its payload begins with a
// sequence number and the count of changes.
constexpr std::size_t kBlockBytes = 32 * 1024;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::size_t kRecordHeadBytes = 12;
/// A sequence number this far ahead is no number of this log.
constexpr std::uint64_t kSequenceStepMax = std::uint64_t{1} << 40U;

enum class FragmentType : Byte { zero = 0, full = 1, first = 2, middle = 3, last = 4 };

template <class T>
T load_le(const Byte* in) noexcept {
    T value{};
    std::memcpy(&value, in, sizeof value);
    static_assert(std::endian::native == std::endian::little);
    return value;
}

/// The checksum as a log stores it: masked, so that it is not the checksum of itself.
std::uint32_t masked_crc(ByteView bytes) {
    static const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    const auto generator = factory->CreateFileChecksumGenerator({});
    generator->Update(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    generator->Finalize();
    const auto crc =
        load_be<std::uint32_t>(reinterpret_cast<const Byte*>(generator->GetChecksum().data()));
    return std::rotr(crc, 15) + 0xA282EAD8U;
}

struct Fragment {
    FragmentType type;
    ByteView payload;

    [[nodiscard]] bool begins_record() const noexcept {
        return type == FragmentType::full || type == FragmentType::first;
    }
    [[nodiscard]] std::size_t size() const noexcept { return kHeaderBytes + payload.size(); }
};

/// The fragment at the start of `rest`, its checksum not looked at.
std::optional<Fragment> parse_fragment(ByteView rest) noexcept {
    if (rest.size() < kHeaderBytes) {
        return std::nullopt;
    }
    const std::size_t size = load_le<std::uint16_t>(rest.data() + 4);
    const Byte type = rest[6];
    if (type < 1 || type > 4 || rest.size() < kHeaderBytes + size) {
        return std::nullopt;
    }
    return Fragment{FragmentType{type}, rest.subspan(kHeaderBytes, size)};
}

bool is_whole(ByteView rest, const Fragment& fragment) {
    return load_le<std::uint32_t>(rest.data()) ==
           masked_crc(rest.subspan(kHeaderBytes - 1, 1 + fragment.payload.size()));
}

/// One pass over all logs. Remembers the first damage and looks behind it for a whole record.
class Scan {
public:
    /// `numbered`: records begin with sequence numbers.
    explicit Scan(bool numbered) noexcept : numbered_{numbered} {}

    void begin_log(const std::string& name) {
        log_ = name;
        at_ = 0;
        record_.reset();
        lost_ = false;
    }

    void block(ByteView bytes) {
        std::size_t at = 0;
        while (!done() && !lost_ && at < bytes.size()) {
            const ByteView rest = bytes.subspan(at);
            if (rest.size() < kHeaderBytes && bytes.size() == kBlockBytes) {
                break;  // Filled up with zeros.
            }
            const auto fragment = parse_fragment(rest);
            if (!fragment || !fits(*fragment) || !is_whole(rest, *fragment)) {
                lose(at_ + at);
                break;
            }
            take(*fragment, at_ + at);
            at += fragment->size();
        }
        if (lost_ && !done()) {
            search(bytes, at);
        }
        at_ += bytes.size();
    }

    void end_log() {
        if (record_ && !lost_) {
            lose(*record_);
        }
        if (is_damaged() && damage_.file == log_) {
            damage_.to = damage_.kind == Recovery::Kind::damaged ? damage_.to : at_;
            if (!nonzero_ && !torn_record_) {
                damage_ = {};  // Space that was allocated ahead and never used.
            }
        }
    }

    [[nodiscard]] bool done() const noexcept {
        return damage_.kind == Recovery::Kind::damaged;
    }
    [[nodiscard]] const Recovery& result() const noexcept { return damage_; }

private:
    [[nodiscard]] bool is_damaged() const noexcept { return damage_.kind != Recovery::Kind::whole; }
    [[nodiscard]] bool fits(const Fragment& fragment) const noexcept {
        return fragment.begins_record() != record_.has_value();
    }

    void take(const Fragment& fragment, std::uint64_t at) {
        if (fragment.begins_record()) {
            record_ = at;
            head_.clear();
        }
        const auto missing = kRecordHeadBytes - std::min(head_.size(), kRecordHeadBytes);
        append(head_, fragment.payload.first(std::min(missing, fragment.payload.size())));
        if (fragment.type == FragmentType::full || fragment.type == FragmentType::last) {
            record_.reset();
            if (numbered_ && head_.size() == kRecordHeadBytes) {
                complete_record();
            }
        }
    }

    void complete_record() {
        const auto sequence = load_le<std::uint64_t>(head_.data());
        const auto changes = load_le<std::uint32_t>(head_.data() + sizeof sequence);
        if (is_damaged()) {
            // An older log ends in damage. If no number is missing, a recovery dropped that tail
            // already and only the deletion of the log got lost. If no number is known, RocksDB
            // judges.
            if (next_sequence_ == 0 || sequence == next_sequence_) {
                damage_ = {};
            } else {
                damage_.kind = Recovery::Kind::damaged;
            }
        }
        next_sequence_ = sequence + changes;
    }

    void lose(std::uint64_t at) {
        lost_ = true;
        torn_record_ = record_.has_value();
        nonzero_ = false;
        if (!is_damaged()) {
            damage_ = {Recovery::Kind::tail_dropped, log_, record_.value_or(at), at};
        }
        record_.reset();
    }

    /// Looks for the start of a whole record at every byte: after damage, lengths prove nothing.
    void search(ByteView block, std::size_t from) {
        nonzero_ = nonzero_ || std::ranges::any_of(block.subspan(from), [](Byte b) { return b != 0; });
        for (std::size_t at = from; nonzero_ && at + kHeaderBytes < block.size(); ++at) {
            const ByteView rest = block.subspan(at);
            const auto fragment = parse_fragment(rest);
            if (fragment && fragment->begins_record() &&
                (fragment->type == FragmentType::full || fragment->size() == rest.size()) &&
                is_likely(*fragment) && is_whole(rest, *fragment)) {
                damage_.kind = Recovery::Kind::damaged;
                damage_.to = at_ + at;
                return;
            }
        }
    }

    /// Spares most checksums, and what a device sent is not taken for a record.
    [[nodiscard]] bool is_likely(const Fragment& fragment) const noexcept {
        return !numbered_ || (fragment.payload.size() >= kRecordHeadBytes &&
                              load_le<std::uint64_t>(fragment.payload.data()) - next_sequence_ <
                                  kSequenceStepMax);
    }

    const bool numbered_;
    std::string log_;
    std::uint64_t at_ = 0;                 // Where the block starts.
    std::optional<std::uint64_t> record_;  // Where the open record starts.
    Bytes head_;                           // Its first bytes.
    std::uint64_t next_sequence_ = 0;      // After the last whole record.
    bool lost_ = false;  // Damage in this log: search.
    bool torn_record_ = false;
    bool nonzero_ = false;
    Recovery damage_;
};

std::vector<std::string> log_names(std::vector<std::string> names) {
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".log"); });
    std::ranges::sort(names, [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;
    });
    return names;
}

rocksdb::IOStatus scan_log(
    rocksdb::FileSystem& files, const std::string& path, Scan& scan, std::vector<char>& buffer
) {
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    auto status = files.NewSequentialFile(path, rocksdb::FileOptions{}, &file, nullptr);
    while (status.ok()) {
        rocksdb::Slice block;
        status = file->Read(kBlockBytes, rocksdb::IOOptions{}, &block, buffer.data(), nullptr);
        if (!status.ok() || block.empty()) {
            break;
        }
        scan.block(as_bytes({block.data(), block.size()}));
    }
    return status;
}

}  // namespace

Result<Recovery> scan_logs(rocksdb::FileSystem& files, const std::string& directory) {
    const rocksdb::IOOptions io;
    if (!files.FileExists(directory, io, nullptr).ok()) {
        return Recovery{};
    }
    std::vector<std::string> names;
    if (!files.GetChildren(directory, io, &names, nullptr).ok()) {
        return errc::io_failed;
    }
    Scan scan{true};
    std::vector<char> buffer(kBlockBytes);
    for (const auto& name : log_names(std::move(names))) {
        scan.begin_log(name);
        if (!scan_log(files, directory + '/' + name, scan, buffer).ok()) {
            return errc::io_failed;
        }
        scan.end_log();
        if (scan.done()) {
            break;
        }
    }
    return scan.result();
}

Result<Recovery> scan_manifest(rocksdb::FileSystem& files, const std::string& directory) {
    std::string name;
    const std::string current = directory + "/CURRENT";
    if (!files.FileExists(current, rocksdb::IOOptions{}, nullptr).ok()) {
        return Recovery{};
    }
    if (!rocksdb::ReadFileToString(&files, current, &name).ok()) {
        return errc::io_failed;
    }
    if (!name.ends_with('\n')) {
        return Recovery{};  // RocksDB has words for that.
    }
    name.pop_back();
    Scan scan{false};
    scan.begin_log(name);
    std::vector<char> buffer(kBlockBytes);
    if (!scan_log(files, directory + '/' + name, scan, buffer).ok()) {
        return errc::io_failed;
    }
    scan.end_log();
    return scan.result();
}

}  // namespace weir::storage::detail
