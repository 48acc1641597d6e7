#include "performative.hpp"

#include <algorithm>

namespace weir::amqp::detail {

bool Performative::read(ByteView body) noexcept {
    ValueReader reader{body};
    const auto descriptor = reader.read_descriptor();
    if (!descriptor || descriptor->type != Type::ulong) {
        return false;
    }
    const auto list = reader.read();
    if (!list || list->type != Type::list) {
        return false;
    }
    code_ = descriptor->number;
    ValueReader fields{list->bytes};
    const std::size_t count = std::min<std::size_t>(list->count, kFields);
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = fields.read_any();
        if (!value) {
            return false;
        }
        fields_[i] = *value;
    }
    return true;
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

}  // namespace weir::amqp::detail
