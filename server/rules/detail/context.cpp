#include <weir/rules/detail/context.hpp>

#include <cstring>

#include <weir/rules/detail/containers.hpp>
#include <weir/rules/detail/json_writer.hpp>
#include <weir/rules/detail/state_record.hpp>

namespace weir::rules::detail {

Context::Context() = default;

void Context::begin_message(const Input& input) noexcept {
    input_ = &input;
    payload_.release_excess();
    parsed_.resize(std::min(parsed_.size(), kParsedKept));
    parsed_used_ = 0;
    payload_state_ = PayloadState::unread;
    record_.reset();
}

void Context::begin_evaluation(Profile profile) noexcept {
    profile_ = profile;
    budget_.reset(input_ != nullptr ? input_->payload.size() : 0);
    arena_.release();
    parsed_used_ = 0;
}

Value Context::payload() noexcept {
    if (payload_state_ == PayloadState::unread) {
        payload_state_ =
            payload_.parse(input_->payload) ? PayloadState::json : PayloadState::binary;
    }
    if (payload_state_ == PayloadState::json) {
        return payload_.at(Json::kRoot);
    }
    const bool is_object = input_->payload.empty() && profile_ != Profile::native;
    return is_object ? Value::object({}) : Value::binary(input_->payload);
}

Value Context::parse_json(std::string_view text) {
    constexpr std::size_t kStepsToParse = 8;
    if (!budget_.spend(kStepsToParse) || !budget_.spend_bytes(text.size() * 2)) {
        return {};
    }
    auto* padded =
        static_cast<char*>(arena_.allocate(text.size() + model::Message::kSpareBytes, 1));
    std::ranges::copy(text, padded);
    std::memset(padded + text.size(), 0, model::Message::kSpareBytes);
    if (parsed_used_ == parsed_.size()) {
        parsed_.push_back(std::make_unique<Json>());
    }
    Json& json = *parsed_[parsed_used_++];
    return json.parse(as_bytes({padded, text.size()})) ? json.at(Json::kRoot) : Value{};
}

Value Context::remembered(std::uint64_t slot) {
    const auto value = record_ ? find_slot(*record_, slot) : std::nullopt;
    return value ? read_value(*value, *this) : Value{};
}

std::string_view Context::store(std::string_view text) {
    if (text.empty()) {
        return "";
    }
    auto* copy = static_cast<char*>(arena_.allocate(text.size(), 1));
    std::ranges::copy(text, copy);
    return {copy, text.size()};
}

std::span<Value> Context::values(std::size_t count) {
    auto* first = static_cast<Value*>(arena_.allocate(count * sizeof(Value), alignof(Value)));
    std::uninitialized_default_construct_n(first, count);
    return {first, count};
}

std::span<Member> Context::members(std::size_t count) {
    auto* first = static_cast<Member*>(arena_.allocate(count * sizeof(Member), alignof(Member)));
    std::uninitialized_default_construct_n(first, count);
    return {first, count};
}

std::optional<Decimal> Context::remainder(const Decimal& a, const Decimal& b) noexcept {
    constexpr int kExponentsPerStep = 64;
    const int apart = std::max(0, a.exponent - b.exponent);
    return budget_.spend(static_cast<std::size_t>(apart / kExponentsPerStep)) ? rules::remainder(a, b)
                                                                             : std::nullopt;
}

Value Context::number(const std::optional<Decimal>& value, Type type) const noexcept {
    if (!value) {
        return {};
    }
    const Decimal stripped = strip(*value);
    if (stripped.exponent == 0 && (type == Type::integer || profile_ != Profile::aws_2015)) {
        return Value::number(stripped, Type::integer);
    }
    if (stripped.exponent == 0 && is_whole(stripped)) {
        // aws_2015 shows that it is a Decimal: 10.0.
        const auto shown = multiply(stripped, {10, -1});
        return Value::number(shown.value_or(stripped), Type::decimal);
    }
    return Value::number(stripped, Type::decimal);
}

Value Context::found(const Value& value) noexcept {
    if (profile_ != Profile::aws_2016 || !value.is(Type::decimal)) {
        return value;
    }
    return number(to_number(value), Type::decimal);
}

bool Context::spend_on_members(const Value& object) noexcept {
    // Nobody counts the members; there are no more than either bound says.
    constexpr std::size_t kBytesPerStep = 1024;
    if (!object.is(Type::object)) {
        return false;
    }
    const Json* json = object.document();
    return budget_.spend(
        json != nullptr ? std::min(
                              json->raw(object.node()).size() / kBytesPerStep,
                              json->count(object.node()) / 2 / kChildrenPerStep
                          )
                        : object.members().size() / kChildrenPerStep
    );
}

Value Context::member(const Value& object, std::string_view key) noexcept {
    Value value = spend_on_members(object) ? object.member(key) : Value{};
    if (profile_ == Profile::aws_2016) {
        value = found(value);
    }
    return value;
}

Value Context::element(const Value& array, const std::optional<Decimal>& index) noexcept {
    const std::int64_t position = index ? floor_to_int64(*index) : -1;
    if (position < 0 || !array.is(Type::array)) {
        return {};
    }
    const auto at = static_cast<std::size_t>(position);
    // An element and what parts it from the next one have two bytes at least.
    const Json* json = array.document();
    const std::size_t passed =
        json != nullptr ? std::min(at, json->raw(array.node()).size() / 2) : 0;
    return budget_.spend(passed / kChildrenPerStep) ? found(array.element(at)) : Value{};
}

std::optional<std::string_view> Context::to_text(const Value& value) {
    switch (value.type()) {
        case Type::undefined:
        case Type::null:
        case Type::binary:
            return std::nullopt;
        case Type::boolean:
            return value.as_boolean() ? "true" : "false";
        case Type::string:
            return value.text();
        case Type::integer:
        case Type::decimal: {
            if (const Json* json = value.document()) {
                return json->raw(value.node());
            }
            DecimalText digits;
            return store(rules::to_text(*value.number(), digits));
        }
        case Type::array:
        case Type::object:
            break;
    }
    std::string& text = buffer();
    if (!write_json(text, value, budget_)) {
        return std::nullopt;
    }
    return store(text);
}

bool Context::same_size(const Value& a, const Value& b) noexcept {
    const std::size_t size = a.size();
    return budget_.spend(size / kChildrenPerStep) && size == b.size();
}

bool Context::equal(const Value& a, const Value& b) noexcept {
    if (!budget_.spend(1)) {
        return false;
    }
    if (a.is_number() && b.is_number()) {
        const auto x = to_number(a);
        const auto y = to_number(b);
        return x && y && compare(*x, *y) == 0;
    }
    if (a.type() != b.type()) {
        return false;
    }
    switch (a.type()) {
        case Type::null:
            return true;
        case Type::boolean:
            return a.as_boolean() == b.as_boolean();
        case Type::string:
            return a.text().size() == b.text().size() && budget_.spend_bytes(a.text().size()) &&
                   a.text() == b.text();
        case Type::array: {
            std::size_t index = 0;
            return same_size(a, b) && !any_of(a, [&](std::string_view, const Value& element) {
                       const bool same = budget_.spend(index / kChildrenPerStep) &&
                                         equal(element, b.element(index));
                       ++index;
                       return !same;
                   });
        }
        case Type::object:
            return same_size(a, b) && !any_of(a, [&](std::string_view key, const Value& value) {
                       const Value other = member(b, key);
                       return !budget_.spend(1) || !equal(value, other);
                   });
        default:
            return false;
    }
}

}  // namespace weir::rules::detail
