// A peer that starts well and goes on with anything. The first byte says how far it comes and how
// its bytes are cut.
#include <algorithm>

#include <weir/amqp/server_connection.hpp>
#include <weir/base/assert.hpp>
#include "../support/amqp_frames.hpp"

using namespace weir;
using namespace weir::amqp;
using namespace weir::test::amqp_frames;

namespace {

/// Answers everything, and uses each link as far as it goes.
class Server final : public Events {
public:
    explicit Server(ServerConnection& connection) : connection_{connection} {}

    void on_sasl(const SaslInit& init) noexcept override {
        connection_.sasl_outcome(
            as_text(init.password) == "secret" ? SaslVerdict::accepted : SaslVerdict::refused
        );
    }
    void on_open(const Open&) noexcept override { connection_.accept_open(); }
    void on_attach(const Attach& attach) noexcept override {
        if (attach.address.starts_with("x")) {
            connection_.detach(attach.link, {"amqp:not-found", "no such node"});
        } else {
            connection_.accept_attach(
                attach.link, {.address = attach.address, .filters = attach.filters}
            );
        }
    }
    void on_detach(LinkId link, const Detach&) noexcept override {
        WEIR_ASSERT(connection_.credit(link) == 0);
    }
    void on_transfer(const Transfer& transfer) noexcept override {
        if (transfer.delivery) {
            connection_.settle(
                transfer.delivery,
                {.kind = static_cast<OutcomeKind>(transfer.message.size() % 4),
                 .error = {"amqp:not-allowed", "no"}}
            );
        }
    }
    void on_credit(LinkId link, std::uint32_t, bool drain) noexcept override {
        for (int i = 0; i < 3 && connection_.sendable(link) > 0; ++i) {
            ignore_error(
                connection_.send(link, as_bytes("head"), as_bytes("body"), i == 0),
                "the peer may leave"
            );
        }
        if (drain) {
            connection_.drained(link);
        }
    }
    void on_disposition(LinkId, DeliveryId, const Outcome&) noexcept override {}
    void on_close(const Error&) noexcept override {
        WEIR_ASSERT(!closed_);
        closed_ = true;
    }

private:
    ServerConnection& connection_;
    bool closed_ = false;
};

Bytes valid_start(unsigned stage) {
    Bytes out;
    if (stage >= 1) {
        append(out, protocol_header(3));
    }
    if (stage >= 2) {
        append(out, sasl_init_frame("probe", "secret"));
        append(out, protocol_header(0));
    }
    if (stage >= 3) {
        append(out, open_frame());
    }
    if (stage >= 4) {
        append(out, begin_frame());
    }
    if (stage >= 5) {
        append(out, attach_frame(0, "up", "data/probe"));
    }
    if (stage >= 6) {
        append(out, attach_frame(1, "down", "cmd/probe", true));
        append(out, flow_frame(1, 5));
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const unsigned stage = data[0] % 8;
    const std::size_t step = (data[0] & 0x80U) != 0 ? 7 : size;
    Bytes input = valid_start(stage);
    append(input, ByteView{data, size}.subspan(1));

    const Settings settings{
        .max_frame_bytes = 4'096, .message_bytes_max = 10'000, .credit_window = 10
    };
    ServerConnection connection{settings, {.plain = true, .optional = stage == 7}};
    Server server{connection};
    SteadyTime now{1'000};
    for (ByteView rest{input}; !rest.empty();) {
        const auto taken = connection.feed(rest.first(std::min(step, rest.size())));
        rest = rest.subspan(taken);
        connection.process(server);
        for (auto out = connection.output(); !out.empty(); out = connection.output()) {
            connection.output_done(out.size());
        }
        now += SteadyTime{100};
        static_cast<void>(connection.tick(now));
        connection.process(server);
        WEIR_ASSERT(taken > 0);
    }
    connection.eof();
    connection.process(server);
    WEIR_ASSERT(connection.finished());
    return 0;
}
