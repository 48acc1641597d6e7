/// A ServerConnection and a client joined in memory; the server's events are recorded and answered
/// by simple rules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <weir/amqp/message_head.hpp>
#include <weir/amqp/server_connection.hpp>
#include "support/amqp_client.hpp"

namespace weir::amqp::test {

using weir::test::AmqpClient;
using weir::test::ClientSasl;

/// A message with one data section.
inline Bytes make_message(std::string_view payload, std::string_view to = {}) {
    Bytes out;
    append_message_head(out, {.to = to}, payload.size());
    append(out, payload);
    return out;
}

inline std::string payload_of(ByteView message) {
    Bytes scratch;
    const auto sections = scan_sections(message);
    return sections ? std::string{as_text(body_payload(*sections, scratch))} : "?";
}

/// Records what happens; answers at once unless told to leave the answer to the test.
class Recorder final : public Events {
public:
    struct Link {
        LinkId id;
        Role role;
        std::string name;
        std::string address;
        Durability durability;
        ExpiryPolicy expiry;
        bool dynamic;
        bool null_terminus;
        std::vector<std::string> capabilities;
        std::vector<std::string> filters;
    };
    struct Message {
        LinkId link;
        DeliveryId delivery;
        std::string payload;
    };
    struct Ended {
        LinkId link;
        DetachCause cause;
        std::string condition;
    };
    struct Decided {
        DeliveryId delivery;
        OutcomeKind kind;
        std::string condition;
        bool failed;
    };

    explicit Recorder(ServerConnection& connection) : connection_{connection} {}

    void on_sasl(const SaslInit& init) noexcept override {
        ++sasl_inits;
        mechanism = init.mechanism;
        username = init.username;
        password = as_text(init.password);
        authzid = init.authzid;
        if (answer_sasl) {
            const bool right = init.mechanism != SaslMechanism::plain || password == "secret";
            connection_.sasl_outcome(right ? SaslVerdict::accepted : SaslVerdict::refused);
        }
    }
    void on_open(const Open& open) noexcept override {
        ++opens;
        container_id = open.container_id;
        hostname = open.hostname;
        authenticated = open.authenticated;
        for (const auto& [key, value] : open.properties) {
            properties[std::string{key}] = value;
        }
        if (answer_open) {
            connection_.accept_open();
        }
    }
    void on_attach(const Attach& attach) noexcept override {
        Link link{
            attach.link,
            attach.role,
            std::string{attach.name},
            std::string{attach.address},
            attach.durability,
            attach.expiry,
            attach.dynamic,
            attach.null_terminus,
            {},
            {}
        };
        for (const auto capability : attach.capabilities) {
            link.capabilities.emplace_back(capability);
        }
        for (const auto& filter : attach.filters) {
            link.filters.emplace_back(std::string{filter.name} + "=" + std::string{filter.value});
        }
        links.push_back(link);
        if (attach.address.starts_with("denied")) {
            connection_.detach(attach.link, {"amqp:unauthorized-access", "no policy allows this"});
        } else if (answer_attach) {
            connection_.accept_attach(
                attach.link,
                {.address = attach.address, .filters = attach.filters, .flow_open = open_flow}
            );
        }
    }
    void on_detach(LinkId link, const Detach& detach) noexcept override {
        ended.push_back({link, detach.cause, std::string{detach.error.condition}});
    }
    void on_transfer(const Transfer& transfer) noexcept override {
        messages.push_back({transfer.link, transfer.delivery, payload_of(transfer.message)});
        if (close_at_transfer) {
            connection_.close({"amqp:connection:forced", "enough"});
        } else if (answer_transfer && transfer.delivery) {
            connection_.settle(transfer.delivery, {});
        }
    }
    void on_credit(LinkId link, std::uint32_t credit, bool drain) noexcept override {
        credits[link.number()] = credit;
        if (drain) {
            connection_.drained(link);
        }
    }
    void on_disposition(LinkId, DeliveryId delivery, const Outcome& outcome) noexcept override {
        decided.push_back(
            {delivery, outcome.kind, std::string{outcome.error.condition}, outcome.failed}
        );
    }
    void on_close(const Error& error) noexcept override {
        ++closes;
        close_condition = error.condition;
        close_text = error.text;
    }

    bool answer_sasl = true;
    bool answer_open = true;
    bool answer_attach = true;
    bool answer_transfer = true;
    bool open_flow = true;
    bool close_at_transfer = false;

    int sasl_inits = 0;
    SaslMechanism mechanism = SaslMechanism::anonymous;
    std::string username;
    std::string password;
    std::string authzid;
    int opens = 0;
    std::string container_id;
    std::string hostname;
    bool authenticated = false;
    std::map<std::string, std::string> properties;
    std::vector<Link> links;
    std::vector<Ended> ended;
    std::vector<Message> messages;
    std::map<std::uint64_t, std::uint32_t> credits;
    std::vector<Decided> decided;
    int closes = 0;
    std::string close_condition;
    std::string close_text;

private:
    ServerConnection& connection_;
};

/// Feeds everything, `step` bytes at a time. @return what could not be fed.
inline Bytes feed_all(ServerConnection& server, Events& events, ByteView bytes, std::size_t step) {
    while (!bytes.empty()) {
        const auto taken = server.feed(bytes.first(std::min(step, bytes.size())));
        server.process(events);
        bytes = bytes.subspan(taken);
        if (taken == 0) {
            break;
        }
    }
    return {bytes.begin(), bytes.end()};
}

/// Everything that the server has to say.
inline Bytes drain_output(ServerConnection& server) {
    Bytes out;
    for (;;) {
        const auto view = server.output();
        if (view.empty()) {
            return out;
        }
        append(out, view);
        server.output_done(view.size());
    }
}

/// A server and a client that exchange bytes when pump() is called.
struct Pair {
    explicit Pair(
        std::optional<ClientSasl> sasl = ClientSasl::plain("probe", "secret"),
        SaslOffer offer = {.anonymous = false, .plain = true, .external = true, .optional = false},
        Settings limits = {}
    )
        : settings{std::move(limits)},
          server{settings, offer},
          events{server},
          client{std::move(sasl)} {}

    /// Moves bytes both ways, cut into pieces of `step`, until nothing moves.
    void pump() {
        for (bool moved = true; moved;) {
            server.process(events);
            const Bytes to_client = drain_output(server);
            for (ByteView rest{to_client}; !rest.empty();) {
                const auto count = std::min(step, rest.size());
                client.input(rest.first(count));
                rest = rest.subspan(count);
            }
            append(held_back, client.output());
            const std::size_t before = held_back.size();
            held_back = feed_all(server, events, held_back, step);
            moved = !to_client.empty() || held_back.size() != before;
        }
    }

    /// Up to both sides' Open.
    void open() {
        client.open();
        pump();
    }

    pn_link_t* sender(std::string_view address = "data/probe") {
        pn_link_t* const link = client.sender("s" + std::to_string(++links_), address);
        pump();
        return link;
    }

    pn_link_t* receiver(int credit = 10, std::string_view address = "cmd/probe") {
        pn_link_t* const link = client.receiver("r" + std::to_string(++links_), address, credit);
        pump();
        return link;
    }

    Settings settings;
    ServerConnection server;
    Recorder events;
    AmqpClient client;
    std::size_t step = 1 << 20;
    Bytes held_back;  ///< Client bytes that the server has not taken yet.

private:
    int links_ = 0;
};

}  // namespace weir::amqp::test
