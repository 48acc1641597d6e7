/// Stored messages as lines of JSON.
#pragma once

#include <string>

#include <weir/storage/store.hpp>

namespace weir::app::api {

/// {"offset","time","topic","device","payload"} on one line. A payload that is JSON is put in as it
/// came, without its blanks: no digit is lost. Any other is text in base64, with "encoding" before
/// it.
[[nodiscard]] std::string to_json_line(const storage::StreamEntry& entry);

/// `"payload":...`, or `"encoding":"base64","payload":"..."`.
[[nodiscard]] std::string payload_members(ByteView payload);

}  // namespace weir::app::api
