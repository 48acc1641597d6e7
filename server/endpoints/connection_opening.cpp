// What does the peer speak? From the first byte to its endpoint.
#include <utility>

#include <weir/endpoints/amqp.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/endpoints/http.hpp>
#include <weir/endpoints/mqtt.hpp>
#include <weir/proxy/sniff.hpp>

namespace weir::endpoints {

using model::Action;
using model::Reason;

namespace {

/// What an answer to the opening of a WebSocket says.
[[nodiscard]] std::string_view text_of(std::uint16_t status) noexcept {
    switch (status) {
        case 400:
            return "not a valid request to open a WebSocket";
        case 403:
            return "listeners[].ws.origins does not have the origin";
        case 404:
            return "listeners[].ws.paths does not have the path";
        case 431:
            return "the head of the request is too long";
        default:
            return "only WebSocket is served here";
    }
}

}  // namespace

void Connection::recognize(ByteView bytes) {
    Bytes all;
    if (early_ && !early_->bytes.empty()) {
        all = std::exchange(early_->bytes, {});
        append(all, bytes);
        bytes = all;
    }
    phase_ == Phase::preface ? read_preface(bytes) : sniff(bytes);
}

void Connection::read_preface(ByteView bytes) {
    const auto preface = proxy::parse_preface(bytes);
    if (!preface) {
        if (preface.error() == proxy::errc::need_more) {
            append(early().bytes, bytes);
            return;
        }
        refuse(Action::connect, {Reason::protocol_not_allowed}, {}, "not a PROXY preface");
        return close(Reason::protocol_not_allowed);
    }
    if (preface->proxied) {
        peer_ = host_of(preface->source);
    }
    phase_ = Phase::sniffing;
    const ByteView rest = bytes.subspan(preface->size);
    if (listener_->tls) {
        start_tls(*listener_->tls, rest);
    } else if (!rest.empty()) {
        sniff(rest);
    }
}

void Connection::sniff(ByteView bytes) {
    const auto sniffed = proxy::sniff(bytes);
    if (sniffed == proxy::Sniffed::need_more) {
        append(early().bytes, bytes);
    } else if (sniffed == proxy::Sniffed::mqtt && listener_->mqtt) {
        speak(std::make_unique<MqttEndpoint>(*this), bytes);
    } else if (sniffed == proxy::Sniffed::amqp && listener_->amqp) {
        speak(std::make_unique<AmqpEndpoint>(*this), bytes);
    } else if (sniffed == proxy::Sniffed::http && (listener_->http || listener_->serves_websocket())) {
        upgrade(bytes);
    } else {
        refuse(Action::connect, {Reason::protocol_not_allowed});
        close(Reason::protocol_not_allowed);
    }
}

void Connection::upgrade(ByteView bytes) {
    const auto answer = websocket::answer_upgrade(bytes, listener_->upgrade);
    using Kind = websocket::UpgradeAnswer::Kind;
    if (answer.kind == Kind::need_more) {
        append(early().bytes, bytes);
        return;
    }
    if (answer.kind == Kind::plain_http && listener_->http) {
        return speak(std::make_unique<HttpEndpoint>(*this), bytes);
    }
    if (answer.kind != Kind::accepted) {
        out().append(as_bytes(
            answer.kind == Kind::refused
                ? std::string_view{answer.response}
                : std::string_view{"HTTP/1.1 426 Upgrade Required\r\nUpgrade: "
                                   "websocket\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}
        ));
        refuse(
            Action::connect, {Reason::protocol_not_allowed}, answer.target, text_of(answer.status)
        );
        return close(Reason::protocol_not_allowed);
    }
    out().append(as_bytes(answer.response));
    if (websocket::is_amqp(answer.subprotocol)) {
        speak(std::make_unique<AmqpEndpoint>(*this), {});
    } else {
        speak(std::make_unique<MqttEndpoint>(*this), {});
    }
    start_websocket(listener_->limits.packet_bytes, bytes.subspan(answer.consumed));
}

void Connection::speak(std::unique_ptr<Endpoint> endpoint, ByteView bytes) {
    endpoint_ = std::move(endpoint);
    phase_ = Phase::speaking;
    if (!bytes.empty()) {
        feed(bytes);
    }
}

}  // namespace weir::endpoints
