// The data on disk: how much there is, backups, checks.
#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include <weir/app/gateway.hpp>

#include "json.hpp"
#include "parts.hpp"

namespace weir::app::api {
namespace {

using admin::ApiError;
using admin::Call;

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

http::Response back_up(Gateway& gateway, const Call& call) {
    auto& store = gateway.store();
    Members members{call};
    storage::BackupOptions options{.directory = members.need_text("directory")};
    options.keep =
        static_cast<std::uint32_t>(std::min(members.take_number("keep", 0), kKeepMax));
    options.bytes_per_s = members.take_number(
        "bytes_per_s", gateway.configuration()->config.storage.backup_rate
    );
    members.expect_no_more();
    if (!std::filesystem::path{options.directory}.is_absolute()) {
        throw ApiError{400, "bad_directory", "the directory of the backups must be absolute"};
    }
    auto outcome = store.backup(options);
    if (outcome.has_error() && outcome.error() == make_error_code(storage::errc::busy)) {
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(
            store.backup_under_way().value_or(std::chrono::milliseconds{0})
        );
        throw ApiError{
            409,
            "backup_under_way",
            fmt::format("another backup has been under way for {} s", since.count())
        };
    }
    const auto made = value_of(store, std::move(outcome), "the backup failed");
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
    routes.add("POST", "/v1/storage/backup", [&gateway](const Call& call) {
        return back_up(gateway, call);
    });
    routes.add("POST", "/v1/storage/verify", [&store](const Call&) { return verify(store); });
}

}  // namespace weir::app::api
