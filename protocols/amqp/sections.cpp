#include <weir/amqp/sections.hpp>

#include <array>

namespace weir::amqp {
namespace {

/// The descriptors' codes; their order is the order in a message. [AMQP-3.2]
enum class Section : std::uint8_t {
    header = 0x70,
    delivery_annotations,
    message_annotations,
    properties,
    application_properties,
    data,
    sequence,
    value,
    footer,
};

constexpr std::array<std::string_view, 9> kSymbols = {
    "amqp:header:list",
    "amqp:delivery-annotations:map",
    "amqp:message-annotations:map",
    "amqp:properties:list",
    "amqp:application-properties:map",
    "amqp:data:binary",
    "amqp:amqp-sequence:list",
    "amqp:amqp-value:*",
    "amqp:footer:map",
};

Result<Section> section_of(const Value& descriptor) noexcept {
    constexpr auto kFirst = static_cast<std::uint64_t>(Section::header);
    if (descriptor.type == Type::ulong) {
        if (descriptor.number < kFirst || descriptor.number >= kFirst + kSymbols.size()) {
            return errc::unknown_section;
        }
        return static_cast<Section>(descriptor.number);
    }
    for (std::size_t i = 0; i < kSymbols.size(); ++i) {
        if (descriptor.text() == kSymbols[i]) {
            return static_cast<Section>(kFirst + i);
        }
    }
    return errc::unknown_section;
}

/// True if a message may go on with `next` after `last`.
bool may_follow(std::optional<Section> last, Section next) noexcept {
    if (!last || *last < Section::data) {
        return !last || next > *last;
    }
    if (next == Section::footer) {
        return *last != Section::footer;
    }
    return next == *last && (next == Section::data || next == Section::sequence);
}

Result<void> expect(const Value& value, Type type) noexcept {
    return value.type == type ? Result<void>{} : errc::wrong_field_type;
}

/// The fields of a list in order; a null and a field beyond the end are both "absent". [AMQP-1.4]
class FieldReader {
public:
    explicit FieldReader(const Value& list) noexcept : reader_{list.bytes} {}

    /// A null value if the field is absent.
    Result<Value> any() noexcept { return reader_.empty() ? Value{} : reader_.read(); }

    Result<std::optional<Value>> of(Type type) noexcept {
        WEIR_TRY(const Value value, any());
        if (value.type == Type::null) {
            return std::optional<Value>{};
        }
        WEIR_CHECK(expect(value, type));
        return std::optional<Value>{value};
    }

    Result<void> text(std::string_view& out) noexcept {
        WEIR_TRY(const Value value, any());
        return take_text(value, value.type == Type::string, out);
    }

    /// Some clients write these symbols as strings.
    Result<void> symbol(std::string_view& out) noexcept {
        WEIR_TRY(const Value value, any());
        return take_text(value, value.type == Type::symbol || value.type == Type::string, out);
    }

    Result<void> message_id(Value& out) noexcept {
        WEIR_TRY(out, any());
        switch (out.type) {
            case Type::null:
            case Type::ulong:
            case Type::uuid:
            case Type::binary:
            case Type::string:
                return {};
            default:
                return errc::wrong_field_type;
        }
    }

    Result<void> time(std::optional<WallTime>& out) noexcept {
        WEIR_TRY(const auto value, of(Type::timestamp));
        if (value) {
            out = WallTime{static_cast<std::int64_t>(value->number)};
        }
        return {};
    }

private:
    static Result<void> take_text(const Value& value, bool fits, std::string_view& out) noexcept {
        if (value.type == Type::null) {
            return {};
        }
        if (!fits) {
            return errc::wrong_field_type;
        }
        out = value.text();
        return {};
    }

