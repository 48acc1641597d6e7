// SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK.
#include <weir/mqtt/decoder.hpp>

#include <weir/mqtt/detail/fields.hpp>
#include <weir/mqtt/wire.hpp>

namespace weir::mqtt {
namespace {

using namespace detail;

Result<void> check_options(
    std::uint8_t options, const SubscriptionFilter& filter, Version version
) noexcept {
    const unsigned reserved = version == Version::v5 ? 0xC0U : 0xFCU;
    if ((options & reserved) != 0) {  // [MQTT5-3.8.3-5] [MQTT3-3.8.3-4]
        return errc::malformed_packet;
    }
    if ((options & 3U) == 3U) {
        return version == Version::v5 ? errc::protocol_error : errc::malformed_packet;
    }
    const bool no_local = (options & 4U) != 0;
    const bool retain_handling_3 = (options & 0x30U) == 0x30U;
    if (version == Version::v5 &&
        (retain_handling_3 || (no_local && filter.is_shared()))) {  // [MQTT5-3.8.3-4]
        return errc::protocol_error;
    }
    return {};
}

/// The payload of SUBSCRIBE and UNSUBSCRIBE: at least one filter. [MQTT5-3.8.3-2] [MQTT5-3.10.3-2]
template <class Item>
Result<FilterList<Item>> read_filters(ByteView in, Version version) noexcept {
    const ByteView all = in;
    std::size_t count = 0;
    while (!in.empty()) {
        WEIR_TRY(const std::string_view text, read_text(in));
        WEIR_TRY(const SubscriptionFilter filter, parse_subscription_filter(text));
        if constexpr (std::is_same_v<Item, Subscription>) {
            WEIR_TRY(const std::uint8_t options, read_u8(in));
            WEIR_CHECK(check_options(options, filter, version));
        }
        ++count;
    }
    if (count == 0) {
        return errc::protocol_error;
    }
    return FilterList<Item>{all, count};
}

/// One code per filter, to the end of the packet.
Result<ReasonCodeList> read_reason_codes(ByteView in, PacketContext context) noexcept {
    const ReasonCodeList codes{in};
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (!is_allowed(codes[i], context)) {
            return errc::protocol_error;
        }
    }
    if (codes.size() == 0) {
        return errc::protocol_error;
    }
    return codes;
}

}  // namespace

Result<Subscribe> decode_subscribe(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Subscribe subscribe;
    WEIR_TRY(subscribe.packet_id, read_packet_id(in));
    WEIR_TRY(subscribe.properties, read_properties(in, PacketContext::subscribe, options));
    WEIR_TRY(subscribe.subscriptions, read_filters<Subscription>(in, options.version));
    return subscribe;
}

Result<Suback> decode_suback(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Suback suback;
    WEIR_TRY(suback.packet_id, read_packet_id(in));
    WEIR_TRY(suback.properties, read_properties(in, PacketContext::suback, options));
    WEIR_TRY(suback.reason_codes, read_reason_codes(in, PacketContext::suback));
    return suback;
}

Result<Unsubscribe> decode_unsubscribe(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Unsubscribe unsubscribe;
    WEIR_TRY(unsubscribe.packet_id, read_packet_id(in));
    WEIR_TRY(unsubscribe.properties, read_properties(in, PacketContext::unsubscribe, options));
    WEIR_TRY(unsubscribe.filters, read_filters<std::string_view>(in, options.version));
    return unsubscribe;
}

Result<Unsuback> decode_unsuback(const Frame& frame, const DecodeOptions& options) noexcept {
    WEIR_CHECK(check_flags(frame, options.version));
    ByteView in = frame.body;
    Unsuback unsuback;
    WEIR_TRY(unsuback.packet_id, read_packet_id(in));
    if (options.version != Version::v5) {
        WEIR_CHECK(check_end(in));
        return unsuback;
    }
    WEIR_TRY(unsuback.properties, read_properties(in, PacketContext::unsuback, options));
    WEIR_TRY(unsuback.reason_codes, read_reason_codes(in, PacketContext::unsuback));
    return unsuback;
}

}  // namespace weir::mqtt
