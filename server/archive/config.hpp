/// What the operator says about an archive: a sink that reads a stream and writes objects.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/archive/target.hpp>

namespace weir::archive {

enum class Format : std::uint8_t {
    json,     ///< A JSON object per line: offset, time, topic, device, payload; or the columns.
    csv,      ///< RFC 4180: a header, then a line per record.
    payload,  ///< The payload alone, per line.
};

enum class Compression : std::uint8_t { none, gzip, zstd };

/// What is in an object. Stored with a batch, so that one that was begun is finished as it was.
struct Layout {
    Format format = Format::json;
    /// Of a record: offset, time, topic, device, payload, encoding. `payload.a.b` is a member of a
    /// payload that is JSON, and its column is called `b`. Needed for csv; empty for the others:
    /// everything.
    std::vector<std::string> columns = {};
    Compression compression = Compression::none;

    friend bool operator==(const Layout&, const Layout&) = default;
};

/// ".jsonl", ".csv.gz", ...
[[nodiscard]] std::string ending_of(const Layout& layout);
/// For Content-Type.
[[nodiscard]] std::string_view media_type_of(const Layout& layout) noexcept;
/// The name of a column in headers and objects: its last part.
[[nodiscard]] std::string_view title_of(std::string_view column) noexcept;

/// The first limit that is reached closes a batch.
struct BatchLimits {
    std::uint64_t records = 10'000;             ///< 1..1'000'000.
    std::uint64_t bytes = 8 * 1024 * 1024;      ///< Of topics and payloads, at most 64 MiB.
    std::chrono::milliseconds age{5 * 60'000};  ///< Of its oldest record; at least 1 s.
};

/// Waits between attempts: from min, doubled each time, to max; each shortened by up to a half.
struct RetryPauses {
    std::chrono::milliseconds min{1'000};
    std::chrono::milliseconds max{60'000};
};

struct ArchiveConfig {
    std::string name = {};    ///< Of the sink; at most 64 bytes.
    std::string stream = {};  ///< That is read.
    /// See object_name.hpp; without ending.
    std::string object = "{stream}/{date}/{first}-{last}";
    Layout layout = {};
    BatchLimits batch = {};
    RetryPauses retry = {};
    std::shared_ptr<Target> target = {};
};

/// What is wrong with the columns of a layout, for people; empty if nothing is.
[[nodiscard]] std::string check(const Layout& layout);

}  // namespace weir::archive
