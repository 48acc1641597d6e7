#include <weir/amqp/server_connection.hpp>

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/event.h>
#include <proton/session.h>
#include <proton/transport.h>

#include <algorithm>
#include <array>
#include <utility>

#include <weir/amqp/conditions.hpp>

#include "detail/engine.hpp"
#include "detail/frame_gate.hpp"
#include "detail/links.hpp"
#include "detail/proton.hpp"
#include "detail/sasl.hpp"
#include "detail/terminus.hpp"

namespace weir::amqp {
namespace {

/// Bytes between two process() calls: bounds the events that wait in the engine.
constexpr std::size_t kFeedBytesMax = 64 * 1024;
/// Proton divides the capacity by the frame size: this many transfers per session window, however
/// small they are.
constexpr std::size_t kWindowFrames = 2'048;
/// Shorter promises would make us send empty frames all the time.
constexpr std::uint32_t kPeerIdleTimeoutMsMin = 1'000;
/// What a peer may begin and attach after our Close, which it cannot have seen yet.
constexpr std::uint32_t kLateOpensMax = 100;

/// Protocol headers of the SASL layer and of AMQP itself. [AMQP-2.2, 5.3.1]
constexpr std::array<Byte, 8> kSaslHeader = {'A', 'M', 'Q', 'P', 3, 1, 0, 0};
constexpr std::array<Byte, 8> kAmqpHeader = {'A', 'M', 'Q', 'P', 0, 1, 0, 0};

}  // namespace

class ServerConnection::Impl {
public:
    Impl(const Settings& settings, SaslOffer offer)
        : settings_{settings},
          sasl_{offer},
          engine_{settings, sasl_},
          links_{settings},
          gate_{settings} {}

    std::size_t feed(ByteView bytes) noexcept;
    void eof() noexcept;
    void process(Events& events) noexcept;
    ByteView output() noexcept;
    void output_done(std::size_t count) noexcept;
    std::optional<SteadyTime> tick(SteadyTime now) noexcept { return engine_.tick(now); }
    bool finished() noexcept { return last_words_.empty() && engine_.finished(); }

    void sasl_outcome(SaslVerdict verdict) noexcept;
    void accept_open() noexcept;
    void close(Error error) noexcept;

    detail::Links& links() noexcept { return links_; }
    std::size_t unsent_bytes() noexcept;
    std::size_t unfinished() const noexcept { return gate_.held(); }

private:
    enum class Phase : std::uint8_t {
        handshake,  ///< Up to the peer's Open.
        opening,    ///< The peer's Open awaits its answer; events wait in the engine.
        open,
        closing,  ///< We said Close, and wait for the peer's.
        closed,
    };

    void dispatch(pn_event_t* event, Events& events) noexcept;
    void dispatch_closing(pn_event_t* event) noexcept;
    void check_input(Events& events) noexcept;
    void on_open(Events& events) noexcept;
    void on_begin(pn_session_t* session) noexcept;
    void on_end(pn_session_t* session, Events& events) noexcept;
    void on_peer_close(Events& events) noexcept;
    void end_if_over(Events& events) noexcept;
    /// Ends the connection because of the peer.
    void fail(Error error, Events& events) noexcept;
    void report_close(Error error, Events& events) noexcept;
    [[nodiscard]] bool awaiting_answer() noexcept;

