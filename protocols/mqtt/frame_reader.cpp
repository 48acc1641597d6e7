#include <weir/mqtt/frame_reader.hpp>

#include <algorithm>

namespace weir::mqtt {
namespace {

void move_bytes(ByteView& from, std::size_t count, Bytes& to) {
    const auto part = from.first(std::min(count, from.size()));
    to.insert(to.end(), part.begin(), part.end());
    from = from.subspan(part.size());
}

}  // namespace

std::optional<std::uint8_t> FrameReader::peek_type(ByteView in) const noexcept {
    const ByteView first = kept_.empty() ? in : ByteView{kept_};
    return first.empty() ? std::nullopt : std::optional{static_cast<std::uint8_t>(first[0] >> 4U)};
}

Result<Frame> FrameReader::next(ByteView& in, std::uint32_t packet_bytes_max) noexcept {
    if (kept_.empty()) {
        auto frame = read_frame(in, packet_bytes_max);
        if (frame) {
            in = in.subspan(frame->size);
        } else if (frame.error() == errc::need_more) {
            kept_.assign(in.begin(), in.end());
            in = {};
        }
        return frame;
    }
    auto size = read_packet_size(kept_, packet_bytes_max);
    while (!size && size.error() == errc::need_more && !in.empty()) {
        move_bytes(in, 1, kept_);
        size = read_packet_size(kept_, packet_bytes_max);
    }
    if (!size) {
        return size.error();
    }
    const std::size_t missing = *size - kept_.size();
    if (const auto needed = kept_.size() + std::min(missing, in.size()); needed > kept_.capacity()) {
        // Doubled as bytes come, but never beyond what the packet can need.
        kept_.reserve(std::min(*size, std::max(needed, 2 * kept_.capacity())));
    }
    move_bytes(in, missing, kept_);
    return read_frame(kept_, packet_bytes_max);
}

void FrameReader::done() noexcept {
    if (!kept_.empty()) {
        kept_ = Bytes{};
    }
}

}  // namespace weir::mqtt
