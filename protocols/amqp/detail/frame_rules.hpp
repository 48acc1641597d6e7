/// Which frames a peer may send after its Open.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <weir/amqp/events.hpp>
#include <weir/amqp/server_connection.hpp>

namespace weir::amqp::detail {

class Performative;

/// Follows the sessions, links and deliveries of a peer by what it sends alone. The engine has no such rules: it maps a
/// channel or handle again while the old session or link is in use, and takes a Transfer on a link on which it sends itself.
class FrameRules {
public:
    /// Outlives the rules.
    explicit FrameRules(const Settings& settings) noexcept : settings_{settings} {}

    /// A frame with a body. @return Why the peer may not send it; the connection ends then.
    [[nodiscard]] std::optional<Error> check(std::uint16_t channel, ByteView body);

    /// All that the engine had to say is said: the channels of ended sessions are free, and it has let go of ended links.
    void all_said() noexcept {
        ended_ = 0;
        ended_link_bytes_ = 0;
    }

private:
    struct Link {
        std::uint32_t handle;
        bool peer_sends;
        bool in_delivery;  ///< More of it is to come.
        std::size_t bytes;  ///< That the engine keeps of it.
    };
    struct Session {
        std::uint16_t channel;
        std::vector<Link> links;
    };

    [[nodiscard]] Session* find(std::uint16_t channel) noexcept;
    [[nodiscard]] static Link* find(Session& session, std::optional<std::uint32_t> handle) noexcept;
    [[nodiscard]] std::optional<Error> begin(std::uint16_t channel, const Performative& begin);
    [[nodiscard]] std::optional<Error> in_session(
        Session& session, const Performative& frame, std::size_t bytes
    );
    [[nodiscard]] std::optional<Error> attach(
        Session& session, const Performative& attach, std::size_t bytes
    ) const;
    [[nodiscard]] static std::optional<Error> transfer(Link& link, const Performative& transfer);

    const Settings& settings_;
    std::vector<Session> sessions_;
    std::size_t ended_ = 0;  ///< Sessions that the peer ended, perhaps before our Begin and End were said.
    std::size_t ended_link_bytes_ = 0;  ///< Likewise of links, whose Detach was not said.
};

}  // namespace weir::amqp::detail
