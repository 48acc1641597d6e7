#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <weir/storage/detail/group_commit.hpp>
#include <weir/storage/detail/read_thread.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage {

struct Store::Impl {
    Impl(std::unique_ptr<Engine> store_engine, const StoreOptions& options);

    std::unique_ptr<Engine> engine;
    detail::Catalog catalog;
    detail::Writer writer;
    std::unique_ptr<detail::GroupCommit> commits;
    /// When the backup under way began, as the steady clock counts; 0: none is. Backups to one directory must not meet.
    std::atomic<std::int64_t> backup_began{0};
    detail::ReadThread reads;  ///< Last: what it reads outlives it.
};

}  // namespace weir::storage
