// The WebSocket part of a client's connection: the upgrade, frames out, frames in. [RFC6455]
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <weir/bench/detail/connection.hpp>
#include <weir/websocket/upgrade.hpp>

namespace weir::bench::detail {
namespace {

constexpr std::string_view kKey = "d2VpciBiZW5jaCBoZWxsbw==";
/// Masks protect proxies from scripts in browsers. There is neither here, so one will do.
constexpr std::uint32_t kMask = 0x3D21'FA37;
constexpr std::size_t kMaskBytes = sizeof(kMask);
constexpr Byte kMaskBit = 0x80;

bool is_switch(std::string_view answer) {
    return answer.starts_with("HTTP/1.1 101 ") &&
           answer.find(websocket::accept_key(kKey)) != std::string_view::npos;
}

}  // namespace

Byte* Connection::begin_packet(std::size_t size) {
    if (websocket_ == nullptr) {
        return room(size);
    }
    auto head = websocket::server_header(websocket::Opcode::binary, size);
    head.bytes[1] |= kMaskBit;
    Byte* const out = room(head.size + kMaskBytes + size);
    std::memcpy(out, head.bytes.data(), head.size);
    std::memcpy(out + head.size, &kMask, kMaskBytes);
    end_ += head.size + kMaskBytes;
    return out + head.size + kMaskBytes;
}

void Connection::end_packet(Byte* out, std::size_t size) noexcept {
    if (websocket_ != nullptr) {
        auto mask = kMask;
        websocket::apply_mask({out, size}, mask);
    }
    end_ += size;
}

Connection::Progress Connection::ask_for_upgrade(const Options& options) {
    const auto host = options.host.contains(':') ? fmt::format("[{}]", options.host) : options.host;
    const auto request = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
        options.websocket_path,
        host,
        options.port,
        kKey
    );
    std::memcpy(room(request.size()), request.data(), request.size());
    end_ += request.size();
    step_ = Step::upgrade;
    websocket_ = std::make_unique<WebSocket>();
    return flush() ? Progress::waiting : Progress::failed;
}

Connection::Progress Connection::take_upgrade(const Shared& shared) {
    const auto bytes = read(shared.scratch);
    if (!bytes) {
        return Progress::failed;
    }
    constexpr std::string_view kEnd = "\r\n\r\n";
    const auto text = as_text(*bytes);
    const auto end = text.find(kEnd);
    if (end == std::string_view::npos && text.size() <= websocket::kUpgradeBytesMax) {
        websocket_->carry.assign(bytes->begin(), bytes->end());
        return Progress::waiting;
    }
    if (end == std::string_view::npos || !is_switch(text.substr(0, end))) {
        fail(fmt::format("WebSocket refused: {}", text.substr(0, text.find('\r'))));
        return Progress::failed;
    }
    const auto rest = bytes->subspan(end + kEnd.size());
    websocket_->carry.assign(rest.begin(), rest.end());
    step_ = Step::open;
    return Progress::open;
}

std::optional<ByteView> Connection::next_piece(std::span<Byte>& bytes) {
    using Kind = websocket::Event::Kind;
    for (;;) {
        const auto event = websocket_->decoder.next(bytes);
        if (!event) {
            fail(fmt::format("WebSocket: {}", event.error().message()));
            return std::nullopt;
        }
        switch (event->kind) {
            case Kind::data:
                return event->data;
            case Kind::need_more:
                websocket_->carry.assign(bytes.begin(), bytes.end());
                return std::nullopt;
            case Kind::ping: {
                const auto pong =
                    websocket::client_frame(websocket::Opcode::pong, event->data, kMask);
                std::memcpy(room(pong.size()), pong.data(), pong.size());
                end_ += pong.size();
                if (!flush()) {
                    return std::nullopt;
                }
                break;
            }
            case Kind::pong:
                break;
            case Kind::close:
                fail(fmt::format("WebSocket closed by the broker, {}", event->close_code));
                return std::nullopt;
        }
    }
}

}  // namespace weir::bench::detail
