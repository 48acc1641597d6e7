/// The server's side of SASL, behind Proton's plug-in interface.
#pragma once

#include <proton/sasl.h>
#include <proton/sasl_plugin.h>

#include <optional>
#include <string>

#include <weir/amqp/events.hpp>
#include <weir/amqp/server_connection.hpp>
#include <weir/base/bytes.hpp>

namespace weir::amqp::detail {

/// One exchange: mechanisms, one init, one outcome. No challenges. Outlives the transport, which
/// keeps pointers into it.
class SaslServer {
public:
    /// Largest initial response: user names and passwords or tokens.
    static constexpr std::size_t kResponseBytesMax = 4 * 1024;

    explicit SaslServer(SaslOffer offer);

    /// Makes the transport use this object.
    void install(pn_transport_t* transport) noexcept;

    /// True from the peer's init to the verdict.
    [[nodiscard]] bool awaiting() const noexcept {
        return state_ == State::asking || state_ == State::asked;
    }
    [[nodiscard]] bool accepted() const noexcept { return state_ == State::accepted; }
    [[nodiscard]] bool failed() const noexcept { return state_ == State::failed; }
    [[nodiscard]] bool optional() const noexcept { return offer_.optional; }

    /// The time for SASL is over: frames of it that still come are dropped.
    void end() noexcept { ended_ = true; }
    /// Tells an init that has come, once, and wipes the password.
    void report(Events& events) noexcept;
    /// @return false if no verdict is awaited: it is ignored.
    bool decide(pn_transport_t* transport, SaslVerdict verdict) noexcept;

private:
    enum class State : std::uint8_t { idle, asking, asked, accepted, failed };

    static const pnx_sasl_implementation& implementation() noexcept;
    static SaslServer& of(pn_transport_t* transport) noexcept;

    void on_init(
        pn_transport_t* transport, std::string_view mechanism, const pn_bytes_t& response
    ) noexcept;
    void on_response(pn_transport_t* transport) noexcept;
    void fail(pn_transport_t* transport, pn_sasl_outcome_t outcome) noexcept;
    [[nodiscard]] std::optional<SaslMechanism> offered(std::string_view name) const noexcept;
    [[nodiscard]] std::optional<SaslInit> parse_response() const noexcept;

    SaslOffer offer_;
    State state_ = State::idle;
    bool ended_ = false;
    SaslMechanism mechanism_ = SaslMechanism::anonymous;
    std::string mechanisms_;  ///< Names, separated by spaces.
    Bytes response_;
    std::string user_;
};

}  // namespace weir::amqp::detail
