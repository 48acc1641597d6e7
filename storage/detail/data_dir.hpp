#pragma once

#include <string>

namespace weir::storage::detail {

/// Exclusive use of a data directory, for as long as the object lives or the process does.
/// The kernel drops the lock with the process, however that ends; the pid in the file is for the
/// message only.
class DataDirLock {
public:
    /// Makes the directory (mode 0700) if it is missing. @throws OpenError: locked, naming the pid;
    /// io_failed
    explicit DataDirLock(const std::string& path);
    ~DataDirLock();
    DataDirLock(const DataDirLock&) = delete;
    DataDirLock& operator=(const DataDirLock&) = delete;

private:
    int fd_ = -1;
};

}  // namespace weir::storage::detail
