/// Decoded packets back to bytes, and what a refusal may say.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <variant>
#include <vector>

#include <weir/mqtt/decoder.hpp>
#include <weir/mqtt/encoder.hpp>

namespace weir::mqtt::test {

inline constexpr std::uint32_t kNoLimit = 1U << 30U;

[[nodiscard]] inline Bytes encode(const Packet& packet, Version version) {
    Bytes out;
    if (const auto* const publish = std::get_if<Publish>(&packet)) {
        std::vector<std::uint32_t> subscription_ids;
        for (const Property property : publish->properties) {
            if (property.id == PropertyId::subscription_identifier) {
                subscription_ids.push_back(property.number);
            }
        }
        Bytes buffer(publish->properties.raw().size());
        append_publish(
            out,
            {
                .topic = publish->topic,
                .payload_bytes = publish->payload.size(),
                .properties = forwardable_properties(publish->properties, buffer),
                .message_expiry_s = publish->message_expiry_s,
                .subscription_ids = subscription_ids,
                .packet_id = publish->packet_id,
                .topic_alias = publish->topic_alias,
                .qos = publish->qos,
                .retain = publish->retain,
                .dup = publish->dup,
            },
            publish->payload,
            version
        );
        return out;
    }
    std::visit(
        [&](const auto& one) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, Publish>) {
                append_packet(out, one, version);
            }
        },
        packet
    );
    return out;
}

/// All that a decoder may answer when the bytes are there.
inline void expect_known_refusal(const error_code& error) {
    constexpr std::array kRefusals = {
        errc::malformed_packet,
        errc::protocol_error,
        errc::packet_too_large,
        errc::unsupported_version,
        errc::client_identifier_invalid,
        errc::topic_name_invalid,
        errc::topic_too_deep,
        errc::topic_filter_invalid,
        errc::topic_alias_invalid,
        errc::too_many_properties,
    };
    bool known = false;
    for (const errc refusal : kRefusals) {
        known = known || error == refusal;
    }
    EXPECT_TRUE(known) << error.message();
}

/// A body with the fixed header that fits it.
[[nodiscard]] inline Bytes framed(Byte first, ByteView body) {
    Bytes out(1 + varint_size(static_cast<std::uint32_t>(body.size())));
    out[0] = first;
    static_cast<void>(write_varint(out.data() + 1, static_cast<std::uint32_t>(body.size())));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

/// What is refused is refused for a known reason; what decodes is stable: written and read again it gives the same bytes,
/// and never more than came.
inline void expect_refused_or_stable(const Bytes& bytes, const DecodeOptions& options) {
    const auto frame = read_frame(bytes, kNoLimit);
    if (!frame) {
        if (frame.error() != errc::need_more) {
            expect_known_refusal(frame.error());
        }
        return;
    }
    const auto packet = decode(*frame, options);
    if (!packet) {
        return expect_known_refusal(packet.error());
    }
    const auto* const connect = std::get_if<Connect>(&*packet);
    DecodeOptions again = options;
    again.version = connect == nullptr ? options.version : connect->version;
    const Bytes once = encode(*packet, again.version);
    const auto second = read_frame(once, kNoLimit);
    ASSERT_TRUE(second);
    const auto same = decode(*second, again);
    ASSERT_TRUE(same) << same.error().message();
    EXPECT_EQ(encode(*same, again.version), once);
    EXPECT_LE(once.size(), bytes.size() + 1) << "a reason code of success may be written out";
}

}  // namespace weir::mqtt::test
