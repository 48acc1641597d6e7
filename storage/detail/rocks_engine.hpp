#pragma once

#include <memory>

#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Takes the directory's lock, then opens or makes the database in it. @throws OpenError
[[nodiscard]] std::unique_ptr<Engine> open_rocks_engine(const StoreOptions& options);

}  // namespace weir::storage::detail
