/// Reads the performative of a frame as far as the rules of frames need it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <weir/amqp/events.hpp>
#include <weir/amqp/value.hpp>

namespace weir::amqp::detail {

/// Descriptors. [AMQP-2.7, 5.3.3]
inline constexpr std::uint64_t kOpen = 0x10;
inline constexpr std::uint64_t kBegin = 0x11;
inline constexpr std::uint64_t kAttach = 0x12;
inline constexpr std::uint64_t kFlow = 0x13;
inline constexpr std::uint64_t kTransfer = 0x14;
inline constexpr std::uint64_t kDisposition = 0x15;
inline constexpr std::uint64_t kDetach = 0x16;
inline constexpr std::uint64_t kEnd = 0x17;
inline constexpr std::uint64_t kClose = 0x18;
inline constexpr std::uint64_t kSaslInit = 0x41;
inline constexpr std::uint64_t kSaslResponse = 0x43;

/// Values in a performative, those inside values and descriptors included. The engine makes about 80 bytes of each, also of
/// one that comes in one byte: so a link costs no more than the largest frame.
inline constexpr std::uint32_t kFrameValuesMax = 1'024;

/// Views the bytes that it was read from.
class Performative {
public:
    /// Checks the whole list, as deep as values go; what follows it is payload.
    /// @errors  malformed_value: not a list described by a number; what ValueReader finds, with kFrameValuesMax.
    [[nodiscard]] Result<void> read(ByteView body) noexcept;

    [[nodiscard]] std::uint64_t code() const noexcept { return code_; }
    /// All values, as kFrameValuesMax counts them.
    [[nodiscard]] std::uint32_t values() const noexcept { return values_; }

    // Fields by their place in the list; nothing if the field is absent or of another type.

    [[nodiscard]] bool has(std::size_t index) const noexcept {
        return fields_[index].type != Type::null;
    }
    [[nodiscard]] std::optional<std::uint32_t> uint(std::size_t index) const noexcept;
    [[nodiscard]] std::optional<bool> boolean(std::size_t index) const noexcept;
    [[nodiscard]] bool is_string(std::size_t index) const noexcept;
    [[nodiscard]] std::optional<ByteView> binary(std::size_t index) const noexcept;

private:
    /// Up to `aborted` of a Transfer.
    static constexpr std::size_t kFields = 10;

    [[nodiscard]] const Value* find(std::size_t index, Type type) const noexcept;

    std::uint64_t code_ = 0;
    std::uint32_t values_ = 0;
    std::array<Value, kFields> fields_{};
};

/// What a peer is told whose performative cannot be read.
[[nodiscard]] Error error_of(const error_code& error) noexcept;

}  // namespace weir::amqp::detail
