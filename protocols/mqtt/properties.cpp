#include <weir/mqtt/properties.hpp>

#include <array>
#include <limits>

#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

using enum PacketContext;
using Type = PropertyType;
using Id = PropertyId;

template <class... Contexts>
constexpr ContextMask in(Contexts... contexts) {
    return (mask_of(contexts) | ...);
}

constexpr ContextMask kPublish = in(publish_from_client, publish_from_server);
constexpr ContextMask kMessage = kPublish | in(will);
constexpr ContextMask kAuth = in(auth_from_client, auth_from_server);
constexpr ContextMask kBye = in(disconnect_from_client, disconnect_from_server);
constexpr ContextMask kHello = in(connect, connack);
constexpr ContextMask kReason =
    in(connack, puback, pubrec, pubrel, pubcomp, suback, unsuback) | kBye | kAuth;
constexpr ContextMask kAll = kReason | kMessage | in(connect, subscribe, unsubscribe);
constexpr std::uint32_t kAny16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint32_t kAny32 = std::numeric_limits<std::uint32_t>::max();

// clang-format off
constexpr std::array kProperties = {
    //           id                                     name                                type              packets                          repeatable               min max          end to end
    PropertyInfo{Id::payload_format_indicator,          "payload_format_indicator",         Type::byte,       kMessage,                        0,                       0, 1,           true},
    PropertyInfo{Id::message_expiry_interval,           "message_expiry_interval",          Type::four_bytes, kMessage,                        0,                       0, kAny32,      false},
    PropertyInfo{Id::content_type,                      "content_type",                     Type::text,       kMessage,                        0,                       0, 0,           true},
    PropertyInfo{Id::response_topic,                    "response_topic",                   Type::topic,      kMessage,                        0,                       0, 0,           true},
    PropertyInfo{Id::correlation_data,                  "correlation_data",                 Type::binary,     kMessage,                        0,                       0, 0,           true},
    PropertyInfo{Id::subscription_identifier,           "subscription_identifier",          Type::varint,     in(publish_from_server, subscribe), in(publish_from_server), 1, kVarintMax, false},
    PropertyInfo{Id::session_expiry_interval,           "session_expiry_interval",          Type::four_bytes, kHello | in(disconnect_from_client), 0,                   0, kAny32,      false},
    PropertyInfo{Id::assigned_client_identifier,        "assigned_client_identifier",       Type::text,       in(connack),                     0,                       0, 0,           false},
    PropertyInfo{Id::server_keep_alive,                 "server_keep_alive",                Type::two_bytes,  in(connack),                     0,                       0, kAny16,      false},
    PropertyInfo{Id::authentication_method,             "authentication_method",            Type::text,       kHello | kAuth,                  0,                       0, 0,           false},
    PropertyInfo{Id::authentication_data,               "authentication_data",              Type::binary,     kHello | kAuth,                  0,                       0, 0,           false},
    PropertyInfo{Id::request_problem_information,       "request_problem_information",      Type::byte,       in(connect),                     0,                       0, 1,           false},
    PropertyInfo{Id::will_delay_interval,               "will_delay_interval",              Type::four_bytes, in(will),                        0,                       0, kAny32,      false},
    PropertyInfo{Id::request_response_information,      "request_response_information",     Type::byte,       in(connect),                     0,                       0, 1,           false},
    PropertyInfo{Id::response_information,              "response_information",             Type::text,       in(connack),                     0,                       0, 0,           false},
    PropertyInfo{Id::server_reference,                  "server_reference",                 Type::text,       in(connack, disconnect_from_server), 0,                   0, 0,           false},
    PropertyInfo{Id::reason_string,                     "reason_string",                    Type::text,       kReason,                         0,                       0, 0,           false},
    PropertyInfo{Id::receive_maximum,                   "receive_maximum",                  Type::two_bytes,  kHello,                          0,                       1, kAny16,      false},
    PropertyInfo{Id::topic_alias_maximum,               "topic_alias_maximum",              Type::two_bytes,  kHello,                          0,                       0, kAny16,      false},
    PropertyInfo{Id::topic_alias,                       "topic_alias",                      Type::two_bytes,  kPublish,                        0,                       1, kAny16,      false},
    PropertyInfo{Id::maximum_qos,                       "maximum_qos",                      Type::byte,       in(connack),                     0,                       0, 1,           false},
    PropertyInfo{Id::retain_available,                  "retain_available",                 Type::byte,       in(connack),                     0,                       0, 1,           false},
    PropertyInfo{Id::user_property,                     "user_property",                    Type::text_pair,  kAll,                            kAll,                    0, 0,           true},
    PropertyInfo{Id::maximum_packet_size,               "maximum_packet_size",              Type::four_bytes, kHello,                          0,                       1, kAny32,      false},
    PropertyInfo{Id::wildcard_subscription_available,   "wildcard_subscription_available",  Type::byte,       in(connack),                     0,                       0, 1,           false},
    PropertyInfo{Id::subscription_identifier_available, "subscription_identifier_available", Type::byte,      in(connack),                     0,                       0, 1,           false},
    PropertyInfo{Id::shared_subscription_available,     "shared_subscription_available",    Type::byte,       in(connack),                     0,                       0, 1,           false},
};
// clang-format on

