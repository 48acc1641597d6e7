#include <weir/storage/detail/rocks_disk.hpp>

#include <rocksdb/file_checksum.h>
#include <rocksdb/file_system.h>
#include <rocksdb/metadata.h>
#include <rocksdb/utilities/backup_engine.h>

#include <filesystem>
#include <memory>

#include <weir/storage/detail/data_dir.hpp>
#include <weir/storage/detail/even_files.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage::detail {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

/// The backup engine would write a log of its own into the directory of the backups.
class Silence final : public rocksdb::Logger {
public:
    using rocksdb::Logger::Logv;
    void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::BackupEngineOptions engine_options(const std::string& directory) {
    static Silence silence;
    rocksdb::BackupEngineOptions out{directory};
    out.info_log = &silence;
    return out;
}

BackupInfo describe(const rocksdb::BackupInfo& info) {
    constexpr std::int64_t kMsPerS = 1'000;
    return {info.backup_id, info.timestamp * kMsPerS, info.size, info.number_files};
}

/// Reads a table whole and sums it up as when it was written.
rocksdb::IOStatus checksum_of(
    rocksdb::FileSystem& files,
    const std::string& path,
    rocksdb::FileChecksumGenerator& sum,
    std::uint64_t& bytes
) {
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    auto status = files.NewSequentialFile(path, rocksdb::FileOptions{}, &file, nullptr);
    std::string buffer(kReadBytes, '\0');
    while (status.ok()) {
        rocksdb::Slice read;
        status = file->Read(buffer.size(), rocksdb::IOOptions{}, &read, buffer.data(), nullptr);
        if (!status.ok() || read.empty()) {
            break;
        }
        sum.Update(read.data(), read.size());
        bytes += read.size();
    }
    sum.Finalize();
    return status;
}

[[noreturn]] void fail(const std::string& what, const rocksdb::Status& status) {
    throw OpenError{code_of(status), what + ": " + status.ToString()};
}

std::unique_ptr<rocksdb::BackupEngineReadOnly> open_backups(const std::string& directory) {
    rocksdb::BackupEngineReadOnly* engine = nullptr;
    const auto status = rocksdb::BackupEngineReadOnly::Open(
        engine_options(directory), rocksdb::Env::Default(), &engine
    );
    if (!status.ok()) {
        fail("no backups in " + directory, status);
    }
    return std::unique_ptr<rocksdb::BackupEngineReadOnly>{engine};
}

}  // namespace

rocksdb::Status back_up(
    rocksdb::DB& db,
    const BackupOptions& options,
    bool flush,
    const std::function<void()>& listed,
    BackupInfo& made
) {
    auto how = engine_options(options.directory);
    const auto env = write_evenly(*db.GetEnv(), options.bytes_per_s, options.stop, listed);
    how.backup_env = env.get();
    rocksdb::BackupEngine* raw = nullptr;
    rocksdb::Status status = rocksdb::BackupEngine::Open(how, db.GetEnv(), &raw);
    if (!status.ok()) {
        return status;
    }
    const std::unique_ptr<rocksdb::BackupEngine> engine{raw};
    const std::stop_callback give_up{options.stop, [&engine] { engine->StopBackup(); }};
    rocksdb::CreateBackupOptions create;
    create.flush_before_backup = flush;
    rocksdb::BackupID id = 0;
    status = engine->CreateNewBackup(create, &db, &id);
    rocksdb::BackupInfo info;
    if (status.ok()) {
        status = engine->GetBackupInfo(id, &info);
    }
    if (status.ok() && options.keep > 0) {
        status = engine->PurgeOldBackups(options.keep);
    }
    made = describe(info);
    return status;
}

