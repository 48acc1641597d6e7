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
        if (attach.role == Role::receiver) {
            outgoing_ = attach.link;
        }
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
    /// Somebody publishes what the peer subscribes to.
    void publish() noexcept {
        if (connection_.sendable(outgoing_) > 0) {
            ignore_error(
                connection_.send(outgoing_, as_bytes("head"), as_bytes("body"), false),
                "the peer may leave"
            );
        }
    }
    void on_disposition(LinkId, DeliveryId, const Outcome&) noexcept override {}
    void on_close(const Error&) noexcept override {
        WEIR_ASSERT(!closed_);
        closed_ = true;
    }

private:
    ServerConnection& connection_;
    LinkId outgoing_;
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

/// Three bytes per frame: which, and two arguments.
Bytes scripted(ByteView script) {
    Bytes out;
    std::uint32_t delivery = 0;
    for (; script.size() >= 3; script = script.subspan(3)) {
        const std::uint32_t handle = script[1] % 4;
        const auto handle16 = static_cast<std::uint16_t>(handle);
        const std::uint32_t argument = script[2];
        Bytes next;
        switch (script[0] % 10) {
            case 0:
                next = begin_frame(argument % 4 == 0 ? std::optional{handle16} : std::nullopt);
                break;
            case 1:
                next = attach_frame(
                    handle,
                    "link" + std::to_string(argument % 4),
                    argument % 3 == 0 ? "x" : "a",
                    argument % 2 == 0
                );
                break;
            case 2:
                next = transfer_frame(
                    handle,
                    delivery,
                    Bytes(argument * 20),
                    argument % 3 == 0,
                    argument % 2 == 0,
                    argument % 5 == 0
                );
                delivery += argument % 3 != 0 || argument % 5 == 0 ? 1 : 0;
                break;
            case 3:
                next = flow_frame(handle, argument);
                break;
            case 4:
                next = detach_frame(handle, argument % 2 == 0);
                break;
            case 5:
                next = end_frame();
                break;
            case 6:
                next = disposition_frame(
                    true,
                    argument % 8,
                    argument % 8 + handle,
                    static_cast<std::uint8_t>(0x23 + argument % 5),
                    argument % 2 == 0
                );
                break;
            case 7:
                next = disposition_frame(
                    false,
                    argument % 8,
                    argument % 8 + handle,
                    static_cast<std::uint8_t>(0x23 + argument % 5),
                    argument % 2 == 0
                );
                break;
            case 8:
                next = frame(0, {});
                break;
            default:
                next = argument == 0 ? close_frame() : frame(0, {});
                break;
        }
        next[7] = script[0] / 64 % 3;  // The channel.
        append(out, next);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const unsigned stage = data[0] % 8;
    const std::size_t step = (data[0] & 0x80U) != 0   ? 7
                             : (data[0] & 0x20U) != 0 ? 60
                                                      : 1'000;
    Bytes input = valid_start(stage);
    const ByteView rest_of_input = ByteView{data, size}.subspan(1);
    append(
        input,
        (data[0] & 0x40U) != 0 ? scripted(rest_of_input)
                               : Bytes{rest_of_input.begin(), rest_of_input.end()}
    );

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
        server.publish();
        connection.process(server);
        WEIR_ASSERT(taken > 0);
    }
    connection.eof();
    connection.process(server);
    WEIR_ASSERT(connection.finished());
    return 0;
}
