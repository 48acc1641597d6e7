#include "performative.hpp"

#include <algorithm>

namespace weir::amqp::detail {

Result<void> Performative::read(ByteView body) noexcept {
    ValueReader reader{body, kFrameValuesMax};
    WEIR_TRY(const Value descriptor, reader.read_descriptor());
    WEIR_TRY(const Value list, reader.read());
    if (descriptor.type != Type::ulong || list.type != Type::list) {
        return errc::malformed_value;
    }
    code_ = descriptor.number;
    values_ = kFrameValuesMax - reader.values_left();
    ValueReader fields{list.bytes};
    const std::size_t count = std::min<std::size_t>(list.count, kFields);
    for (std::size_t i = 0; i < count; ++i) {
        WEIR_TRY(fields_[i], fields.read_any());
    }
    return {};
}

const Value* Performative::find(std::size_t index, Type type) const noexcept {
    const Value& value = fields_[index];
    return value.type == type && !value.described ? &value : nullptr;
}

std::optional<std::uint32_t> Performative::uint(std::size_t index) const noexcept {
    const Value* const value = find(index, Type::uint);
    return value == nullptr ? std::nullopt
                            : std::optional{static_cast<std::uint32_t>(value->number)};
}

std::optional<bool> Performative::boolean(std::size_t index) const noexcept {
    const Value* const value = find(index, Type::boolean);
    return value == nullptr ? std::nullopt : std::optional{value->number != 0};
}

bool Performative::is_string(std::size_t index) const noexcept {
    return find(index, Type::string) != nullptr;
}

std::optional<ByteView> Performative::binary(std::size_t index) const noexcept {
    const Value* const value = find(index, Type::binary);
    return value == nullptr ? std::nullopt : std::optional{value->bytes};
}

Error error_of(const error_code& error) noexcept {
    return {
        condition_of(error),
        error == errc::too_many_elements ? "a frame has too many values"
        : error == errc::too_deep        ? "the values of a frame are nested too deeply"
                                         : "a frame cannot be decoded",
    };
}

}  // namespace weir::amqp::detail