    const Settings& settings_;
    detail::SaslServer sasl_;  // Before the engine: its transport points into it.
    detail::Engine engine_;
    detail::Links links_;
    detail::FrameGate gate_;
    ByteView last_words_;  ///< Said after the engine's end.
    Phase phase_ = Phase::handshake;
    bool close_reported_ = false;
    std::size_t handshake_bytes_ = 0;
    std::size_t fed_bytes_ = 0;  ///< Since the last process().
    std::uint32_t late_opens_ = 0;
};

bool ServerConnection::Impl::awaiting_answer() noexcept {
    if (sasl_.awaiting() || phase_ == Phase::opening) {
        return true;
    }
    return phase_ == Phase::handshake &&
           (pn_connection_state(engine_.connection()) & PN_REMOTE_ACTIVE) != 0;
}

std::size_t ServerConnection::Impl::feed(ByteView bytes) noexcept {
    std::size_t taken = 0;
    while (taken < bytes.size() && fed_bytes_ < kFeedBytesMax && !awaiting_answer()) {
        const auto portion = gate_.take(
            bytes.subspan(taken, std::min(bytes.size() - taken, kFeedBytesMax - fed_bytes_))
        );
        taken += portion.taken;
        fed_bytes_ += portion.taken;
        handshake_bytes_ += phase_ == Phase::handshake ? portion.taken : 0;
        if (!portion.admitted.empty()) {
            if (engine_.feed(portion.admitted) < portion.admitted.size()) {
                gate_.refuse({condition::kInternalError, "the engine takes no more"});
            }
            gate_.fed();
        }
        if (gate_.refusal()) {
            return bytes.size();  // The end: process() says it.
        }
    }
    return taken;
}

void ServerConnection::Impl::eof() noexcept {
    last_words_ = {};
    engine_.eof();
}

ByteView ServerConnection::Impl::output() noexcept {
    const ByteView bytes = engine_.output();
    if (!bytes.empty()) {
        return bytes;
    }
    gate_.all_said();
    return last_words_;
}

void ServerConnection::Impl::output_done(std::size_t count) noexcept {
    if (engine_.finished()) {
        last_words_ = last_words_.subspan(std::min(count, last_words_.size()));
    } else {
        engine_.output_done(count);
    }
}

void ServerConnection::Impl::process(Events& events) noexcept {
    fed_bytes_ = 0;
    sasl_.report(events);
    while (phase_ != Phase::opening) {
        pn_event_t* const event = engine_.next_event();
        if (event == nullptr) {
            break;
        }
        dispatch(event, events);
    }
    if (phase_ != Phase::opening) {
        check_input(events);
    }
    end_if_over(events);
}

void ServerConnection::Impl::check_input(Events& events) noexcept {
    if (const auto& refusal = gate_.refusal()) {
        if (gate_.refused_header() && phase_ == Phase::handshake && !engine_.saw_eof()) {
            last_words_ = sasl_.accepted() || sasl_.optional() ? kAmqpHeader : kSaslHeader;
        }
        engine_.stop_reading();
        fail(*refusal, events);
    } else if (phase_ != Phase::handshake) {
        return;
    } else if (handshake_bytes_ > settings_.handshake_bytes_max) {
        fail({condition::kResourceLimitExceeded, "too many bytes before Open"}, events);
    } else if (sasl_.failed()) {
        engine_.stop_reading();
        report_close({condition::kUnauthorizedAccess, "authentication failed"}, events);
    }
}

void ServerConnection::Impl::dispatch(pn_event_t* event, Events& events) noexcept {
    if (phase_ == Phase::closing || phase_ == Phase::closed) {
        return dispatch_closing(event);
    }
    switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
            return on_open(events);
        case PN_CONNECTION_REMOTE_CLOSE:
            return on_peer_close(events);
        case PN_SESSION_REMOTE_OPEN:
            return on_begin(pn_event_session(event));
        case PN_SESSION_REMOTE_CLOSE:
            return on_end(pn_event_session(event), events);
        case PN_LINK_REMOTE_OPEN:
            return links_.attached(pn_event_link(event), events);
        case PN_LINK_REMOTE_CLOSE:
            return links_.detached(pn_event_link(event), true, events);
        case PN_LINK_REMOTE_DETACH:
            return links_.detached(pn_event_link(event), false, events);
        case PN_LINK_FLOW:
            return links_.flow(pn_event_link(event), events);
        case PN_DELIVERY:
            if (const auto error = links_.delivery(pn_event_delivery(event), events)) {
                fail(*error, events);
            }
            return;
        default:
            return;
    }
}

void ServerConnection::Impl::dispatch_closing(pn_event_t* event) noexcept {
    switch (pn_event_type(event)) {
        case PN_DELIVERY:
            if (pn_link_t* const link = pn_event_link(event); pn_link_is_receiver(link)) {
                links_.discard(link);
            }
            return;
        case PN_SESSION_REMOTE_OPEN:
        case PN_LINK_REMOTE_OPEN:
            if (++late_opens_ > kLateOpensMax) {
                engine_.abort();
            }
            return;
        default:
            return;
    }
}

void ServerConnection::Impl::on_open(Events& events) noexcept {
    pn_connection_t* const connection = engine_.connection();
    const auto idle_timeout_ms = pn_transport_get_remote_idle_timeout(engine_.transport());
    phase_ = Phase::opening;
    sasl_.end();
    if (!sasl_.accepted() && !sasl_.optional()) {
        return fail({condition::kUnauthorizedAccess, "authentication is required"}, events);
    }
    if (idle_timeout_ms != 0 && idle_timeout_ms < kPeerIdleTimeoutMsMin) {
        return fail({condition::kInvalidField, "idle-time-out is below one second"}, events);
    }
    const auto properties = detail::read_open_properties(connection);
    events.on_open({
        .container_id = detail::text_of(pn_connection_remote_container(connection)),
        .hostname = detail::text_of(pn_connection_remote_hostname(connection)),
        .authenticated = sasl_.accepted(),
        .idle_timeout_ms = idle_timeout_ms,
        .properties = properties,
    });
}

void ServerConnection::Impl::sasl_outcome(SaslVerdict verdict) noexcept {
    if (sasl_.decide(engine_.transport(), verdict) && sasl_.accepted()) {
        gate_.authenticated();
    }
}

void ServerConnection::Impl::accept_open() noexcept {
    if (phase_ == Phase::opening) {
        detail::write_open(engine_.connection(), settings_);
        pn_connection_open(engine_.connection());
        phase_ = Phase::open;
    }
}

