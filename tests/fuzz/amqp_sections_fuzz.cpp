// A message, or the text of an address: scanned, read in full, and written again.
#include <weir/amqp/address.hpp>
#include <weir/amqp/message_head.hpp>
#include <weir/amqp/sections.hpp>
#include <weir/base/assert.hpp>

using namespace weir;
using namespace weir::amqp;

namespace {

void read_message(ByteView message) {
    const auto sections = scan_sections(message);
    if (!sections) {
        WEIR_ASSERT(!condition_of(sections.error()).empty());
        return;
    }
    std::size_t text_bytes = 0;
    MapReader pairs{sections->application_properties};
    std::uint32_t elements = 0;
    while (const auto pair = pairs.next()) {
        elements += 2;
        text_bytes += to_text(pair->value).value_or("").size();
    }
    WEIR_ASSERT(elements == sections->application_properties.count);
    WEIR_ASSERT(text_bytes <= message.size() * 40);
    Bytes scratch;
    const ByteView payload = body_payload(*sections, scratch);
    WEIR_ASSERT(payload.size() <= message.size());

    Bytes again;
    append_message_head(
        again,
        {.durable = sections->durable,
         .ttl_ms = sections->ttl_ms,
         .delivery_count = sections->delivery_count,
         .retain = sections->retain,
         .message_id = sections->message_id,
         .to = sections->to,
         .subject = sections->subject,
         .reply_to = sections->reply_to,
         .correlation_id = sections->correlation_id,
         .absolute_expiry = sections->absolute_expiry,
         .creation_time = sections->creation_time,
         .body_kind = sections->body_kind},
        payload.size()
    );
    append(again, payload);
    const auto back = scan_sections(again);
    WEIR_ASSERT(back);
    WEIR_ASSERT(back->body_kind == sections->body_kind);
    WEIR_ASSERT(as_text(back->body) == as_text(payload));
    WEIR_ASSERT(back->to == sections->to && back->ttl_ms == sections->ttl_ms);
}

void read_address(std::string_view text) {
    const auto address = parse_address(text);
    if (address && address->kind == AddressKind::topic) {
        const auto back = parse_address(format_topic_address(address->name));
        WEIR_ASSERT(back && back->name == address->name);
    }
    ignore_error(parse_target(text), "any result is fine");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{data, size};
    read_message(input);
    read_address(as_text(input));
    return 0;
}
