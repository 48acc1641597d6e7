/// Where in a stream of AMQP frames the peer is.
#pragma once

#include <array>
#include <cstddef>

#include <weir/base/bytes.hpp>

namespace weir::amqp::detail {

/// Follows the sizes of the frames that come after Open; looks at nothing else.
class FrameBorder {
public:
    void take(ByteView bytes) noexcept;
    /// Bytes taken of the frame that is not complete; 0 between two frames.
    [[nodiscard]] std::size_t unfinished() const noexcept { return taken_; }

private:
    std::array<Byte, 4> size_{};  ///< As much of it as came. [AMQP-2.3.1]
    std::size_t taken_ = 0;
};

}  // namespace weir::amqp::detail