void ServerConnection::Impl::close(Error error) noexcept {
    close_reported_ = true;
    links_.forget_all();
    switch (phase_) {
        case Phase::handshake:
            phase_ = Phase::closed;
            return engine_.abort();
        case Phase::opening:
            detail::write_open(engine_.connection(), settings_);
            pn_connection_open(engine_.connection());
            [[fallthrough]];
        case Phase::open:
            detail::set_condition(pn_connection_condition(engine_.connection()), error);
            pn_connection_close(engine_.connection());
            phase_ = Phase::closing;
            return;
        case Phase::closing:
        case Phase::closed:
            return;
    }
}

void ServerConnection::Impl::on_begin(pn_session_t* session) noexcept {
    pn_session_set_incoming_capacity(session, kWindowFrames * settings_.max_frame_bytes);
    pn_session_open(session);
}

void ServerConnection::Impl::on_end(pn_session_t* session, Events& events) noexcept {
    links_.session_ended(session, events);
    pn_session_close(session);
    pn_session_free(session);
}

void ServerConnection::Impl::on_peer_close(Events& events) noexcept {
    phase_ = Phase::closed;
    report_close(detail::error_of(pn_connection_remote_condition(engine_.connection())), events);
    pn_connection_close(engine_.connection());
}

void ServerConnection::Impl::fail(Error error, Events& events) noexcept {
    const bool first = !close_reported_;
    close(error);
    close_reported_ = !first;
    report_close(error, events);
}

void ServerConnection::Impl::report_close(Error error, Events& events) noexcept {
    if (!std::exchange(close_reported_, true)) {
        events.on_close(error);
    }
}

void ServerConnection::Impl::end_if_over(Events& events) noexcept {
    if (engine_.is_over()) {
        if (phase_ == Phase::open && !engine_.saw_eof() &&
            !pn_condition_is_set(pn_transport_condition(engine_.transport()))) {
            // The engine could not decode a frame, and stopped reading without a word.
            return fail({condition::kDecodeError, "a frame cannot be decoded"}, events);
        }
        engine_.abort();
    }
    if (!pn_transport_closed(engine_.transport())) {
        return;
    }
    phase_ = Phase::closed;
    report_close(
        sasl_.failed() ? Error{condition::kUnauthorizedAccess, "authentication failed"}
                       : detail::error_of(pn_transport_condition(engine_.transport())),
        events
    );
    while (pn_event_t* const event = engine_.next_event()) {
        dispatch_closing(event);
    }
}

std::size_t ServerConnection::Impl::unsent_bytes() noexcept {
    std::size_t bytes = 0;
    for (auto* s = pn_session_head(engine_.connection(), 0); s != nullptr;
         s = pn_session_next(s, 0)) {
        bytes += pn_session_outgoing_bytes(s);
    }
    return bytes;
}

ServerConnection::ServerConnection(const Settings& settings, SaslOffer offer)
    : impl_{std::make_unique<Impl>(settings, offer)} {}
ServerConnection::~ServerConnection() = default;
ServerConnection::ServerConnection(ServerConnection&&) noexcept = default;
ServerConnection& ServerConnection::operator=(ServerConnection&&) noexcept = default;

std::size_t ServerConnection::feed(ByteView bytes) noexcept {
    return impl_->feed(bytes);
}
void ServerConnection::eof() noexcept {
    impl_->eof();
}
void ServerConnection::process(Events& events) noexcept {
    impl_->process(events);
}
ByteView ServerConnection::output() noexcept {
    return impl_->output();
}
void ServerConnection::output_done(std::size_t count) noexcept {
    impl_->output_done(count);
}
std::optional<SteadyTime> ServerConnection::tick(SteadyTime now) noexcept {
    return impl_->tick(now);
}
bool ServerConnection::finished() const noexcept {
    return impl_->finished();
}

void ServerConnection::sasl_outcome(SaslVerdict verdict) noexcept {
    impl_->sasl_outcome(verdict);
}
void ServerConnection::accept_open() noexcept {
    impl_->accept_open();
}
void ServerConnection::close(Error error) noexcept {
    impl_->close(error);
}

void ServerConnection::accept_attach(LinkId link, const AttachAnswer& answer) noexcept {
    impl_->links().accept(link, answer);
}
void ServerConnection::detach(LinkId link, Error error) noexcept {
    impl_->links().detach(link, error);
}
void ServerConnection::set_flow(LinkId link, bool open) noexcept {
    impl_->links().set_flow(link, open);
}
void ServerConnection::settle(DeliveryId delivery, const Outcome& outcome) noexcept {
    impl_->links().settle(delivery, outcome);
}
Result<DeliveryId> ServerConnection::send(
    LinkId link, ByteView head, ByteView body, bool settled
) noexcept {
    return impl_->links().send(link, head, body, settled);
}
std::uint32_t ServerConnection::credit(LinkId link) const noexcept {
    return impl_->links().credit(link);
}
std::uint32_t ServerConnection::sendable(LinkId link) const noexcept {
    return impl_->links().sendable(link);
}
void ServerConnection::drained(LinkId link) noexcept {
    impl_->links().drained(link);
}
std::size_t ServerConnection::unsent_bytes() const noexcept {
    return impl_->unsent_bytes();
}
std::size_t ServerConnection::unfinished() const noexcept {
    return impl_->unfinished();
}

}  // namespace weir::amqp
