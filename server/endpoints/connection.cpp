// Of a connection what is the same for all protocols: what comes too slowly or not at all, its move and its end.
#include <weir/endpoints/connection.hpp>

#include <algorithm>
#include <limits>

#include <weir/net/error.hpp>
#include <weir/proxy/sniff.hpp>

namespace weir::endpoints {

using model::Action;
using model::Reason;

namespace {

constexpr std::chrono::milliseconds kWatchEvery{1'000};
/// What a packet must come at once it is under way for Limits::packet_grace.
constexpr std::int64_t kPacketBytesPerSecond = 512;

[[nodiscard]] net::Watermarks watermarks(const model::Limits& limits) noexcept {
    const auto high = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(limits.backlog_bytes, std::numeric_limits<std::uint32_t>::max())
    );
    return {.high = high, .low = high / 4};
}

[[nodiscard]] std::uint32_t stamp_of(SteadyTime time) noexcept {
    return static_cast<std::uint32_t>(time.count());
}
[[nodiscard]] std::chrono::milliseconds age_of(std::uint32_t stamp, SteadyTime now) noexcept {
    return std::chrono::milliseconds{stamp_of(now) - stamp};
}

[[nodiscard]] Reason reason_of(const error_code& error) noexcept {
    if (error.category() == net::category()) {
        switch (static_cast<net::errc>(error.value())) {
            case net::errc::tls_failed:
            case net::errc::tls_version:
            case net::errc::tls_alpn:
            case net::errc::tls_no_certificate:
            case net::errc::tls_bad_certificate:
            case net::errc::tls_refused_by_peer:
                return Reason::tls_failed;
            case net::errc::timed_out:
            case net::errc::evicted:
                return Reason::handshake_timeout;
            default:
                return Reason::peer_closed;
        }
    }
    return Reason::peer_closed;
}

}  // namespace

Connection::Connection(Services& services, ListenerPtr listener, net::Accepted accepted)
    : net::
          Connection{services.io, net::Transport{std::move(accepted.fd)}, watermarks(listener->limits)},
      services_{&services},
      listener_{std::move(listener)},
      slot_{std::move(accepted.slot)},
      peer_{host_of(accepted.peer)},
      since_{services.shard.now()},
      heard_ms_{stamp_of(since_)},
      heard_packet_ms_{heard_ms_} {
    if (listener_->is_proxy(accepted.peer)) {
        phase_ = Phase::preface;
    }
}

Connection::~Connection() = default;

std::string Connection::host_of(const net::Address& peer) {
    std::string text = proxy::to_text(peer);
    text.resize(text.rfind(':'));
    return text;
}

Connection::Early& Connection::early() {
    if (!early_) {
        early_ = std::make_unique<Early>();
    }
    return *early_;
}

std::string_view Connection::device() const noexcept {
    if (early_ && !early_->device.empty()) {
        return early_->device;
    }
    return meter_ != nullptr ? meter_->device() : std::string_view{peer_};
}

void Connection::refuse(
    Action action, model::Verdict verdict, std::string_view topic, std::string_view detail
) const {
    services_->metrics().refuse(verdict.reason);
    services_->context().decisions.record(
        who(),
        action,
        verdict.reason,
        services_->shard.wall_now(),
        topic,
        verdict.source,
        {.detail = detail, .peer = peer_}
    );
}

pipeline::Origin Connection::origin(const broker::Session& session) const noexcept {
    return {
        .subject = session.subject(),
        .policies = &session.policies(),
        .principal = session.principal_ptr(),
        .device = session.device(),
        .meter = meter_,
        .source_ip = peer_,
        .limits = &limits(),
    };
}

bool Connection::start() {
    if (phase_ == Phase::sniffing && listener_->tls) {
        start_tls(*listener_->tls);
    }
    if (!attach(services_->io)) {
        return false;
    }
    set_deadline(since_ + listener_->limits.handshake);
    return true;
}

mqtt::TopicLimits Connection::topic_limits() const noexcept {
    return {
        .bytes = static_cast<std::uint16_t>(std::min<std::uint64_t>(limits().topic_bytes, 0xFFFF)),
        .levels = static_cast<std::uint16_t>(
            std::min<std::uint64_t>(limits().topic_levels, kTopicLevelsMax)
        ),
    };
}

std::optional<Sha256> Connection::certificate() const {
    return transport().tls() == nullptr ? std::nullopt
                                        : transport().tls()->peer_certificate_sha256();
}

void Connection::on_bytes(ByteView bytes) noexcept {
    heard_ms_ = stamp_of(services_->shard.now());
    phase_ == Phase::speaking ? feed(bytes) : recognize(bytes);
}

void Connection::feed(ByteView bytes) {
    const std::size_t taken = endpoint_->on_bytes(bytes);
    const ByteView rest = bytes.subspan(taken);
    if (closing()) {
        return;
    }
    note_packet(taken);
    if (is_moving_) {
        move_away(rest);
    } else if (endpoint_->is_waiting()) {
        pause(rest);
    }
}

void Connection::established(std::chrono::milliseconds silence_max, Heard breaks_silence) {
    if (std::exchange(established_, true)) {
        return;
    }
    breaks_silence_ = breaks_silence;
    heard_packet_ms_ = stamp_of(services_->shard.now());
    silence_max_ms_ = static_cast<std::uint32_t>(
        std::min<std::int64_t>(silence_max.count(), std::numeric_limits<std::uint32_t>::max())
    );
    if (silence_max.count() == 0) {
        clear_deadline();
    } else {
        set_deadline(services_->shard.now() + silence_max);
    }
}

void Connection::note_packet(std::size_t taken) {
    const std::size_t kept = endpoint_->unfinished();
    const bool began = kept != 0 && (packet_began_ms_ == 0 || kept <= taken);  // With these bytes.
    if (kept < taken || (began && packet_began_ms_ != 0)) {  // There was an end before.
        heard_packet_ms_ = heard_ms_;
    }
    if (kept == 0) {
        packet_began_ms_ = 0;
        return;
    }
    if (began) {
        packet_began_ms_ = std::max(1U, heard_ms_);
    }
    watch();
}

SteadyTime Connection::silence_ends() const noexcept {
    const SteadyTime now = services_->shard.now();
    const bool by_packets = breaks_silence_ == Heard::packets;
    return now + std::chrono::milliseconds{silence_max_ms_} -
           age_of(by_packets ? heard_packet_ms_ : heard_ms_, now);
}

void Connection::on_blocked() noexcept {
    watch();
}

void Connection::watch() {
    if (!established_ || is_watched_) {
        return;
    }
    is_watched_ = true;
    const SteadyTime soon = services_->shard.now() + kWatchEvery;
    set_deadline(silence_max_ms_ == 0 ? soon : std::min(soon, silence_ends()));
}

bool Connection::comes_too_slowly(SteadyTime now) const noexcept {
    if (packet_began_ms_ == 0) {
        return false;
    }
    const auto over = age_of(packet_began_ms_, now) - limits().packet_grace;
    const auto wanted = over.count() * kPacketBytesPerSecond / 1'000;
    return age_of(heard_ms_, now) >= limits().stall ||
           (over.count() > 0 && static_cast<std::int64_t>(endpoint_->unfinished()) < wanted);
}

void Connection::resume() noexcept {
    if (paused()) {
        heard_ms_ = stamp_of(services_->shard.now());
        heard_packet_ms_ = heard_ms_;
    }
    net::Connection::resume();
}

std::optional<SteadyTime> Connection::on_timeout(SteadyTime now) noexcept {
    const bool may_be_silent = silence_max_ms_ == 0;
    Reason reason = Reason::none;
    if (!established_) {
        reason = Reason::handshake_timeout;
    } else if (!may_be_silent && !paused() && silence_ends() <= now) {
        reason = Reason::keep_alive_timeout;
    } else if (comes_too_slowly(now)) {
        reason = Reason::packet_too_slow;
    } else if (stalled_since().count() != 0 && now - stalled_since() >= limits().stall) {
        reason = Reason::slow_consumer;
    }
    if (reason != Reason::none) {
        refuse(Action::disconnect, {reason});
        close(reason);
        return std::nullopt;
    }
    is_watched_ = packet_began_ms_ != 0 || stalled_since().count() != 0;
    std::optional<SteadyTime> due;
    if (!may_be_silent) {
        due = paused() ? std::max(silence_ends(), now + kWatchEvery) : silence_ends();
    }
    if (is_watched_) {
        const SteadyTime soon = now + kWatchEvery;
        due = due ? std::min(*due, soon) : soon;
    }
    return due;
}

void Connection::on_drained() noexcept {
    if (endpoint_) {
        endpoint_->on_writable();
    }
}

void Connection::close(Reason reason, Goodbye goodbye) {
    if (closing()) {
        return;
    }
    reason_ = reason;
    if (endpoint_ && goodbye == Goodbye::to_be_said) {
        endpoint_->say_goodbye(reason);
    }
    later([this] { end_endpoint(); }
    );  // Who waits for the session need not wait for the peer to close.
    if (transport().handshaking()) {
        net::Connection::close(net::errc::closed);  // Nothing can be said yet.
    } else {
        close_after_flush(net::errc::closed);
    }
}

void Connection::on_handshake_failed(const error_code& error) noexcept {
    if (reason_of(error) != Reason::tls_failed) {
        return;
    }
    reason_ = Reason::tls_failed;
    const auto& presented = io().tls.rejected();
    if (error != net::errc::tls_bad_certificate) {
        return refuse(Action::connect, {reason_}, {}, error.message());
    }
    if (!presented.name.empty()) {
        set_claimed(presented.name);
    }
    refuse(Action::connect, {reason_}, {}, presented.why);
}

void Connection::on_closed(error_code error) noexcept {
    if (error != net::errc::closed) {
        const Reason reason = reason_of(error);
        const bool is_told = reason_ == Reason::tls_failed;  // When the handshake failed.
        if (!is_told && (reason == Reason::tls_failed || reason == Reason::handshake_timeout)) {
            refuse(Action::connect, {reason}, {}, error.message());
        }
        reason_ = reason;
    }
    const auto self = services_->connections.remove(id_);
    end_endpoint();
    open_meter({}, {});
}

void Connection::end_endpoint() {
    if (endpoint_ && !std::exchange(endpoint_ended_, true)) {
        endpoint_->on_ended(reason_);
    }
}

void Connection::open_meter(std::string_view tenant, std::string_view device) {
    auto* const opened = device.empty() ? nullptr : services_->meter.open(tenant, device);
    if (meter_ != nullptr) {
        services_->meter.close(meter_);
    }
    meter_ = opened;
    if (meter_ != nullptr) {
        early_.reset();
    }
}

// --- The one move --------------------------------------------------------------------------------------------------

void Connection::move_to(unsigned shard) noexcept {
    destination_ = static_cast<std::uint16_t>(shard);
    is_moving_ = true;
    if (paused()) {  // Authentication took its time: there is no on_bytes() to come back from.
        net::Connection::resume();
        move_away({});
    }
}

void Connection::on_moving() noexcept {
    services_->metrics().moves.add();
    Services& there = *services_->all[destination_];
    there.shard.post([&there, self = services_->connections.remove(id_)]() mutable {
        self.release()->arrive(there);
    });
}

void Connection::arrive(Services& services) {
    services_ = &services;
    is_moving_ = false;
    Connection& self = services.connections.insert(std::unique_ptr<Connection>{this});
    if (!attach(services.io)) {
        end_endpoint();
        static_cast<void>(services.connections.remove(self.id()));
        return;
    }
    set_deadline(since_ + limits().handshake);
    endpoint_->on_arrival();
}

}  // namespace weir::endpoints
