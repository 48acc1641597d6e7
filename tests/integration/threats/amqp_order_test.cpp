// T-08 for AMQP: performatives that are right by themselves, at the wrong time.
#include <array>
#include <string>

#include "integration/threats/support.hpp"
#include "support/amqp_frames.hpp"

namespace weir::test {
namespace {

using namespace amqp_frames;

struct NamedBytes {
    std::string_view name;
    Bytes bytes;
};

const std::array kFrames = {
    NamedBytes{"open", open_frame()},
    NamedBytes{"begin", begin_frame()},
    NamedBytes{"attach", attach_frame(0, "link", "topic/t")},
    NamedBytes{"flow", flow_frame(0, 10)},
    NamedBytes{"transfer", transfer_frame(0, 0, {})},
    NamedBytes{"disposition", disposition_frame(true, 0, 0, 0x24, true)},
    NamedBytes{"detach", detach_frame(0, true)},
    NamedBytes{"end", end_frame()},
    NamedBytes{"sasl_init", sasl_init_frame("u", "p")},
    NamedBytes{"header", protocol_header(0)},
};

struct Meeting {
    NamedBytes so_far;
    std::string_view ends;  ///< One letter for each of kFrames: 'x': it ends the connection.
};

std::vector<Meeting> meetings() {
    const Bytes header = protocol_header(0);
    const Bytes opened = header + open_frame();
    const Bytes begun = opened + begin_frame();
    const Bytes linked = begun + attach_frame(0, "link", "topic/t");
    return {
        {{"header", header}, ".xxxxxxxxx"},
        {{"opened", opened}, "x.xxxxxx.x"},
        {{"begun", begun}, "x..xx.x..x"},
        {{"linked", linked}, "x.x......x"},
        {{"detached", linked + detach_frame(0, true)}, "x..xx.x..x"},
        {{"ended", begun + end_frame()}, "x.xxxxxx.x"},
    };
}

/// Reads until the server closes, with a performative or without; what does not come is an exception.
void expect_end(SocketPeer& peer) {
    const std::string_view close{"\x00\x53\x18", 3};
    std::string heard;
    for (Bytes part = peer.read(); !part.empty(); part = peer.read()) {
        heard += as_text(part);
        if (heard.contains(close)) {
            return;
        }
    }
}

TEST(ThreatT08, APerformativeInAWrongState_EndsAnAmqpConnection) {
    const RunningGateway gateway{{}};
    for (const Meeting& meeting : meetings()) {
        ASSERT_EQ(meeting.ends.size(), kFrames.size());
        for (std::size_t i = 0; i < kFrames.size(); ++i) {
            if (meeting.ends[i] != 'x') {
                continue;
            }
            SCOPED_TRACE(fmt::format("{} then {}", meeting.so_far.name, kFrames[i].name));
            SocketPeer peer{gateway.port()};
            peer.send(meeting.so_far.bytes + kFrames[i].bytes);
            EXPECT_NO_THROW(expect_end(peer));
        }
    }
    expect_service(gateway.port());
}

TEST(ThreatT08, NothingBehindCloseIsDone_OnAnAmqpConnection) {
    const RunningGateway gateway{{}};
    for (const NamedBytes& frame : kFrames) {
        SCOPED_TRACE(frame.name);
        SocketPeer peer{gateway.port()};
        peer.send(protocol_header(0) + open_frame() + close_frame() + frame.bytes);
        const std::string heard = peer.read_all();
        EXPECT_FALSE(heard.contains(std::string_view{"\x00\x53\x11", 3})) << "no session";
    }
    expect_service(gateway.port());
}

}  // namespace
}  // namespace weir::test
