/// From sections of values to the structs of the configuration; the checks that look at more than
/// one key.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include <weir/app_config/config.hpp>

namespace weir::app::detail {

/// The enumerator whose name `text` is; `names` are in the order of the enumerators. The first one
/// for other texts: then there was an error.
template <class E, std::size_t N>
[[nodiscard]] E enumerator(const std::array<std::string_view, N>& names, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == text) {
            return static_cast<E>(i);
        }
    }
    return E{};
}

/// Nothing if the key is not set.
template <class T>
[[nodiscard]] std::optional<T> optional_of(const Section& section, std::string_view path) {
    const auto* value = section.find<T>(path);
    return value == nullptr ? std::nullopt : std::optional<T>{*value};
}

/// Everything of weir.yaml itself.
void fill_gateway(Config& config, const Section& section, document::Diagnostics& diagnostics);
[[nodiscard]] ListenerConfig make_listener(
    const Section& section, const model::Limits& gateway, document::Diagnostics& diagnostics
);
[[nodiscard]] SinkConfig make_sink(const Section& section, document::Diagnostics& diagnostics);
[[nodiscard]] StreamConfig make_stream(const Section& section);
/// @param kind  file_sink or s3_sink.
[[nodiscard]] ArchiveConfig make_archive(
    FileKind kind, const Section& section, document::Diagnostics& diagnostics
);
/// No two archives write files of one name.
void check_archives(
    const std::vector<ArchiveConfig>& archives, document::Diagnostics& diagnostics
);
[[nodiscard]] std::vector<Key> file_sink_schema();
[[nodiscard]] std::vector<Key> s3_sink_schema();

/// Replaces the limits that `section` has under `prefix` ("limits.").
void apply_limits(
    model::Limits& limits,
    const Section& section,
    std::string_view prefix,
    document::Diagnostics& diagnostics
);

}  // namespace weir::app::detail
