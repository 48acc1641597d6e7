#include "rule_message.hpp"

#include <algorithm>
#include <limits>

namespace weir::cli {

void RuleMessage::set_payload(std::string_view bytes) {
    padded_.assign(bytes);
    padded_.append(model::Message::kSpareBytes, '\0');
}

void RuleMessage::add_payload_format(bool is_text) {
    properties_.push_back(0x01);
    properties_.push_back(is_text ? 1 : 0);
}

bool RuleMessage::add(Byte property, std::initializer_list<std::string_view> texts) {
    constexpr std::size_t kBytesMax = std::numeric_limits<std::uint16_t>::max();
    if (std::ranges::any_of(texts, [](auto text) { return text.size() > kBytesMax; })) {
        return false;
    }
    properties_.push_back(property);
    for (const auto text : texts) {
        append_be(properties_, static_cast<std::uint16_t>(text.size()));
        append(properties_, text);
    }
    return true;
}

std::string_view RuleMessage::payload() const noexcept {
    return std::string_view{padded_}.substr(0, padded_.size() - model::Message::kSpareBytes);
}

rules::Input RuleMessage::input() const noexcept {
    return {
        .topic = topic,
        .payload = as_bytes(payload()),
        .client_id = client_id,
        .principal = &principal,
        .qos = qos,
        .timestamp_ms = now_ms,
        .source_ip = source_ip,
        .trace_id = trace_id,
        .properties = properties_,
        .protocol = protocol,
    };
}

}  // namespace weir::cli