constexpr std::size_t kIdsEnd = 0x2B;

/// Identifier -> row + 1; 0: not defined.
constexpr auto kRowOf = [] {
    std::array<std::uint8_t, kIdsEnd> rows{};
    for (std::size_t i = 0; i < kProperties.size(); ++i) {
        rows[static_cast<std::size_t>(kProperties[i].id)] = static_cast<std::uint8_t>(i + 1);
    }
    return rows;
}();

constexpr std::size_t width(PropertyType type) noexcept {
    return type == Type::byte ? 1 : type == Type::two_bytes ? 2 : 4;
}

Result<std::uint32_t> read_number(ByteView& in, PropertyType type) noexcept {
    switch (type) {
        case Type::byte: {
            WEIR_TRY(const std::uint32_t value, read_u8(in));
            return value;
        }
        case Type::two_bytes: {
            WEIR_TRY(const std::uint32_t value, read_u16(in));
            return value;
        }
        case Type::four_bytes:
            return read_u32(in);
        default:
            return read_whole_varint(in);
    }
}

/// Reads what follows the identifier, checking lengths and text but not ranges.
Result<Property> read_value(ByteView& in, const PropertyInfo& info) noexcept {
    Property property{.id = info.id};
    switch (info.type) {
        case Type::text:
        case Type::topic: {
            WEIR_TRY(property.value, read_text(in));
            break;
        }
        case Type::binary: {
            WEIR_TRY(const ByteView value, read_binary(in));
            property.value = as_text(value);
            break;
        }
        case Type::text_pair: {
            WEIR_TRY(property.name, read_text(in));
            WEIR_TRY(property.value, read_text(in));
            break;
        }
        default: {
            WEIR_TRY(property.number, read_number(in, info.type));
            break;
        }
    }
    return property;
}

bool is_number(PropertyType type) noexcept {
    return type <= Type::varint;
}

Result<void> check_value(const Property& property, const PropertyInfo& info) noexcept {
    if (is_number(info.type) && (property.number < info.min || property.number > info.max)) {
        return info.id == Id::topic_alias ? errc::topic_alias_invalid : errc::protocol_error;
    }
    if (info.type == Type::topic && !is_valid_topic_name(property.value)) {
        return errc::topic_name_invalid;
    }
    return {};
}

/// Counts user properties against the limits.
class UserPropertyCount {
public:
    explicit UserPropertyCount(const PropertyLimits& limits) noexcept : limits_{limits} {}

    [[nodiscard]] bool add(const Property& property) noexcept {
        ++count_;
        bytes_ += property.name.size() + property.value.size();
        return count_ <= limits_.user_properties && bytes_ <= limits_.user_property_bytes;
    }

private:
    const PropertyLimits& limits_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

Result<void> check_list(
    ByteView list, PacketContext context, const PropertyLimits& limits
) noexcept {
    std::uint64_t seen = 0;
    UserPropertyCount users{limits};
    while (!list.empty()) {
        WEIR_TRY(const std::uint32_t id, read_whole_varint(list));
        const PropertyInfo* const info = find_property(id);
        if (info == nullptr || (info->packets & mask_of(context)) == 0) {
            return errc::malformed_packet;
        }
        WEIR_TRY(const Property property, read_value(list, *info));
        const std::uint64_t bit = std::uint64_t{1} << id;
        if ((seen & bit) != 0 && (info->repeatable & mask_of(context)) == 0) {
            return errc::protocol_error;
        }
        seen |= bit;
        WEIR_CHECK(check_value(property, *info));
        if (info->id == Id::user_property && !users.add(property)) {
            return errc::too_many_properties;
        }
    }
    return {};
}

}  // namespace

const PropertyInfo* find_property(std::uint32_t id) noexcept {
    const std::size_t row = id < kIdsEnd ? kRowOf[id] : 0;
    return row == 0 ? nullptr : &kProperties[row - 1];
}

Property take_valid_property(ByteView& in) noexcept {
    // Bytes that are not valid end the list instead of running on.
    const auto id = read_whole_varint(in);
    const PropertyInfo* const info = id ? find_property(*id) : nullptr;
    if (info != nullptr) {
        if (const auto property = read_value(in, *info)) {
            return *property;
        }
    }
    in = in.last(0);
    return Property{.id = Id::user_property};
}

