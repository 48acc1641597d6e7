#pragma once

#include <memory>

#include <weir/storage/engine.hpp>

namespace rocksdb {
class Env;
}

namespace weir::storage::detail {

/// Takes the directory's lock, then opens or makes the database in it. `env` is for tests that
/// inject faults below RocksDB; it outlives the engine. @throws OpenError
[[nodiscard]] std::unique_ptr<Engine> open_rocks_engine(
    const StoreOptions& options, rocksdb::Env* env = nullptr
);

/// As above, but changes nothing and makes nothing. @throws OpenError
[[nodiscard]] std::unique_ptr<Engine> open_rocks_engine_read_only(
    const std::string& data_directory, rocksdb::Env* env = nullptr
);

}  // namespace weir::storage::detail
