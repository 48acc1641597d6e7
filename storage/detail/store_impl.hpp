#pragma once

#include <memory>
#include <mutex>

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
    std::mutex backup_mutex;  ///< Backups to one directory must not meet.
    detail::ReadThread reads;  ///< Last: what it reads outlives it.
};

}  // namespace weir::storage
