// Messages of a client: what it may send, and what it gets.
#include <array>
#include <cstring>

#include <weir/bench/detail/client.hpp>
#include <weir/bench/process.hpp>
#include <weir/bench/stamp.hpp>

namespace weir::bench::detail {
namespace {

/// Unsent bytes beyond which a publisher waits for its socket.
constexpr std::size_t kBacklogMax = 256 * 1'024;

}  // namespace

using mqtt::Next;
using mqtt::PacketType;
using mqtt::Qos;

bool Client::may_publish() const noexcept {
    if (stage_ != Stage::ready || connection_.unsent() > kBacklogMax) {
        return false;
    }
    if (options().qos != Qos::at_most_once && in_flight_ >= window_) {
        return false;
    }
    const std::uint64_t copies = crew_.board.plan.copies();
    const auto delivered =
        crew_.board.delivered[number_].count.load(std::memory_order_relaxed) + written_off_;
    return options().flood || sequence_ * copies < delivered + options().window * copies;
}

void Client::publish(std::uint64_t due_ns) {
    const auto topics = crew_.board.plan.topics_of(number_);
    const auto qos = options().qos;
    const mqtt::PublishHeader head{
        .topic = topics.size() == 1 ? topics[0] : topics[crew_.random() % topics.size()],
        .payload_bytes = options().payload_bytes,
        .packet_id = qos == Qos::at_most_once ? std::uint16_t{0} : protocol_.next_packet_id(),
        .qos = qos,
        .retain = options().retain,
    };
    connection_.send(mqtt::publish_size(head, options().version), [&](Byte* out) {
        Byte* const payload = mqtt::write_publish_head(out, head, options().version);
        write_stamp(
            payload, {.sent_ns = due_ns, .publisher = number_, .sequence = sequence_}
        );
        std::memset(payload + kStampBytes, 'x', head.payload_bytes - kStampBytes);
    });
    ++sequence_;
    in_flight_ += qos == Qos::at_most_once ? 0 : 1;
    crew_.counters.sent.add();
    note_unsent();
}

bool Client::publish_burst() {
    is_eager_ = false;
    if (!may_publish()) {
        return false;
    }
    const auto now = steady_ns();
    for (std::uint32_t i = 0; i < options().burst; ++i) {
        if (!may_publish()) {
            return false;
        }
        publish(now);
    }
    return true;
}

void Client::become_eager() {
    if (role_ == Role::publisher && !is_eager_) {
        is_eager_ = true;
        crew_.eager.push_back(this);
    }
}

void Client::write_off() {
    const auto owed = std::uint64_t{sequence_} * crew_.board.plan.copies();
    const auto delivered = crew_.board.delivered[number_].count.load(std::memory_order_relaxed);
    written_off_ = owed - std::min(owed, delivered);
    become_eager();
}

Next Client::on_publish(const mqtt::Publish& packet) noexcept {
    deliver(packet);
    if (packet.qos != Qos::at_most_once) {
        const bool once = packet.qos == Qos::exactly_once;
        send(mqtt::Ack{
            .type = once ? PacketType::pubrec : PacketType::puback, .packet_id = packet.packet_id
        });
    }
    return Next::go_on;
}

void Client::deliver(const mqtt::Publish& packet) {
    auto& counters = crew_.counters;
    const auto& plan = crew_.board.plan;
    if (role_ != Role::subscriber || packet.payload.size() != options().payload_bytes) {
        counters.foreign.add();
        crew_.note_error("a message of somebody else came");
        return;
    }
    const auto stamp = read_stamp(packet.payload.data());
    if (stamp.publisher >= plan.counts().publishers) {
        counters.foreign.add();
        crew_.note_error("a message of somebody else came");
        return;
    }
    counters.received.add();
    if (crew_.board.phase.load(std::memory_order_relaxed) == Phase::measure) {
        crew_.latency.add(crew_.now_ns > stamp.sent_ns ? crew_.now_ns - stamp.sent_ns : 0);
    }
    check_.take(plan.flow_of(stamp.publisher), stamp.sequence);
    crew_.board.delivered[stamp.publisher].count.fetch_add(1, std::memory_order_relaxed);
    const auto threads = options().threads;
    if (stamp.publisher % threads == crew_.number) {
        crew_.publishers[stamp.publisher / threads]->become_eager();
    } else {
        crew_.others_have_room = true;
    }
}

Next Client::on_ack(const mqtt::Ack& packet) noexcept {
    const bool refused = mqtt::is_error(packet.reason_code);
    if (packet.type == PacketType::pubrel) {
        send(mqtt::Ack{.type = PacketType::pubcomp, .packet_id = packet.packet_id});
        return Next::go_on;
    }
    if (packet.type == PacketType::pubrec && !refused) {
        send(mqtt::Ack{.type = PacketType::pubrel, .packet_id = packet.packet_id});
        return Next::go_on;
    }
    (refused ? crew_.counters.refused : crew_.counters.acknowledged).add();
    in_flight_ -= in_flight_ > 0 ? 1 : 0;
    become_eager();
    return Next::go_on;
}

}  // namespace weir::bench::detail