rocksdb::Status verify_tables(rocksdb::DB& db, VerifyReport& report) {
    std::vector<rocksdb::LiveFileMetaData> tables;
    db.GetLiveFilesMetaData(&tables);
    const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    bool all_summed = true;
    for (const auto& table : tables) {
        ++report.files;
        const std::string path = table.db_path + table.name;
        const auto sum = factory->CreateFileChecksumGenerator({});
        std::uint64_t bytes = 0;
        const auto status = checksum_of(*db.GetFileSystem(), path, *sum, bytes);
        report.bytes += bytes;
        std::string problem;
        if (!status.ok()) {
            problem = status.ToString();
        } else if (bytes != table.size) {
            problem = "has " + std::to_string(bytes) + " bytes instead of " +
                      std::to_string(table.size);
        } else if (table.file_checksum_func_name != sum->Name()) {
            all_summed = false;  // Written before tables had checksums.
        } else if (table.file_checksum != sum->GetChecksum()) {
            problem = "its checksum is wrong: the file changed since it was written";
        }
        if (!problem.empty() &&
            !report.add(path + " (" + table.column_family_name + "): " + problem)) {
            break;
        }
    }
    if (all_summed) {
        return rocksdb::Status::OK();
    }
    const auto blocks = db.VerifyChecksum();
    if (blocks.IsCorruption()) {
        report.add(blocks.ToString());
        return rocksdb::Status::OK();
    }
    return blocks;
}

DiskUse use_of(const Database& database) {
    DiskUse out;
    for (auto* const family : database.families) {
        FamilyUse& use = out.families.emplace_back();
        use.name = family->GetName() == rocksdb::kDefaultColumnFamilyName ? "meta"
                                                                          : family->GetName();
        std::uint64_t pending = 0;
        auto& db = *database.db;
        db.GetIntProperty(family, rocksdb::DB::Properties::kEstimateNumKeys, &use.keys);
        db.GetIntProperty(family, rocksdb::DB::Properties::kLiveSstFilesSize, &use.file_bytes);
        db.GetIntProperty(family, rocksdb::DB::Properties::kSizeAllMemTables, &use.memory_bytes);
        db.GetIntProperty(
            family, rocksdb::DB::Properties::kEstimatePendingCompactionBytes, &pending
        );
        out.to_compact_bytes += pending;
    }
    rocksdb::VectorLogPtr logs;
    if (database.db->GetSortedWalFiles(logs).ok()) {
        for (const auto& log : logs) {
            out.log_bytes += log->SizeFileBytes();
        }
    }
    return out;
}

rocksdb::Status compact_all(const Database& database) {
    auto status = database.db->Flush(rocksdb::FlushOptions{}, database.families);
    for (auto* const family : database.families) {
        if (!status.ok()) {
            break;
        }
        status = database.db->CompactRange(
            rocksdb::CompactRangeOptions{}, family, nullptr, nullptr
        );
    }
    return status;
}

}  // namespace weir::storage::detail

namespace weir::storage {

std::vector<BackupInfo> list_backups(const std::string& directory) {
    const auto engine = detail::open_backups(directory);
    std::vector<rocksdb::BackupInfo> infos;
    engine->GetBackupInfo(&infos);
    std::vector<BackupInfo> out;
    for (const auto& info : infos) {
        out.push_back(detail::describe(info));
    }
    return out;
}

BackupInfo restore_backup(
    const std::string& directory, std::uint32_t id, const std::string& data_directory
) {
    const auto engine = detail::open_backups(directory);
    rocksdb::BackupInfo info;
    rocksdb::Status status = id == 0 ? engine->GetLatestBackupInfo(&info) : engine->GetBackupInfo(id, &info);
    if (!status.ok()) {
        detail::fail("no such backup in " + directory, status);
    }
    const detail::DataDirLock lock{data_directory};
    const std::string database = detail::database_path(data_directory);
    if (std::filesystem::exists(database)) {
        throw OpenError{
            errc::io_failed,
            data_directory + " holds data already: restore into another directory, or move " +
                database + " away"
        };
    }
    status = engine->VerifyBackup(info.backup_id, true);
    if (!status.ok()) {
        detail::fail("backup " + std::to_string(info.backup_id) + " is damaged", status);
    }
    status = engine->RestoreDBFromBackup(info.backup_id, database, database);
    if (!status.ok()) {
        std::error_code ec;
        std::filesystem::remove_all(database, ec);  // Half a copy must not be served.
        detail::fail("cannot restore into " + data_directory, status);
    }
    return detail::describe(info);
}

}  // namespace weir::storage
