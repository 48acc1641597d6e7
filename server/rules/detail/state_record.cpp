#include <weir/rules/detail/state_record.hpp>

#include <weir/rules/state.hpp>

namespace weir::rules::detail {
namespace {

constexpr char kNull = 'n';
constexpr char kTrue = 't';
constexpr char kFalse = 'f';
constexpr char kInteger = 'i';
constexpr char kDecimal = 'd';
constexpr char kString = 's';
constexpr char kJson = 'j';  // An array or object.

[[nodiscard]] std::optional<char> letter_of(const Value& value) noexcept {
    switch (value.type()) {
        case Type::null:
            return kNull;
        case Type::boolean:
            return value.as_boolean() ? kTrue : kFalse;
        case Type::integer:
            return kInteger;
        case Type::decimal:
            return kDecimal;
        case Type::string:
            return kString;
        case Type::array:
        case Type::object:
            return kJson;
        case Type::undefined:
        case Type::binary:
            break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<StateSlot> take_slot(ByteView& record) noexcept {
    constexpr std::size_t kHeader = 12;
    if (record.size() < kHeader) {
        return std::nullopt;
    }
    const auto id = load_be<std::uint64_t>(record.data());
    const std::size_t size = load_be<std::uint32_t>(record.data() + 8);
    if (size > record.size() - kHeader) {
        return std::nullopt;
    }
    const StateSlot slot{id, as_text(record.subspan(kHeader, size))};
    record = record.subspan(kHeader + size);
    return slot;
}

std::optional<std::string_view> find_slot(ByteView record, std::uint64_t id) noexcept {
    while (const auto slot = take_slot(record)) {
        if (slot->id == id) {
            return slot->value;
        }
    }
    return std::nullopt;
}

void append_slot(std::string& record, const StateSlot& slot) {
    for (unsigned shift = 64; shift > 0; shift -= 8) {
        record.push_back(static_cast<char>(slot.id >> (shift - 8) & 0xFFU));
    }
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        record.push_back(static_cast<char>(slot.value.size() >> (shift - 8) & 0xFFU));
    }
    record += slot.value;
}

bool write_value(std::string& out, const Value& value, Context& context) {
    const auto letter = letter_of(value);
    if (!letter) {
        return false;
    }
    std::string_view text;
    if (*letter != kNull && !value.is(Type::boolean)) {
        const auto written = context.to_text(value);
        if (!written || written->size() >= kStateValueBytesMax ||
            !context.budget().spend_bytes(written->size())) {
            return false;
        }
        text = *written;
    }
    out.push_back(*letter);
    out += text;
    return true;
}

Value read_value(std::string_view value, Context& context) {
    if (value.empty()) {
        return {};
    }
    const auto text = value.substr(1);
    switch (value.front()) {
        case kNull:
            return Value::null();
        case kTrue:
        case kFalse:
            return Value::boolean(value.front() == kTrue);
        case kInteger:
        case kDecimal: {
            const auto number = parse_decimal(text, true);
            const Type type = value.front() == kInteger ? Type::integer : Type::decimal;
            return number ? Value::number(*number, type) : Value{};
        }
        case kString:
            return Value::string(text);
        case kJson:
            return context.parse_json(text);
        default:
            return {};
    }
}

}  // namespace weir::rules::detail
