#include "frame_border.hpp"

#include <algorithm>

namespace weir::amqp::detail {

void FrameBorder::take(ByteView bytes) noexcept {
    while (!bytes.empty()) {
        while (taken_ < size_.size() && !bytes.empty()) {
            size_[taken_++] = bytes.front();
            bytes = bytes.subspan(1);
        }
        if (taken_ < size_.size()) {
            return;
        }
        // A size below that of its own field is refused by the engine, which reads no more then.
        const auto size = std::max<std::size_t>(load_be<std::uint32_t>(size_.data()), taken_);
        const std::size_t count = std::min(bytes.size(), size - taken_);
        bytes = bytes.subspan(count);
        taken_ = taken_ + count == size ? 0 : taken_ + count;
    }
}

}  // namespace weir::amqp::detail
