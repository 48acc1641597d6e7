/// Small conversions between Proton's C types and ours.
#pragma once

#include <proton/condition.h>
#include <proton/types.h>

#include <string>
#include <string_view>

#include <weir/amqp/events.hpp>
#include <weir/base/bytes.hpp>

namespace weir::amqp::detail {

/// Proton gives null for absent texts.
[[nodiscard]] inline std::string_view text_of(const char* text) noexcept {
    return text == nullptr ? std::string_view{} : std::string_view{text};
}

[[nodiscard]] inline std::string_view text_of(pn_bytes_t bytes) noexcept {
    return {bytes.start, bytes.size};
}

[[nodiscard]] inline pn_bytes_t pn_text(std::string_view text) noexcept {
    return pn_bytes(text.size(), text.data());
}

[[nodiscard]] inline const char* as_chars(ByteView bytes) noexcept {
    return reinterpret_cast<const char*>(bytes.data());
}

[[nodiscard]] inline Error error_of(pn_condition_t* condition) noexcept {
    return {
        .condition = text_of(pn_condition_get_name(condition)),
        .text = text_of(pn_condition_get_description(condition)),
    };
}

inline void set_condition(pn_condition_t* condition, Error error) {
    if (!error.condition.empty()) {
        pn_condition_set_name(condition, std::string{error.condition}.c_str());
        pn_condition_set_description(condition, std::string{error.text}.c_str());
    }
}

}  // namespace weir::amqp::detail
