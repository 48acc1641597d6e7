// A connection's bytes through the server's end, in pieces, against the same bytes in one piece:
// both must hand out the same packets and end the same way. Input: chunk size, options, then what
// the client sends.
#include <algorithm>
#include <cstdint>
#include <string>

#include <weir/base/assert.hpp>
#include <weir/mqtt/server_protocol.hpp>

namespace {

using namespace weir;
using namespace weir::mqtt;

/// Sums up what came; accepts, settles and stops as the options say.
class Handler final : public ServerProtocol::Handler {
public:
    Handler(ServerProtocol& protocol, std::uint8_t options)
        : protocol_{protocol}, options_{options} {}

    std::uint64_t digest = 0;

    Next on_connect(const Connect& packet) noexcept override {
        note(packet.client_id);
        if (packet.will) {
            note(packet.will->topic);
            note(as_text(packet.will->payload));
        }
        if ((options_ & 1U) == 0) {
            protocol_.accept(
                packet.keep_alive_s, ServerLimits{.packet_bytes = 512, .receive_maximum = 4}
            );
        }
        return next();
    }
    Next on_publish(const Publish& packet) noexcept override {
        WEIR_ASSERT(!packet.topic.empty());
        note(packet.topic);
        note(as_text(packet.payload));
        if (packet.qos != Qos::at_most_once && (options_ & 2U) != 0) {
            protocol_.settled();
        }
        return next();
    }
    Next on_ack(const Ack& packet) noexcept override {
        WEIR_ASSERT(packet.packet_id != 0);
        note(name(packet.reason_code));
        return next();
    }
    Next on_subscribe(const Subscribe& packet) noexcept override {
        std::size_t count = 0;
        for (const Subscription subscription : packet.subscriptions) {
            note(subscription.filter);
            ++count;
        }
        WEIR_ASSERT(count == packet.subscriptions.size() && count != 0);
        return next();
    }
    Next on_unsubscribe(const Unsubscribe& packet) noexcept override {
        for (const std::string_view filter : packet.filters) {
            note(filter);
        }
        return next();
    }
    Next on_pingreq() noexcept override {
        note("ping");
        return next();
    }
    Next on_disconnect(const Disconnect& packet) noexcept override {
        note(name(packet.reason_code));
        return next();
    }
    Next on_auth(const Auth& packet) noexcept override {
        note(name(packet.reason_code));
        if (packet.reason_code == ReasonCode::reauthenticate) {
            protocol_.reauthenticated();
        }
        return next();
    }

private:
    void note(std::string_view text) noexcept {
        for (const char c : text) {
            digest = (digest ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
        }
        digest = digest * 31 + text.size();
    }
    Next next() const noexcept { return (options_ & 4U) != 0 ? Next::stop : Next::go_on; }

    ServerProtocol& protocol_;
    std::uint8_t options_;
};

struct Outcome {
    std::uint64_t digest;
    error_code error;
    ConnectionState state;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome run(ByteView in, std::size_t chunk, std::uint8_t options) {
    ServerProtocol protocol{ServerLimits{.connect_bytes = 1'024}};
    Handler handler{protocol, options};
    error_code error;
    std::size_t kept_max = 0;
    while (!in.empty() && !error) {
        const auto part = in.first(std::min(chunk, in.size()));
        const auto consumed = protocol.feed(part, handler);
        if (!consumed) {
            error = consumed.error();
        } else if (*consumed == 0) {
            break;  // Nothing more is taken in this state.
        } else {
            in = in.subspan(*consumed);
        }
        kept_max = std::max(kept_max, protocol.footprint());
    }
    WEIR_ASSERT(kept_max < 64 * 1024);
    static_cast<void>(protocol.farewell(reason_code_of(error)));
    return {handler.digest, error, protocol.state()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const ByteView in{data + 2, size - 2};
    const auto whole = run(in, in.size() + 1, data[1]);
    const auto pieces = run(in, std::size_t{data[0]} + 1, data[1]);
    WEIR_ASSERT(whole == pieces);
    return 0;
}
