#include <weir/net/detail/websocket_layer.hpp>

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
                queue_pong(event->data);
                break;
            case websocket::Event::Kind::pong:
                break;
            case websocket::Event::Kind::close:
                queue_close(event->close_code);
                ended_ = errc::end_of_stream;
                return bytes.first(size);
        }
    }
}

WebSocketLayer::Output WebSocketLayer::next_output(const SendQueue& queue) noexcept {
    if (head_sent_ == head_.size() && frame_left_ == 0) {
        begin_frame(queue);
    }
    return {
        .head = ByteView{head_}.subspan(head_sent_), .limit = static_cast<std::size_t>(frame_left_)
    };
}

void WebSocketLayer::begin_frame(const SendQueue& queue) noexcept {
    head_sent_ = 0;
    head_.clear();
    if (closing_ == Closing::begun) {
        return;
    }
    head_.swap(pongs_);
    if (!queue.empty()) {
        append(head_, websocket::server_header(websocket::Opcode::binary, queue.bytes()).view());
        frame_left_ = queue.bytes();
    } else if (closing_ == Closing::queued) {
        append(head_, websocket::close_frame(close_code_, {}).view());
        closing_ = Closing::begun;
    }
}

void WebSocketLayer::consumed_head(std::size_t size) noexcept {
    head_sent_ += size;
    if (head_sent_ == head_.size() && head_.capacity() > websocket::kControlBytesMax) {
        head_ = Bytes{};
        head_sent_ = 0;
    }
}

void WebSocketLayer::queue_pong(ByteView payload) noexcept {
    if (closing_ != Closing::no) {
        return;
    }
    const auto pong = websocket::control_frame(websocket::Opcode::pong, payload);
    if (pongs_.size() + pong.size > kPongBytesMax) {
        pongs_.clear();
    }
    append(pongs_, pong.view());
}

void WebSocketLayer::queue_close(std::uint16_t code) noexcept {
    if (closing_ == Closing::no) {
        closing_ = Closing::queued;
        close_code_ = code;
    }
}

}  // namespace weir::net::detail
