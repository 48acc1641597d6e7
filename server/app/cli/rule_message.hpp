/// A message made up on the command line, for rules to be evaluated with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <weir/rules/input.hpp>

namespace weir::cli {

/// Owns everything that the views of an Input point to.
class RuleMessage {
public:
    RuleMessage() { set_payload({}); }

    void set_payload(std::string_view bytes);
    /// Properties of MQTT 5; @return false: longer than its 65,535 bytes.
    [[nodiscard]] bool add_content_type(std::string_view text) { return add(0x03, {text}); }
    [[nodiscard]] bool add_response_topic(std::string_view text) { return add(0x08, {text}); }
    [[nodiscard]] bool add_correlation_data(std::string_view bytes) { return add(0x09, {bytes}); }
    [[nodiscard]] bool add_user_property(std::string_view key, std::string_view value) {
        return add(0x26, {key, value});
    }
    void add_payload_format(bool is_text);
    /// All of them, encoded as model::Message has them.
    void set_properties(Bytes encoded) { properties_ = std::move(encoded); }

    [[nodiscard]] std::string_view payload() const noexcept;
    /// Valid until the message changes or is moved.
    [[nodiscard]] rules::Input input() const noexcept;

    std::string topic;
    std::string client_id;
    std::string trace_id = "00000000-0000-0000-0000-000000000000";  ///< A gateway makes one for each message.
    std::string source_ip;
    model::Principal principal;
    model::Qos qos = model::Qos::at_most_once;
    model::Protocol protocol = model::Protocol::mqtt;
    std::int64_t now_ms = 0;

private:
    [[nodiscard]] bool add(Byte property, std::initializer_list<std::string_view> texts);

    std::string padded_;  ///< The payload and the bytes behind it that parsers may read.
    Bytes properties_;
};

}  // namespace weir::cli