    ValueReader reader_;
};

Result<void> read_header(const Value& list, Sections& out) noexcept {
    WEIR_CHECK(expect(list, Type::list));
    FieldReader fields{list};
    WEIR_TRY(const auto durable, fields.of(Type::boolean));
    out.durable = durable && durable->number != 0;
    WEIR_TRY(const auto priority, fields.of(Type::ubyte));
    if (priority) {
        out.priority = static_cast<std::uint8_t>(priority->number);
    }
    WEIR_TRY(const auto ttl, fields.of(Type::uint));
    if (ttl) {
        out.ttl_ms = static_cast<std::uint32_t>(ttl->number);
    }
    WEIR_CHECK(fields.of(Type::boolean));  // first-acquirer
    WEIR_TRY(const auto delivery_count, fields.of(Type::uint));
    if (delivery_count) {
        out.delivery_count = static_cast<std::uint32_t>(delivery_count->number);
    }
    return {};
}

Result<void> read_properties(const Value& list, Sections& out) noexcept {
    WEIR_CHECK(expect(list, Type::list));
    FieldReader fields{list};
    WEIR_CHECK(fields.message_id(out.message_id));
    WEIR_TRY(const auto user_id, fields.of(Type::binary));
    if (user_id) {
        out.user_id = user_id->bytes;
    }
    WEIR_CHECK(fields.text(out.to));
    WEIR_CHECK(fields.text(out.subject));
    WEIR_CHECK(fields.text(out.reply_to));
    WEIR_CHECK(fields.message_id(out.correlation_id));
    WEIR_CHECK(fields.symbol(out.content_type));
    WEIR_CHECK(fields.symbol(out.content_encoding));
    WEIR_CHECK(fields.time(out.absolute_expiry));
    WEIR_CHECK(fields.time(out.creation_time));
    return {};
}

Result<void> read_annotations(const Value& map, Sections& out) noexcept {
    WEIR_CHECK(expect(map, Type::map));
    MapReader pairs{map};
    while (const auto pair = pairs.next()) {
        const auto key = pair->key.text();
        if (key == "x-opt-retain") {
            WEIR_CHECK(expect(pair->value, Type::boolean));
            out.retain = pair->value.number != 0;
        } else if (key == "x-opt-delivery-time" || key == "x-opt-delivery-delay") {
            out.delayed = true;
        }
    }
    return {};
}

Result<void> read_application_properties(const Value& map, Sections& out) noexcept {
    WEIR_CHECK(expect(map, Type::map));
    MapReader pairs{map};
    while (const auto pair = pairs.next()) {
        WEIR_CHECK(expect(pair->key, Type::string));
        if (pair->key.described || pair->value.described) {
            return errc::wrong_field_type;
        }
    }
    out.application_properties = map;
    return {};
}

void read_value_body(const Value& value, ByteView section, Sections& out) noexcept {
    if (value.described) {
        out.body_kind = BodyKind::encoded;
        out.body = section;
        return;
    }
    switch (value.type) {
        case Type::null:
            return;
        case Type::string:
            out.body_kind = BodyKind::text;
            out.body = value.bytes;
            return;
        case Type::binary:
            out.body_kind = BodyKind::binary;
            out.body = value.bytes;
            return;
        default:
            out.body_kind = BodyKind::encoded;
            out.body = section;
            return;
    }
}

/// `from` is where the first body section of the message starts.
Result<void> read_body(
    Section section, const Value& value, ByteView from, ByteView rest, Sections& out
) noexcept {
    const ByteView sections = from.first(from.size() - rest.size());
    if (section == Section::value) {
        read_value_body(value, sections, out);
        return {};
    }
    if (section == Section::sequence) {
        WEIR_CHECK(expect(value, Type::list));
        out.body_kind = BodyKind::encoded;
        out.body = sections;
        return {};
    }
    WEIR_CHECK(expect(value, Type::binary));
    out.body_kind = BodyKind::data;
    out.body = ++out.data_sections == 1 ? value.bytes : sections;
    return {};
}

Result<void> read_section(Section section, const Value& value, Sections& out) noexcept {
    switch (section) {
        case Section::header:
            return read_header(value, out);
        case Section::message_annotations:
            return read_annotations(value, out);
        case Section::properties:
            return read_properties(value, out);
        case Section::application_properties:
            return read_application_properties(value, out);
        default:
            return expect(value, Type::map);  // delivery-annotations, footer
    }
}

bool is_body(Section section) noexcept {
    return section >= Section::data && section <= Section::value;
}

}  // namespace

Result<Sections> scan_sections(ByteView message) noexcept {
    Sections out;
    ValueReader reader{message};
    std::optional<Section> last;
    ByteView body_start;
    while (!reader.empty()) {
        const ByteView start = reader.rest();
        WEIR_TRY(const Value descriptor, reader.read_descriptor());
        WEIR_TRY(const Section section, section_of(descriptor));
        if (!may_follow(last, section)) {
            return errc::section_order;
        }
        // Only an amqp-value may itself be described.
        WEIR_TRY(const Value value, section == Section::value ? reader.read_any() : reader.read());
        if (is_body(section)) {
            if (!last || !is_body(*last)) {
                body_start = start;
            }
            WEIR_CHECK(read_body(section, value, body_start, reader.rest(), out));
        } else {
            WEIR_CHECK(read_section(section, value, out));
        }
        last = section;
    }
    return out;
}

ByteView body_payload(const Sections& sections, Bytes& scratch) {
    if (sections.data_sections <= 1) {
        return sections.body;
    }
    scratch.clear();
    ValueReader reader{sections.body};
    while (reader.read_descriptor()) {
        const auto data = reader.read();
        append(scratch, data->bytes);
    }
    return scratch;
}

}  // namespace weir::amqp
