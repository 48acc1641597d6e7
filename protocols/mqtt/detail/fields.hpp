/// Fields that the bodies of several packets share.
#pragma once

#include <cstdint>

#include <weir/mqtt/decoder.hpp>

namespace weir::mqtt::detail {

/// Lower four bits of the first byte, of every packet but PUBLISH. [MQTT5-2.1.3-1]
[[nodiscard]] Result<void> check_flags(const Frame& frame, Version version) noexcept;

/// Properties where the version has them, else none.
[[nodiscard]] Result<Properties> read_properties(
    ByteView& in, PacketContext context, const DecodeOptions& options
) noexcept;

/// Not 0. [MQTT5-2.2.1-3]
[[nodiscard]] Result<std::uint16_t> read_packet_id(ByteView& in) noexcept;

/// One that may stand in `context`.
[[nodiscard]] Result<ReasonCode> read_reason_code(ByteView& in, PacketContext context) noexcept;

/// Nothing may follow.
[[nodiscard]] Result<void> check_end(ByteView rest) noexcept;

/// Authentication Data needs a method. [MQTT5-3.1.2.11.10]
[[nodiscard]] Result<void> check_authentication(const Properties& properties) noexcept;

}  // namespace weir::mqtt::detail
