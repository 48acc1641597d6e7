#include <weir/net/detail/websocket_layer.hpp>

#include <algorithm>
#include <cstring>

#include <weir/net/error.hpp>
#include <weir/net/send_queue.hpp>

namespace weir::net::detail {

ByteView WebSocketLayer::decode(std::span<Byte> bytes) noexcept {
    carried_.clear();
    std::span<Byte> in = bytes;
    std::size_t size = 0;
    for (;;) {
        const auto event = decoder_.next(in);
        if (!event) {
            queue_close(websocket::close_code(event.error()));
            ended_ = event.error();
            return bytes.first(size);
        }
        switch (event->kind) {
            case websocket::Event::Kind::need_more:
                append(carried_, in);
                return bytes.first(size);
            case websocket::Event::Kind::data:
                std::memmove(bytes.data() + size, event->data.data(), event->data.size());
                size += event->data.size();
                break;
            case websocket::Event::Kind::ping:
                if (!close_queued_) {
                    const auto pong =
                        websocket::control_frame(websocket::Opcode::pong, event->data);
                    control_.assign(
                        pong.view().begin(), pong.view().end()
                    );  // The latest ping is answered.
                }
                break;
            case websocket::Event::Kind::pong:
                break;
            case websocket::Event::Kind::close:
                queue_close(websocket::kCloseNormal);
                ended_ = errc::end_of_stream;
                return bytes.first(size);
        }
    }
}

WebSocketLayer::Output WebSocketLayer::next_output(const SendQueue& queue) noexcept {
    if (head_sent_ == head_.size() && frame_left_ == 0 && (!control_.empty() || !queue.empty())) {
        head_.clear();
        head_sent_ = 0;
        if (!queue.empty()) {
            append(
                head_, websocket::server_header(websocket::Opcode::binary, queue.bytes()).view()
            );
            frame_left_ = queue.bytes();
        }
        if (!control_.empty()) {
            head_.insert(head_.begin(), control_.begin(), control_.end());
            control_.clear();
        }
    }
    return {
        .head = ByteView{head_}.subspan(head_sent_), .limit = static_cast<std::size_t>(frame_left_)
    };
}

void WebSocketLayer::consumed_head(std::size_t size) noexcept {
    head_sent_ += size;
    if (head_sent_ == head_.size()) {
        head_.clear();
        head_sent_ = 0;
    }
}

void WebSocketLayer::queue_close(std::uint16_t code) noexcept {
    if (!close_queued_) {
        close_queued_ = true;
        const auto frame = websocket::close_frame(code, {});
        append(control_, frame.view());
    }
}

}  // namespace weir::net::detail