std::optional<Property> Properties::find(PropertyId id) const noexcept {
    for (const Property property : *this) {
        if (property.id == id) {
            return property;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Properties::number(PropertyId id) const noexcept {
    const auto found = find(id);
    return found ? std::optional{found->number} : std::nullopt;
}

std::optional<std::string_view> Properties::text(PropertyId id) const noexcept {
    const auto found = find(id);
    return found ? std::optional{found->value} : std::nullopt;
}

std::optional<ByteView> Properties::binary(PropertyId id) const noexcept {
    const auto found = find(id);
    return found ? std::optional{found->binary()} : std::nullopt;
}

Result<Properties> parse_properties(
    ByteView& in, PacketContext context, const PropertyLimits& limits
) noexcept {
    ByteView rest = in;
    WEIR_TRY(const std::uint32_t size, read_whole_varint(rest));
    if (rest.size() < size) {
        return errc::malformed_packet;
    }
    const auto list = rest.first(size);
    WEIR_CHECK(check_list(list, context, limits));
    in = rest.subspan(size);
    return Properties{list};
}

ByteView forwardable_properties(const Properties& properties, std::span<Byte> buffer) noexcept {
    // Runs of end-to-end properties; the second run is what makes a copy necessary.
    ByteView first;
    std::size_t copied = 0;
    const auto take_run = [&](ByteView run) {
        if (run.empty()) {
            return;
        }
        if (first.empty()) {
            first = run;
            return;
        }
        if (copied == 0) {
            copied = static_cast<std::size_t>(write_raw(buffer.data(), first) - buffer.data());
        }
        copied += static_cast<std::size_t>(
            write_raw(buffer.data() + copied, run) - (buffer.data() + copied)
        );
    };
    ByteView rest = properties.raw();
    const Byte* run_start = rest.data();
    while (!rest.empty()) {
        const Byte* const start = rest.data();
        const Property property = take_valid_property(rest);
        if (!find_property(static_cast<std::uint32_t>(property.id))->end_to_end) {
            take_run({run_start, start});
            run_start = rest.data();
        }
    }
    take_run({run_start, rest.data()});
    return copied == 0 ? first : ByteView{buffer.first(copied)};
}

Byte* PropertyWriter::reserve(std::size_t count) noexcept {
    if (!ok_ || memory_.size() - size_ < count) {
        ok_ = false;
        return nullptr;
    }
    Byte* const out = memory_.data() + size_;
    size_ += count;
    return out;
}

PropertyWriter& PropertyWriter::number(PropertyId id, std::uint32_t value) noexcept {
    const PropertyInfo* const info = find_property(static_cast<std::uint32_t>(id));
    if (!is_number(info->type) || value < info->min || value > info->max) {
        ok_ = false;
        return *this;
    }
    const std::size_t size = info->type == Type::varint ? varint_size(value) : width(info->type);
    Byte* out = reserve(1 + size);
    if (out == nullptr) {
        return *this;
    }
    *out++ = static_cast<Byte>(id);
    if (info->type == Type::varint) {
        static_cast<void>(write_varint(out, value));
    } else {
        for (std::size_t i = 0; i < size; ++i) {
            out[i] = static_cast<Byte>(value >> (8U * (size - 1 - i)));
        }
    }
    return *this;
}

PropertyWriter& PropertyWriter::text(PropertyId id, std::string_view value) noexcept {
    const PropertyInfo* const info = find_property(static_cast<std::uint32_t>(id));
    if ((info->type != Type::text && info->type != Type::topic) || value.size() > kFieldBytesMax) {
        ok_ = false;
    } else if (Byte* const out = reserve(3 + value.size())) {
        *out = static_cast<Byte>(id);
        static_cast<void>(write_text(out + 1, value));
    }
    return *this;
}

PropertyWriter& PropertyWriter::binary(PropertyId id, ByteView value) noexcept {
    const PropertyInfo* const info = find_property(static_cast<std::uint32_t>(id));
    if (info->type != Type::binary || value.size() > kFieldBytesMax) {
        ok_ = false;
    } else if (Byte* const out = reserve(3 + value.size())) {
        *out = static_cast<Byte>(id);
        static_cast<void>(write_binary(out + 1, value));
    }
    return *this;
}

PropertyWriter& PropertyWriter::user(std::string_view name, std::string_view value) noexcept {
    if (name.size() > kFieldBytesMax || value.size() > kFieldBytesMax) {
        ok_ = false;
    } else if (Byte* const out = reserve(5 + name.size() + value.size())) {
        *out = static_cast<Byte>(Id::user_property);
        static_cast<void>(write_text(write_text(out + 1, name), value));
    }
    return *this;
}

PropertyWriter& PropertyWriter::raw(ByteView properties) noexcept {
    if (Byte* const out = reserve(properties.size())) {
        static_cast<void>(write_raw(out, properties));
    }
    return *this;
}

}  // namespace weir::mqtt
