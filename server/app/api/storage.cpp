// The data on disk: how much there is, backups, checks.
#include <filesystem>

#include <fmt/format.h>

#include <weir/app/gateway.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

/// As storage.backup.rate unless told otherwise: beside it acknowledgements take at most twice as long.
constexpr std::uint64_t kBackupRate = 64UL * 1024 * 1024;
constexpr std::uint64_t kKeepMax = 10'000;

/// @param what  For the error; empty: it says enough itself.
template <class T>
T value_of(storage::Store& store, Result<T> result, std::string_view what = {}) {
    if (result) {
        return std::move(*result);
    }
    if (result.error() == make_error_code(storage::errc::not_on_disk)) {
        throw ApiError{409, "not_on_disk", "this gateway keeps its data in memory only"};
    }
    throw ApiError{
        503, "storage_failed", fmt::format(
            "{}: {}", what.empty() ? result.error().message() : what, store.last_error()
        )
    };
}

http::Response use(storage::Store& store) {
    const auto use = value_of(store, store.disk_use());
    json::array families;
    for (const auto& family : use.families) {
        families.push_back(
            {{"name", family.name},
             {"keys", family.keys},
             {"file_bytes", family.file_bytes},
             {"memory_bytes", family.memory_bytes}}
        );
    }
    return reply(
        {{"families", std::move(families)},
         {"areas", area_rows(store.budgets())},
         {"log_bytes", use.log_bytes},
         {"to_compact_bytes", use.to_compact_bytes}}
    );
}

http::Response compact(storage::Store& store) {
    if (const auto done = store.compact(); !done) {
        static_cast<void>(value_of(store, Result<int>{done.error()}));
    }
    return use(store);
}

http::Response back_up(storage::Store& store, const Call& call) {
    Members members{call};
    storage::BackupOptions options{.directory = members.need_text("directory")};
    options.keep =
        static_cast<std::uint32_t>(std::min(members.take_number("keep", 0), kKeepMax));
    options.bytes_per_s = members.take_number("bytes_per_s", kBackupRate);
    members.expect_no_more();
    if (!std::filesystem::path{options.directory}.is_absolute()) {
        throw ApiError{400, "bad_directory", "the directory of the backups must be absolute"};
    }
    const auto made = value_of(store, store.backup(options), "the backup failed");
    return reply(
        {{"id", made.id}, {"time_ms", made.time_ms}, {"bytes", made.bytes}, {"files", made.files}}
    );
}

http::Response verify(storage::Store& store) {
    const auto report = value_of(store, store.verify());
    return reply(
        {{"files", report.files},
         {"bytes", report.bytes},
         {"records", report.records},
         {"problems", json::array(report.problems.begin(), report.problems.end())}}
    );
}

}  // namespace

void add_storage(admin::Routes& routes, Gateway& gateway) {
    auto& store = gateway.store();
    routes.add("GET", "/v1/storage", [&store](const Call&) { return use(store); });
    routes.add("POST", "/v1/storage/compact", [&store](const Call&) { return compact(store); });
    routes.add("POST", "/v1/storage/backup", [&store](const Call& call) {
        return back_up(store, call);
    });
    routes.add("POST", "/v1/storage/verify", [&store](const Call&) { return verify(store); });
}

}  // namespace weir::app::api
