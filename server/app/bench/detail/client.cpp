#include <weir/bench/detail/client.hpp>

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include <weir/bench/process.hpp>

namespace weir::bench::detail {
namespace {

constexpr std::uint32_t kFiltersPerPacket = 20;

}  // namespace

using mqtt::Next;

Client::Client(Crew& crew, Role role, std::uint32_t id, std::uint32_t number)
    : crew_{crew},
      id_{id},
      number_{number},
      role_{role},
      window_{crew.board.options.window},
      check_{role == Role::subscriber ? crew.board.plan.flows() : 0} {}

void Client::start(std::uint64_t intended_ns) {
    ++crew_.starting;
    intended_ns_ = intended_ns;
    stage_ = Stage::opening;
    if (!connection_.begin(crew_.shared(), id_, this)) {
        drop(connection_.error());
        settle();
    }
}

void Client::on_event(std::uint32_t events) {
    if (stage_ == Stage::closed) {
        return;
    }
    if (stage_ == Stage::opening) {
        open();
        settle();
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        flush();
        become_eager();
    }
    if (stage_ != Stage::closed && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        receive();
    }
}

void Client::open() {
    switch (connection_.advance(crew_.shared(), id_)) {
        case Connection::Progress::waiting:
            return;
        case Connection::Progress::failed:
            drop(connection_.error());
            return;
        case Connection::Progress::open:
            stage_ = Stage::greeting;
            send_connect();
            return;
    }
}

void Client::receive() {
    crew_.now_ns = steady_ns();
    const auto feed = [this](ByteView bytes) {
        const auto fed = protocol_.feed(bytes, *this);
        if (!fed) {
            drop(fmt::format("broken MQTT: {}", fed.error().message()));
        }
        return stage_ != Stage::closed;
    };
    if (!connection_.receive(crew_.shared(), feed) && stage_ != Stage::closed) {
        drop(connection_.error());
    }
    settle();
}

/// Frees what a client that ended held; not inside its own callbacks.
void Client::settle() {
    if (stage_ == Stage::closed) {
        connection_.close();
    }
}

void Client::note_unsent() {
    if (!has_unsent_) {
        has_unsent_ = true;
        crew_.unsent.push_back(this);
    }
}

void Client::flush() {
    has_unsent_ = false;
    if (stage_ != Stage::closed && !connection_.flush()) {
        drop(connection_.error());
    }
    settle();
}

std::string Client::client_id() const {
    if (!crew_.board.devices.empty()) {
        return crew_.board.devices[id_].name;
    }
    constexpr std::array kRoles = {'s', 'p', 'c'};
    return fmt::format(
        "{}{}{}", options().client_id_prefix, kRoles[static_cast<std::size_t>(role_)], number_
    );
}

void Client::send_connect() {
    constexpr std::array<Byte, 3> kReceiveMaximum = {0x21, 0xFF, 0xFF};
    const auto id = client_id();
    mqtt::Connect packet{
        .version = options().version,
        .clean_start = !options().persistent,
        .keep_alive_s = options().keep_alive_s,
        .client_id = id,
    };
    if (!options().user.empty()) {
        packet.user_name = options().user;
    }
    if (!options().password.empty()) {
        packet.password = as_bytes(options().password);
    }
    if (packet.version == mqtt::Version::v5) {
        packet.properties = mqtt::Properties{kReceiveMaximum};
    }
    Bytes bytes;
    protocol_.connect(bytes, packet);
    connection_.send(bytes.size(), [&](Byte* out) { std::ranges::copy(bytes, out); });
    flush();
}

Next Client::on_connack(const mqtt::Connack& packet) noexcept {
    if (packet.reason_code != mqtt::ReasonCode::success) {
        return stop(fmt::format("CONNECT refused: {}", mqtt::name(packet.reason_code)));
    }
    if (const auto maximum = packet.properties.number(mqtt::PropertyId::receive_maximum);
        maximum && options().qos != mqtt::Qos::at_most_once) {
        window_ = std::min(window_, *maximum);
    }
    if (role_ == Role::subscriber) {
        stage_ = Stage::subscribing;
        subscribe_more();
        return Next::go_on;
    }
    become_ready();
    return stage_ == Stage::closed ? Next::stop : Next::go_on;
}

void Client::subscribe_more() {
    const auto& plan = crew_.board.plan;
    Bytes list;
    const auto first = subscribed_;
    const auto last = std::min(plan.filters_of_each(), first + kFiltersPerPacket);
    for (; subscribed_ < last; ++subscribed_) {
        const auto filter = plan.filter(number_, subscribed_);
        mqtt::append_subscription(list, {.filter = filter, .qos = options().qos});
    }
    send(mqtt::Subscribe{
        .packet_id = protocol_.next_packet_id(),
        .subscriptions = {list, last - first},
    });
}

Next Client::on_suback(const mqtt::Suback& packet) noexcept {
    for (std::size_t i = 0; i < packet.reason_codes.size(); ++i) {
        const auto code = packet.reason_codes[i];
        if (static_cast<unsigned>(code) != static_cast<unsigned>(options().qos)) {
            return stop(fmt::format("SUBSCRIBE refused: {}", mqtt::name(code)));
        }
    }
    if (subscribed_ < crew_.board.plan.filters_of_each()) {
        subscribe_more();
    } else if (stage_ == Stage::subscribing) {
        become_ready();
    }
    return Next::go_on;
}

void Client::become_ready() {
    stage_ = Stage::ready;
    --crew_.starting;
    last_ping_ns_ = steady_ns();
    crew_.connect_time.add(last_ping_ns_ - intended_ns_);
    crew_.counters.ready.add();
    if (options().scenario == Scenario::connects) {
        close();
    }
}

void Client::close() {
    if (stage_ == Stage::ready) {
        send(mqtt::Disconnect{});
        static_cast<void>(connection_.flush());
    }
    stage_ = Stage::closed;
}

void Client::ping_if_due(std::uint64_t now_ns) {
    constexpr std::uint64_t kPingAt = 800'000'000;  // Of each second of keep-alive.
    if (stage_ == Stage::ready && options().keep_alive_s > 0 &&
        now_ns - last_ping_ns_ > options().keep_alive_s * kPingAt) {
        last_ping_ns_ = now_ns;
        send(mqtt::Pingreq{});
        crew_.counters.pings.add();
    }
}

Next Client::on_pingresp() noexcept {
    crew_.counters.pongs.add();
    return Next::go_on;
}

Next Client::on_disconnect(const mqtt::Disconnect& packet) noexcept {
    return stop(fmt::format("DISCONNECT by the broker: {}", mqtt::name(packet.reason_code)));
}

Next Client::on_unsuback(const mqtt::Unsuback& /*packet*/) noexcept {
    return Next::go_on;
}

Next Client::on_auth(const mqtt::Auth& /*packet*/) noexcept {
    return Next::go_on;
}

Next Client::stop(const std::string& why) {
    drop(why);
    return Next::stop;
}

void Client::drop(const std::string& why) {
    if (stage_ == Stage::closed) {
        return;
    }
    if (stage_ == Stage::ready) {
        crew_.counters.closed.add();
    } else {
        --crew_.starting;
        crew_.counters.failed.add();
    }
    crew_.note_error(why);
    stage_ = Stage::closed;
}

}  // namespace weir::bench::detail
