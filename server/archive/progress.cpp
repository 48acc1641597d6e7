#include <array>

#include <weir/archive/detail/progress.hpp>

namespace weir::archive {

std::string_view name(Activity activity) noexcept {
    constexpr std::array<std::string_view, 5> kNames = {
        "starting", "idle", "gathering", "writing", "backing_off"};
    return kNames[static_cast<std::size_t>(activity)];
}

namespace detail {
namespace {

constexpr std::uint8_t kFirstVersion = 1;
constexpr std::uint8_t kVersionReplaced = 2;  ///< Counts what compaction replaced.
constexpr std::uint16_t kColumnsMax = 1'000;

std::string key_of(std::string_view archive) {
    return "archive/" + std::string{archive};
}

void append_text(Bytes& out, std::string_view text) {
    append_be(out, static_cast<std::uint16_t>(text.size()));
    append(out, text);
}

bool read_text(ByteCursor& in, std::string& text) {
    const auto size = in.read_be<std::uint16_t>();
    const auto bytes = size ? in.read(*size) : std::nullopt;
    text = bytes ? std::string{as_text(*bytes)} : std::string{};
    return bytes.has_value();
}

template <class E>
bool read_enum(ByteCursor& in, E& value, E last) {
    const auto byte = in.read_be<std::uint8_t>();
    if (!byte || *byte > static_cast<std::uint8_t>(last)) {
        return false;
    }
    value = static_cast<E>(*byte);
    return true;
}

bool read_layout(ByteCursor& in, Layout& layout) {
    if (!read_enum(in, layout.format, Format::payload) ||
        !read_enum(in, layout.compression, Compression::zstd)) {
        return false;
    }
    const auto columns = in.read_be<std::uint16_t>();
    if (!columns || *columns > kColumnsMax) {
        return false;
    }
    for (std::uint16_t i = 0; i < *columns; ++i) {
        if (!read_text(in, layout.columns.emplace_back())) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::uint8_t version_of(const Progress& progress) noexcept {
    return progress.counters.replaced == 0 ? kFirstVersion : kVersionReplaced;
}

Bytes encode(const Progress& progress) {
    Bytes out;
    append_text(out, progress.stream);
    const auto& [records, objects, bytes, lost, replaced] = progress.counters;
    const Claim claim = progress.claim.value_or(Claim{});
    for (const std::uint64_t number :
         {progress.next, records, objects, bytes, lost, claim.first, claim.last}) {
        append_be(out, number);
    }
    if (version_of(progress) == kVersionReplaced) {
        append_be(out, replaced);
    }
    if (!progress.claim) {
        return out;
    }
    append_text(out, claim.object);
    append_be(out, static_cast<std::uint8_t>(claim.layout.format));
    append_be(out, static_cast<std::uint8_t>(claim.layout.compression));
    append_be(out, static_cast<std::uint16_t>(claim.layout.columns.size()));
    for (const auto& column : claim.layout.columns) {
        append_text(out, column);
    }
    return out;
}

Result<Progress> decode_progress(std::uint8_t version, ByteView body) {
    if (version > kVersionReplaced) {
        return storage::errc::newer_version;
    }
    ByteCursor in{body};
    Progress progress;
    Claim claim;
    auto& [records, objects, bytes, lost, replaced] = progress.counters;
    if (!read_text(in, progress.stream)) {
        return storage::errc::malformed_record;
    }
    for (std::uint64_t* const number :
         {&progress.next, &records, &objects, &bytes, &lost, &claim.first, &claim.last}) {
        const auto read = in.read_be<std::uint64_t>();
        if (!read) {
            return storage::errc::malformed_record;
        }
        *number = *read;
    }
    if (version == kVersionReplaced) {
        const auto read = in.read_be<std::uint64_t>();
        if (!read) {
            return storage::errc::malformed_record;
        }
        replaced = *read;
    }
    if (claim.first == 0) {
        return progress;
    }
    if (claim.last < claim.first || !read_text(in, claim.object) ||
        !read_layout(in, claim.layout)) {
        return storage::errc::malformed_record;
    }
    progress.claim = std::move(claim);
    return progress;
}

void put_progress(storage::Batch& batch, std::string_view archive, const Progress& progress) {
    batch.put(storage::Family::meta, key_of(archive), version_of(progress), encode(progress));
}

Result<Progress> load_progress(const storage::Store& store, std::string_view archive) {
    WEIR_TRY(const auto value, store.get(storage::Family::meta, key_of(archive)));
    return value ? decode_progress(value->version, value->body) : Progress{};
}

}  // namespace detail
}  // namespace weir::archive
