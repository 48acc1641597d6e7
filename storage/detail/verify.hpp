#pragma once

#include <weir/storage/disk.hpp>
#include <weir/storage/engine.hpp>

namespace weir::storage::detail {

/// Decodes every record. Records may change meanwhile.
void verify_records(const Engine& engine, VerifyReport& report);

}  // namespace weir::storage::detail
