/// One client of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <weir/bench/detail/connection.hpp>
#include <weir/bench/detail/crew.hpp>
#include <weir/bench/sequence_check.hpp>
#include <weir/mqtt/client_protocol.hpp>

namespace weir::bench::detail {

/// Connects, subscribes if that is its role, and then publishes what it is allowed to or checks what
/// it gets. Made and used on its crew's thread; ends when the broker ends it or close() is called.
class Client final : mqtt::ClientProtocol::Handler {
public:
    enum class Role : std::uint8_t { subscriber, publisher, idle };

    /// @param id      Among all clients.
    /// @param number  Among those of its role.
    Client(Crew& crew, Role role, std::uint32_t id, std::uint32_t number);

    /// @param intended_ns  When it should have begun; what its time to connect counts from.
    void start(std::uint64_t intended_ns);
    /// @param events  As epoll gave them.
    void on_event(std::uint32_t events);
    /// Sends what was written.
    void flush();
    /// Says goodbye if there is somebody to say it to.
    void close();
    void ping_if_due(std::uint64_t now_ns);

    /// True while window, backlog and connection let it publish.
    [[nodiscard]] bool may_publish() const noexcept;
    /// The next message, as due at that time.
    void publish(std::uint64_t due_ns);
    /// Publishes up to a burst. @return true: it could go on.
    [[nodiscard]] bool publish_burst();
    /// It may have room now: the crew's next turn looks.
    void become_eager();
    /// What was sent and not delivered is lost, and does not hold it back any more.
    void write_off();

    [[nodiscard]] std::uint64_t skipped() const noexcept { return check_.skipped(); }
    [[nodiscard]] std::uint64_t reordered() const noexcept { return check_.reordered(); }

private:
    enum class Stage : std::uint8_t { waiting, opening, greeting, subscribing, ready, closed };

    mqtt::Next on_connack(const mqtt::Connack& packet) noexcept override;
    mqtt::Next on_publish(const mqtt::Publish& packet) noexcept override;
    mqtt::Next on_ack(const mqtt::Ack& packet) noexcept override;
    mqtt::Next on_suback(const mqtt::Suback& packet) noexcept override;
    mqtt::Next on_unsuback(const mqtt::Unsuback& packet) noexcept override;
    mqtt::Next on_pingresp() noexcept override;
    mqtt::Next on_disconnect(const mqtt::Disconnect& packet) noexcept override;
    mqtt::Next on_auth(const mqtt::Auth& packet) noexcept override;

    void open();
    void send_connect();
    void subscribe_more();
    void become_ready();
    void receive();
    void settle();
    void deliver(const mqtt::Publish& packet);
    template <class Packet>
    void send(const Packet& packet) {
        const auto version = options().version;
        connection_.send(mqtt::size_of(packet, version), [&](Byte* out) {
            static_cast<void>(mqtt::write(out, packet, version));
        });
        note_unsent();
    }
    void note_unsent();
    /// It ends for that reason; settle() frees what it holds.
    void drop(const std::string& why);
    /// The same, inside a callback.
    mqtt::Next stop(const std::string& why);

    [[nodiscard]] const Options& options() const noexcept { return crew_.board.options; }
    [[nodiscard]] std::string client_id() const;

    Crew& crew_;
    Connection connection_;
    mqtt::ClientProtocol protocol_;
    std::uint32_t id_;
    std::uint32_t number_;
    Role role_;
    Stage stage_ = Stage::waiting;
    bool has_unsent_ = false;  ///< Stands in Crew::unsent.
    bool is_eager_ = false;    ///< Stands in Crew::eager.
    std::uint64_t intended_ns_ = 0;
    std::uint64_t last_ping_ns_ = 0;
    std::uint32_t subscribed_ = 0;  ///< Filters asked for.

    // Of publishers.
    std::uint32_t window_ = 0;
    std::uint32_t in_flight_ = 0;  ///< Unacknowledged.
    std::uint32_t sequence_ = 0;
    std::uint64_t written_off_ = 0;  ///< Deliveries.

    SequenceCheck check_;  ///< Of subscribers.
};

}  // namespace weir::bench::detail
