/// Reads the end-to-end properties of a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir::rules::detail {

/// MQTT 5 section 2.2.2.2: those that model::Message keeps.
enum class PropertyId : std::uint8_t {
    payload_format = 0x01,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    user_property = 0x26,
};

struct Property {
    PropertyId id;
    std::uint8_t number = 0;      ///< Of payload_format.
    std::string_view key = {};    ///< Of user_property.
    std::string_view value = {};  ///< Text or binary of the others.
};

class PropertyReader {
public:
    explicit PropertyReader(ByteView properties) noexcept : cursor_{properties} {}

    /// Nothing at the end, or at bytes that are none of these properties.
    [[nodiscard]] std::optional<Property> next() noexcept {
        const auto id = cursor_.read_be<std::uint8_t>();
        if (!id) {
            return std::nullopt;
        }
        Property property{.id = static_cast<PropertyId>(*id)};
        switch (property.id) {
            case PropertyId::payload_format:
                property.number = cursor_.read_be<std::uint8_t>().value_or(0);
                return property;
            case PropertyId::user_property:
                property.key = text();
                [[fallthrough]];
            case PropertyId::content_type:
            case PropertyId::response_topic:
            case PropertyId::correlation_data:
                property.value = text();
                return property;
        }
        return std::nullopt;
    }

private:
    std::string_view text() noexcept {
        const auto size = cursor_.read_be<std::uint16_t>();
        const auto bytes = size ? cursor_.read(*size) : std::nullopt;
        return bytes ? as_text(*bytes) : std::string_view{};
    }

    ByteCursor cursor_;
};

}  // namespace weir::rules::detail
