/// The schema for readers: help on one key, a JSON Schema for editors, the reference page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/app_config/config_schema.hpp>

namespace weir::app {

/// What `weir explain` prints for a key ("listeners.tls.cert", "sinks.url", "policies.allow"), an
/// error code ("WEIR-0102"), a reason ("publish_denied") or a kind of file ("weir.yaml",
/// "policies", "rules", "sinks", "pricing"). Nothing if the topic is not known.
[[nodiscard]] std::optional<std::string> explain(std::string_view topic);
/// As explain() knows the key: "listeners.tls.cert", "sinks.url".
[[nodiscard]] std::string topic_of(FileKind kind, std::string_view path);
/// Everything that explain() knows.
[[nodiscard]] std::vector<std::string> topics();
/// What somebody may have meant who asked for an unknown topic: the keys of that name wherever they
/// stand, else the nearest topic. None for a code, whose neighbour is about something else.
[[nodiscard]] std::vector<std::string> topics_like(std::string_view topic);

/// Draft 2020-12, for the completion and hover texts of editors. It accepts every file that
/// load_config accepts; it does not see contradictions between keys.
[[nodiscard]] std::string json_schema(FileKind kind);

/// docs/configuration.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace weir::app
