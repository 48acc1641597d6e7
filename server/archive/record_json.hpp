/// Stored messages as lines of JSON.
#pragma once

#include <optional>
#include <string>

#include <weir/storage/store.hpp>

namespace weir::archive {

/// {"offset","time","topic","device","payload"} on one line. A payload that is JSON is put in as it
/// came, without its blanks: no digit is lost. Any other is text in base64, with "encoding" before
/// it.
[[nodiscard]] std::string to_json_line(const storage::StreamEntry& entry);

/// A payload that is JSON, without its blanks; nothing if it is none.
[[nodiscard]] std::optional<std::string> json_text(ByteView payload);

/// `"payload":...`, or `"encoding":"base64","payload":"..."`.
[[nodiscard]] std::string payload_members(ByteView payload);

}  // namespace weir::archive
