/// How far an archive has come: what it keeps in the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/archive/config.hpp>
#include <weir/archive/status.hpp>
#include <weir/storage/store.hpp>

namespace weir::archive::detail {

/// A batch whose borders, name and form are fixed: whatever happens, it becomes this object.
struct Claim {
    std::uint64_t first = 0;  ///< Offsets, both included.
    std::uint64_t last = 0;
    std::string object = {};
    Layout layout = {};

    friend bool operator==(const Claim&, const Claim&) = default;
};

struct Progress {
    std::string stream = {};  ///< Whose offsets these are.
    std::uint64_t next = 1;   ///< Everything before is in an object, or lost.
    std::optional<Claim> claim = {};
    Counters counters = {};

    friend bool operator==(const Progress&, const Progress&) = default;
};

void put_progress(storage::Batch& batch, std::string_view archive, const Progress& progress);
/// An archive without progress begins at the oldest record.
[[nodiscard]] Result<Progress> load_progress(const storage::Store& store, std::string_view archive);

/// The oldest version that can say it: without compaction older releases read on.
[[nodiscard]] std::uint8_t version_of(const Progress& progress) noexcept;
[[nodiscard]] Bytes encode(const Progress& progress);
/// @errors malformed_record, newer_version
[[nodiscard]] Result<Progress> decode_progress(std::uint8_t version, ByteView body);

}  // namespace weir::archive::detail
