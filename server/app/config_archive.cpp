#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/config_schema.hpp>
#include <weir/app_config/detail/config_parts.hpp>
#include <weir/archive/object_name.hpp>

namespace weir::app::detail {
namespace {

using document::Diagnostics;
using Path = std::filesystem::path;

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kFormatNames = {"json", "csv", "payload"};
constexpr std::array<std::string_view, 3> kCompressionNames = {"none", "gzip", "zstd"};

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kSecond = 1'000;
constexpr std::uint64_t kDay = 24 * 3'600 * kSecond;

// clang-format off
/// What both kinds have. `type` is their own.
void append_common(std::vector<Key>& keys) {
    using enum Type;
    const std::vector<Key> common = {
        {.path = "stream", .type = name, .required = true, .help = "The stream that is read, from its oldest record on."},
        {.path = "object", .type = text, .fallback = "{stream}/{date}/{first}-{last}", .max = 512, .help = "Name of an object without its ending; {sink}, {stream}, {date}, {year}, {month}, {day} and {hour} (of the first record, UTC), {first} and {last} (offsets) are filled in. {first} is needed."},
        {.path = "format", .type = word, .fallback = "json", .words = {"json", "csv", "payload"}, .help = "json: an object per line, with offset, time, topic, device and payload, or the columns; csv: RFC 4180, a header first; payload: the payload alone per line."},
        {.path = "columns", .type = texts, .max = 100, .help = "What of a record is written: offset, time, topic, device, payload, encoding (base64 where the payload is no JSON), and payload.a.b for a member of it."},
        {.path = "compression", .type = word, .fallback = "gzip", .words = {"none", "gzip", "zstd"}, .help = "Of objects; their names end in .gz or .zst."},
        {.path = "batch", .type = mapping, .help = "An object is written when the first bound is reached."},
        {.path = "batch.records", .type = integer, .fallback = "10000", .min = 1, .max = 1'000'000, .help = "Records of an object."},
        {.path = "batch.bytes", .type = size, .fallback = "8MiB", .min = kKiB, .max = 64 * kMiB, .help = "Bytes of their topics and payloads, before compression. A larger record is an object of its own."},
        {.path = "batch.age", .type = duration, .fallback = "5m", .min = kSecond, .max = kDay, .help = "Age of the oldest record at which it is written."},
    };
    keys.insert(keys.end(), common.begin(), common.end());
}
// clang-format on

/// A bucket's name: a label of a host name, or several.
bool is_bucket(std::string_view text) {
    return text.size() >= 3 && text.size() <= 63 && text.find("..") == std::string_view::npos &&
           text.front() != '.' && text.back() != '.' && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

bool is_region(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

std::optional<Secret> secret_of(const Section& section, std::string_view key) {
    const auto* const secret = section.find<Secret>(key);
    return secret == nullptr ? std::nullopt : std::optional{*secret};
}

BucketConfig make_bucket(const Section& section, Diagnostics& diagnostics) {
    BucketConfig bucket{
        .endpoint = section.get<std::string>("endpoint"),
        .region = section.get<std::string>("region"),
        .bucket = section.get<std::string>("bucket"),
        .virtual_host = section.get<std::string>("addressing") == "virtual_host",
        .access_key = section.get<Secret>("auth.access_key"),
        .secret_key = section.get<Secret>("auth.secret_key"),
        .session_token = secret_of(section, "auth.session_token"),
        .ca = {},
        .ca_place = section.place("ca"),
        .timeout = section.get<std::chrono::milliseconds>("timeout"),
    };
    if (const auto* const ca = section.find<Path>("ca")) {
        bucket.ca = *ca;
    }
    const auto complain = [&](std::string_view key, std::string message, std::string help) {
        report(
            diagnostics, section.place(key), code::kBadName, std::move(message), std::move(help)
        );
    };
    if (!bucket.bucket.empty() && !is_bucket(bucket.bucket)) {
        complain(
            "bucket",
            fmt::format("'{}' is not the name of a bucket", bucket.bucket),
            "3 to 63 lower-case letters, digits, '-' and '.'"
        );
    }
    if (!is_region(bucket.region)) {
        complain(
            "region",
            fmt::format("'{}' is not the name of a region", bucket.region),
            "lower-case letters, digits and '-', such as eu-central-1"
        );
    }
    const auto scheme = bucket.endpoint.find("://");
    if (scheme != std::string::npos &&
        bucket.endpoint.find_first_of("/?#", scheme + 3) != std::string::npos) {
        report(
            diagnostics,
            section.place("endpoint"),
            code::kBadUrl,
            "an endpoint is a scheme, a host and perhaps a port",
            "what stands behind the host belongs into 'object'"
        );
    }
    return bucket;
}

}  // namespace

std::vector<Key> file_sink_schema() {
    using enum Type;
    // clang-format off
    std::vector<Key> keys = {
        {.path = "sink", .type = name, .required = true, .help = "Its name."},
        {.path = "type", .type = word, .words = {"file"}, .required = true, .help = "Objects are files."},
        {.path = "path", .type = path, .required = true, .help = "Folder that the files are written to; it has to be there."},
    };
    // clang-format on
    append_common(keys);
    return keys;
}

std::vector<Key> s3_sink_schema() {
    using enum Type;
    // clang-format off
    std::vector<Key> keys = {
        {.path = "sink", .type = name, .required = true, .help = "Its name."},
        {.path = "type", .type = word, .words = {"s3"}, .required = true, .help = "Objects go to a server that speaks the protocol of S3."},
        {.path = "endpoint", .type = url, .help = "Scheme, host and port of the server; without it https://s3.REGION.amazonaws.com."},
        {.path = "region", .type = text, .fallback = "us-east-1", .max = 64, .help = "Region that requests are signed for."},
        {.path = "bucket", .type = text, .max = 63, .required = true, .help = "Bucket that the objects go to; it has to be there."},
        {.path = "addressing", .type = word, .fallback = "path", .words = {"path", "virtual_host"}, .help = "Whether the bucket stands in the path or in front of the host."},
        {.path = "auth", .type = mapping, .required = true, .help = "Keys that requests are signed with (Signature Version 4)."},
        {.path = "auth.access_key", .type = secret, .required = true, .help = "Id of the key."},
        {.path = "auth.secret_key", .type = secret, .required = true, .help = "The key."},
        {.path = "auth.session_token", .type = secret, .help = "Token of temporary keys."},
        {.path = "ca", .type = path, .help = "CA certificates (PEM) that the server's certificate is checked against, instead of the system's."},
        {.path = "timeout", .type = duration, .fallback = "60s", .min = 100, .max = 600 * kSecond, .help = "Of one attempt to write an object."},
    };
    // clang-format on
    append_common(keys);
    return keys;
}

ArchiveConfig make_archive(FileKind kind, const Section& section, Diagnostics& diagnostics) {
    ArchiveConfig config{
        .name = section.get<std::string>("sink"),
        .stream = section.get<std::string>("stream"),
        .object = section.get<std::string>("object"),
        .layout =
            {.format =
                 enumerator<archive::Format>(kFormatNames, section.get<std::string>("format")),
             .columns = section.get<std::vector<std::string>>("columns"),
             .compression = enumerator<archive::Compression>(
                 kCompressionNames, section.get<std::string>("compression")
             )},
        .batch =
            {.records = section.get<std::uint64_t>("batch.records"),
             .bytes = section.get<std::uint64_t>("batch.bytes"),
             .age = section.get<std::chrono::milliseconds>("batch.age")},
        .target = {},
        .place = section.place("sink"),
        .stream_place = section.place("stream"),
        .object_place = section.place("object"),
    };
    if (kind == FileKind::file_sink) {
        config.target = FolderConfig{section.get<Path>("path")};
    } else {
        config.target = make_bucket(section, diagnostics);
    }
    if (const auto problem = archive::check_object_name(config.object); !problem.empty()) {
        report(diagnostics, section.place("object"), code::kBadName, "object: " + problem);
    }
    if (const auto problem = archive::check(config.layout); !problem.empty()) {
        const auto* const key = section.has("columns") ? "columns" : "format";
        report(diagnostics, section.place(key), code::kContradiction, problem);
    }
    return config;
}

void check_archives(
    const std::vector<ArchiveConfig>& archives, document::Diagnostics& diagnostics
) {
    for (const auto& archive : archives) {
        const auto is_twin = [&](const ArchiveConfig& other) {
            const auto* const here = std::get_if<FolderConfig>(&archive.target);
            const auto* const there = std::get_if<FolderConfig>(&other.target);
            return here != nullptr && there != nullptr && here->path == there->path &&
                   archive.object == other.object && archive.stream == other.stream &&
                   archive.object.find("{sink}") == std::string::npos &&
                   archive::ending_of(archive.layout) == archive::ending_of(other.layout);
        };
        const auto twin = std::ranges::find_if(archives, is_twin);
        if (twin != archives.end() && &*twin != &archive) {
            report(
                diagnostics,
                archive.object_place,
                code::kContradiction,
                fmt::format("'{}' and '{}' write files of one name", twin->name, archive.name),
                "put {sink} into 'object'"
            );
        }
    }
}

}  // namespace weir::app::detail
