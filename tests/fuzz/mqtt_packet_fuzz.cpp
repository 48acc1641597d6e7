// One packet, decoded in every version from either end. What is valid must survive being encoded
// and decoded again. Input: the bytes of a packet.
#include <cstdint>
#include <variant>
#include <vector>

#include <weir/base/assert.hpp>
#include <weir/mqtt/decoder.hpp>
#include <weir/mqtt/encoder.hpp>

namespace {

using namespace weir;
using namespace weir::mqtt;

constexpr std::uint32_t kNoLimit = 1U << 28U;

void encode(Bytes& out, const Publish& publish, Version version) {
    std::vector<std::uint32_t> subscription_ids;
    for (const Property property : publish.properties) {
        if (property.id == PropertyId::subscription_identifier) {
            subscription_ids.push_back(property.number);
        }
    }
    Bytes buffer(publish.properties.raw().size());
    const PublishHeader header{
        .topic = publish.topic,
        .payload_bytes = publish.payload.size(),
        .properties = forwardable_properties(publish.properties, buffer),
        .message_expiry_s = publish.message_expiry_s,
        .subscription_ids = subscription_ids,
        .packet_id = publish.packet_id,
        .topic_alias = publish.topic_alias,
        .qos = publish.qos,
        .retain = publish.retain,
        .dup = publish.dup,
    };
    append_publish(out, header, publish.payload, version);
}

template <class P>
void encode(Bytes& out, const P& packet, Version version) {
    append_packet(out, packet, version);
}

Bytes encode(const Packet& packet, Version version) {
    Bytes out;
    std::visit([&](const auto& one) { encode(out, one, version); }, packet);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto frame = read_frame({data, size}, kNoLimit);
    if (!frame) {
        return 0;
    }
    for (const auto version : {Version::v31, Version::v311, Version::v5}) {
        for (const auto sender : {Role::client, Role::server}) {
            const DecodeOptions options{.version = version, .sender = sender};
            const auto packet = decode(*frame, options);
            if (!packet) {
                continue;
            }
            const Bytes once = encode(*packet, version);
            WEIR_ASSERT(once.size() <= frame->size + 2);
            const auto again_frame = read_frame(once, kNoLimit);
            WEIR_ASSERT(again_frame.has_value() && again_frame->size == once.size());
            const auto again = decode(*again_frame, options);
            WEIR_ASSERT(again.has_value());
            WEIR_ASSERT(encode(*again, version) == once);
        }
    }
    return 0;
}
