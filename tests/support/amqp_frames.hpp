/// AMQP frames written by hand, for peers that no engine would play.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weir/amqp/value_writer.hpp>
#include <weir/base/bytes.hpp>

namespace weir::test::amqp_frames {

using namespace weir::amqp;

/// A frame on a channel around an encoded performative. [AMQP-2.3]
inline Bytes frame(std::uint16_t channel, ByteView body, std::uint8_t type = 0) {
    Bytes out;
    append_be(out, static_cast<std::uint32_t>(8 + body.size()));
    out.push_back(2);  // doff
    out.push_back(type);
    append_be(out, channel);
    append(out, body);
    return out;
}

/// A frame with a performative whose fields `write` appends.
template <class Write>
Bytes performative_frame(std::uint8_t code, Write&& write) {
    Bytes body;
    append_descriptor(body, code);
    auto fields = CompoundWriter::list(body);
    write(fields);
    fields.finish();
    return frame(0, body);
}

/// The same frame on another channel.
inline Bytes on_channel(std::uint8_t channel, Bytes frame) {
    frame[7] = channel;
    return frame;
}

inline Bytes protocol_header(std::uint8_t id) {
    return {'A', 'M', 'Q', 'P', id, 1, 0, 0};
}

/// SASL PLAIN, or another mechanism, with the given credentials.
inline Bytes sasl_init_frame(
    std::string_view user, std::string_view password, std::string_view mechanism = "PLAIN"
) {
    std::string response{'\0'};
    response.append(user).append(1, '\0').append(password);
    Bytes body;
    append_descriptor(body, 0x41);
    auto fields = CompoundWriter::list(body);
    append_symbol(fields.element(), mechanism);
    append_binary(fields.element(), as_bytes(response));
    fields.finish();
    return frame(0, body, 1);
}

inline Bytes open_frame() {
    Bytes body;
    append_descriptor(body, 0x10);
    auto fields = CompoundWriter::list(body);
    append_string(fields.element(), "raw");
    fields.finish();
    return frame(0, body);
}

/// @param answers  The channel of a Begin of ours.
inline Bytes begin_frame(std::optional<std::uint16_t> answers = {}) {
    Bytes body;
    append_descriptor(body, 0x11);
    auto fields = CompoundWriter::list(body);
    if (answers) {  // remote-channel
        Bytes& out = fields.element();
        out.push_back(0x60);
        append_be(out, *answers);
    } else {
        fields.absent();
    }
    append_uint(fields.element(), 0);       // next-outgoing-id
    append_uint(fields.element(), 100);     // incoming-window
    append_uint(fields.element(), 10'000);  // outgoing-window
    fields.finish();
    return frame(0, body);
}

inline void append_terminus(Bytes& out, std::uint8_t code, std::string_view address) {
    append_descriptor(out, code);
    auto fields = CompoundWriter::list(out);
    if (!address.empty()) {
        append_string(fields.element(), address);
    }
    fields.finish();
}

/// A link on which the peer sends, or with `receives` the other way round.
inline Bytes attach_frame(
    std::uint32_t handle, std::string_view name, std::string_view address, bool receives = false
) {
    Bytes body;
    append_descriptor(body, 0x12);
    auto fields = CompoundWriter::list(body);
    append_string(fields.element(), name);
    append_uint(fields.element(), handle);
    append_boolean(fields.element(), receives);  // role
    fields.absent();                             // snd-settle-mode
    fields.absent();                             // rcv-settle-mode
    append_terminus(fields.element(), 0x28, receives ? address : std::string_view{});
    append_terminus(fields.element(), 0x29, receives ? std::string_view{} : address);
    fields.absent();                   // unsettled
    fields.absent();                   // incomplete-unsettled
    append_uint(fields.element(), 0);  // initial-delivery-count
    fields.finish();
    return frame(0, body);
}

inline Bytes transfer_frame(
    std::uint32_t handle,
    std::uint32_t delivery,
    ByteView payload,
    bool more = false,
    bool settled = true,
    bool aborted = false
) {
    Bytes body;
    append_descriptor(body, 0x14);
    auto fields = CompoundWriter::list(body);
    append_uint(fields.element(), handle);
    append_uint(fields.element(), delivery);
    append_binary(fields.element(), as_bytes(std::to_string(delivery)));
    append_uint(fields.element(), 0);
    append_boolean(fields.element(), settled);
    append_boolean(fields.element(), more);
    fields.absent();  // rcv-settle-mode
    fields.absent();  // state
    fields.absent();  // resume
    append_boolean(fields.element(), aborted);
    fields.finish();
    append(body, payload);
    return frame(0, body);
}

/// Credit for a link that we send on.
inline Bytes flow_frame(std::uint32_t handle, std::uint32_t credit) {
    Bytes body;
    append_descriptor(body, 0x13);
    auto fields = CompoundWriter::list(body);
    append_uint(fields.element(), 0);      // next-incoming-id
    append_uint(fields.element(), 1'000);  // incoming-window
    append_uint(fields.element(), 0);      // next-outgoing-id
    append_uint(fields.element(), 1'000);  // outgoing-window
    append_uint(fields.element(), handle);
    append_uint(fields.element(), 0);  // delivery-count
    append_uint(fields.element(), credit);
    fields.finish();
    return frame(0, body);
}

/// Outcome 0x23 (received) to 0x27 (modified) for deliveries of the peer's role.
inline Bytes disposition_frame(
    bool receiver, std::uint32_t first, std::uint32_t last, std::uint8_t outcome, bool settled
) {
    Bytes body;
    append_descriptor(body, 0x15);
    auto fields = CompoundWriter::list(body);
    append_boolean(fields.element(), receiver);
    append_uint(fields.element(), first);
    append_uint(fields.element(), last);
    append_boolean(fields.element(), settled);
    append_descriptor(fields.element(), outcome);
    CompoundWriter::list(body).finish();
    fields.finish();
    return frame(0, body);
}

inline Bytes detach_frame(std::uint32_t handle, bool closed) {
    Bytes body;
    append_descriptor(body, 0x16);
    auto fields = CompoundWriter::list(body);
    append_uint(fields.element(), handle);
    append_boolean(fields.element(), closed);
    fields.finish();
    return frame(0, body);
}

inline Bytes end_frame() {
    Bytes body;
    append_descriptor(body, 0x17);
    CompoundWriter::list(body).finish();
    return frame(0, body);
}

inline Bytes close_frame() {
    Bytes body;
    append_descriptor(body, 0x18);
    CompoundWriter::list(body).finish();
    return frame(0, body);
}

inline Bytes operator+(Bytes left, ByteView right) {
    append(left, right);
    return left;
}

}  // namespace weir::test::amqp_frames
