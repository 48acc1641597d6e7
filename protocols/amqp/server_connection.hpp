/// One AMQP 1.0 connection from the server's side, without a socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/amqp/events.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/error.hpp>

namespace weir::amqp {

/// Limits, and what our Open says. One per listener; outlives its connections and never changes.
struct Settings {
    std::string container_id = "weir";
    std::string product = "weir";
    std::string version = {};
    std::vector<std::string> capabilities = {"ANONYMOUS-RELAY", "SHARED-SUBS"};

    /// Told to the peer; larger frames are refused. At least 512.
    std::uint32_t max_frame_bytes = 64 * 1024;
    /// Sessions that ended count until all output is taken.
    std::uint16_t sessions_max = 8;
    std::uint16_t links_per_session_max = 10;
    /// Told in each Attach; a larger message ends its link.
    std::uint64_t message_bytes_max = 128 * 1024;
    /// Of incomplete messages on all links of a connection.
    std::uint64_t assembling_bytes_max = 512 * 1024;
    /// From the peer, before its Open.
    std::uint64_t handshake_bytes_max = 64 * 1024;
    /// Messages on the way or unsettled, per incoming link. 1..256.
    std::uint32_t credit_window = 100;
    /// Messages that await the peer's outcome, per outgoing link.
    std::uint32_t unsettled_max = 1'000;
    /// Per session; sendable() is 0 beyond it.
    std::uint64_t unsent_bytes_max = 256 * 1024;
    /// A peer silent for so long is closed; half of it is told.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds{60};
};

/// What a connection may authenticate with, decided by who knows the transport.
struct SaslOffer {
    bool anonymous = false;
    bool plain = false;     ///< Only where the transport is encrypted, or the listener is trusted.
    bool external = false;  ///< Only with a verified client certificate.
    bool optional = false;  ///< SASL may be left out: the peer is known, or may be anonymous.
};

enum class SaslVerdict : std::uint8_t {
    accepted,
    refused,
    unavailable,  ///< Could not be decided now: the peer may try again. [AMQP-5.3.3.6, sys-temp]
};

/// The answer to an Attach.
struct AttachAnswer {
    std::string_view address;  ///< As the peer asked, or the name of a dynamic node.
    std::span<const std::string_view> capabilities = {};  ///< Of the terminus: "topic", "queue".
    std::span<const Filter> filters = {};  ///< Those of the request that will be applied.
    bool flow_open = true;                 ///< Whether an incoming link gets credit at once.
};

/// Wraps Proton's engine, about 28 KB. Owned by the connection's endpoint; one thread at a time,
/// may change threads between calls. Knows no socket, no clock, no policy.
///
/// Order of calls, again and again until nothing moves:
///   1. feed() what was read, eof() at its end. It may take only a part: feed the rest later.
///   2. process(), which calls the Events.
///   3. output(), write or copy, output_done(), until output() is empty; nothing in between.
///   4. tick() at latest when the time that it returned last has come; then 2.
///   5. finished(): everything is said. Close the socket and destroy the connection.
/// Answers and messages may be given between these steps, or from the Events; then go on with 2.
///
/// The caller's own: a deadline for the handshake (the engine has no timer before Open), and one
/// for a peer that does not react to close(). Whatever a peer sends ends at worst the connection.
class ServerConnection {
public:
    ServerConnection(const Settings& settings, SaslOffer offer);
    ~ServerConnection();
    ServerConnection(ServerConnection&&) noexcept;
    ServerConnection& operator=(ServerConnection&&) noexcept;

    /// Takes bytes from the peer: all, or fewer while on_sasl or on_open has no answer yet, or when
    /// 64 KiB came since the last process(). After the end it takes and drops everything.
    [[nodiscard]] std::size_t feed(ByteView bytes) noexcept;
    /// No more bytes will come. The next process() ends the connection, also inside a frame.
    void eof() noexcept;
    void process(Events& events) noexcept;
    /// Bytes for the peer; valid until output_done().
    [[nodiscard]] ByteView output() noexcept;
    void output_done(std::size_t count) noexcept;
    /// Watches both idle timeouts. @return when to call again, if there is a reason to.
    [[nodiscard]] std::optional<SteadyTime> tick(SteadyTime now) noexcept;
    [[nodiscard]] bool finished() const noexcept;

    /// Answers on_sasl.
    void sasl_outcome(SaslVerdict verdict) noexcept;
    /// Answers on_open.
    void accept_open() noexcept;
    /// Says Close (nothing, before the peer's Open), and is finished when the peer has answered.
    /// Nothing is reported any more, and all ids are dead.
    void close(Error error) noexcept;

    /// Answers on_attach.
    void accept_attach(LinkId link, const AttachAnswer& answer) noexcept;
    /// Refuses an Attach, or ends a link, without error if there is no condition. The id is dead at
    /// once; no on_detach follows.
    void detach(LinkId link, Error error) noexcept;

    /// Whether an incoming link gets new credit. What was given stays: credit_window messages may
    /// still come.
    void set_flow(LinkId link, bool open) noexcept;
    /// Answers on_transfer. Ids that name nothing are ignored. Neighbours with equal outcomes share
    /// one frame.
    void settle(DeliveryId delivery, const Outcome& outcome) noexcept;

    /// Queues a message, given in two parts that are copied; as long as there is credit, whatever
    /// sendable() says.
    /// @return the id that on_disposition will tell; none if `settled`.
    /// @errors unknown_link, no_credit, message_too_large.
    [[nodiscard]] Result<DeliveryId> send(
        LinkId link, ByteView head, ByteView body, bool settled
    ) noexcept;
    /// Messages that the peer is ready to take.
    [[nodiscard]] std::uint32_t credit(LinkId link) const noexcept;
    /// Messages that should be sent now: within credit and unsettled_max; 0 from unsent_bytes_max on.
    [[nodiscard]] std::uint32_t sendable(LinkId link) const noexcept;
    /// Gives unused credit back, which ends a drain.
    void drained(LinkId link) noexcept;
    /// Bytes of messages in all sessions that output() has not shown yet.
    [[nodiscard]] std::size_t unsent_bytes() const noexcept;
    /// Bytes that came of a frame whose rest has not come, after Open.
    [[nodiscard]] std::size_t unfinished() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::amqp
