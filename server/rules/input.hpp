/// What a rule sees of a message.
#pragma once

#include <cstdint>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/model/message.hpp>
#include <weir/model/principal.hpp>

namespace weir::rules {

/// All views must live while the evaluation runs. Empty texts are absent: their functions give
/// Undefined.
struct Input {
    std::string_view topic = {};
    /// Followed by Message::kSpareBytes zero bytes, as model::Message has it.
    ByteView payload = {};
    std::string_view client_id = {};              ///< Of an MQTT publisher.
    const model::Principal* principal = nullptr;  ///< Null: not published by a device.
    model::Qos qos = model::Qos::at_most_once;
    std::int64_t timestamp_ms = 0;  ///< The clock of timestamp(), since 1970.
    std::string_view source_ip = {};
    std::string_view trace_id = {};
    /// End-to-end properties as model::Message has them.
    ByteView properties = {};
    model::Protocol protocol = model::Protocol::mqtt;
};

}  // namespace weir::rules
