/// An AMQP 1.0 client for tests, on Proton's engine: bytes in and out, no socket.
#pragma once

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::test {

/// What the client offers in its SASL exchange.
struct ClientSasl {
    std::string mechanism;
    std::string response;

    static ClientSasl plain(std::string_view user, std::string_view password) {
        std::string response{'\0'};
        response.append(user).append(1, '\0').append(password);
        return {"PLAIN", std::move(response)};
    }
    static ClientSasl external() { return {"EXTERNAL", ""}; }
    static ClientSasl anonymous() { return {"ANONYMOUS", "test"}; }
};

class AmqpClient {
public:
    struct Received {
        std::string link;
        Bytes message;
        bool settled;
        pn_delivery_t* delivery;  ///< Null if settled.
    };
    struct Settled {
        std::string tag;
        std::uint64_t state;
        std::string condition;
    };

    /// Without `sasl`, no SASL header is sent.
    explicit AmqpClient(std::optional<ClientSasl> sasl) : sasl_{std::move(sasl)} {
        pn_connection_driver_init(&driver_, nullptr, nullptr);
        if (sasl_) {
            pn_sasl(driver_.transport);
            pnx_sasl_set_implementation(driver_.transport, &plugin(), this);
        }
        pn_connection_driver_bind(&driver_);
    }
    AmqpClient(const AmqpClient&) = delete;
    AmqpClient& operator=(const AmqpClient&) = delete;
    ~AmqpClient() { pn_connection_driver_destroy(&driver_); }

    pn_transport_t* transport() { return driver_.transport; }
    pn_connection_t* connection() { return driver_.connection; }

    void open(std::string_view container = "client") {
        pn_connection_set_container(driver_.connection, std::string{container}.c_str());
        pn_connection_set_hostname(driver_.connection, "gateway.example");
        pn_connection_open(driver_.connection);
    }

    pn_session_t* begin() {
        pn_session_t* const session = pn_session(driver_.connection);
        pn_session_open(session);
        return session;
    }

    /// The first session, begun if there is none.
    pn_session_t* session() {
        if (session_ == nullptr) {
            session_ = begin();
        }
        return session_;
    }

    pn_link_t* sender(std::string_view name, std::string_view address) {
        pn_link_t* const link = pn_sender(session(), std::string{name}.c_str());
        pn_terminus_set_address(pn_link_target(link), std::string{address}.c_str());
        pn_link_open(link);
        return link;
    }

    pn_link_t* receiver(std::string_view name, std::string_view address, int credit) {
        pn_link_t* const link = pn_receiver(session(), std::string{name}.c_str());
        pn_terminus_set_address(pn_link_source(link), std::string{address}.c_str());
        pn_link_open(link);
        pn_link_flow(link, credit);
        return link;
    }

    void send(pn_link_t* link, std::string_view tag, ByteView message, bool is_settled = false) {
        pn_delivery_t* const delivery = pn_delivery(link, pn_dtag(tag.data(), tag.size()));
        pn_link_send(link, reinterpret_cast<const char*>(message.data()), message.size());
        pn_link_advance(link);
        if (is_settled) {
            pn_delivery_settle(delivery);
        }
    }

    static void answer(pn_delivery_t* delivery, std::uint64_t state) {
        pn_delivery_update(delivery, state);
        pn_delivery_settle(delivery);
    }

    void input(ByteView bytes) {
        while (!bytes.empty() && !pn_connection_driver_read_closed(&driver_)) {
            const auto buffer = pn_connection_driver_read_buffer(&driver_);
            const auto count = std::min(buffer.size, bytes.size());
            std::copy_n(bytes.data(), count, buffer.start);
            pn_connection_driver_read_done(&driver_, count);
            bytes = bytes.subspan(count);
        }
        process();
    }

    /// Everything that is ready to be sent.
    Bytes output() {
        Bytes out;
        process();
        for (;;) {
            const auto buffer = pn_connection_driver_write_buffer(&driver_);
            if (buffer.size == 0) {
                return out;
            }
            out.insert(out.end(), buffer.start, buffer.start + buffer.size);
            pn_connection_driver_write_done(&driver_, buffer.size);
        }
    }

    bool is_open() { return (pn_connection_state(driver_.connection) & PN_REMOTE_ACTIVE) != 0; }
    bool is_closed() { return (pn_connection_state(driver_.connection) & PN_REMOTE_CLOSED) != 0; }
    /// The peer's reason for its Close, or the engine's own for giving up.
    std::string close_condition() {
        auto* const remote = pn_connection_remote_condition(driver_.connection);
        auto* const own = pn_transport_condition(driver_.transport);
        return name_of(pn_condition_is_set(remote) ? remote : own);
    }
    pn_sasl_outcome_t sasl_outcome() { return pn_sasl_outcome(pn_sasl(driver_.transport)); }

    static std::string condition(pn_link_t* link) {
        return name_of(pn_link_remote_condition(link));
    }
    static bool is_attached(pn_link_t* link) {
        return (pn_link_state(link) & PN_REMOTE_ACTIVE) != 0;
    }
    static bool is_detached(pn_link_t* link) {
        return (pn_link_state(link) & PN_REMOTE_CLOSED) != 0;
    }

    std::vector<Received> received;
    std::vector<Settled> settled;
    bool mechanisms_without_ours = false;

private:
    static std::string name_of(pn_condition_t* condition) {
        const char* const name = pn_condition_get_name(condition);
        return name == nullptr ? "" : name;
    }

    void process() {
        while (pn_event_t* const event = pn_connection_driver_next_event(&driver_)) {
            if (pn_event_type(event) == PN_DELIVERY) {
                on_delivery(pn_event_delivery(event));
            }
        }
    }

    void on_delivery(pn_delivery_t* delivery) {
        pn_link_t* const link = pn_delivery_link(delivery);
        if (pn_link_is_sender(link)) {
            if (pn_delivery_remote_state(delivery) != 0 || pn_delivery_settled(delivery)) {
                const auto tag = pn_delivery_tag(delivery);
                auto* const remote = pn_delivery_remote(delivery);
                settled.push_back(
                    {{tag.start, tag.size},
                     pn_disposition_type(remote),
                     name_of(pn_disposition_condition(remote))}
                );
                pn_delivery_settle(delivery);
            }
            return;
        }
        if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) {
            return;
        }
        Bytes message(pn_delivery_pending(delivery));
        pn_link_recv(link, reinterpret_cast<char*>(message.data()), message.size());
        pn_link_advance(link);
        const bool is_settled = pn_delivery_settled(delivery);
        received.push_back(
            {pn_link_name(link), std::move(message), is_settled, is_settled ? nullptr : delivery}
        );
        if (is_settled) {
            pn_delivery_settle(delivery);
        }
    }

    static AmqpClient& of(pn_transport_t* transport) {
        return *static_cast<AmqpClient*>(pnx_sasl_get_context(transport));
    }

    static bool choose(pn_transport_t* transport, std::string_view offered) {
        AmqpClient& self = of(transport);
        const std::string padded = " " + std::string{offered} + " ";
        if (padded.find(" " + self.sasl_->mechanism + " ") == std::string::npos) {
            self.mechanisms_without_ours = true;
            if (!self.insist_on_mechanism) {
                return false;
            }
        }
        pnx_sasl_set_selected_mechanism(transport, self.sasl_->mechanism.c_str());
        pnx_sasl_set_bytes_out(
            transport, pn_bytes(self.sasl_->response.size(), self.sasl_->response.data())
        );
        pnx_sasl_set_desired_state(transport, SASL_POSTED_INIT);
        return true;
    }

    static const pnx_sasl_implementation& plugin() {
        static const pnx_sasl_implementation table = {
            .free = [](pn_transport_t*) {},
            .list_mechanisms = [](pn_transport_t*) { return ""; },
            .init_server = [](pn_transport_t*) { return false; },
            .init_client = [](pn_transport_t*) { return true; },
            .prepare_write = [](pn_transport_t*) {},
            .process_init = [](pn_transport_t*, const char*, const pn_bytes_t*) {},
            .process_response = [](pn_transport_t*, const pn_bytes_t*) {},
            .process_mechanisms = [](pn_transport_t* transport,
                                     const char* offered) { return choose(transport, offered); },
            .process_challenge = [](pn_transport_t*, const pn_bytes_t*) {},
            .process_outcome = [](pn_transport_t*, const pn_bytes_t*) {},
            .can_encrypt = [](pn_transport_t*) { return false; },
            .max_encrypt_size = [](pn_transport_t*) { return ssize_t{0}; },
            .encode = [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) { return ssize_t{0}; },
            .decode = [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) { return ssize_t{0}; },
        };
        return table;
    }

public:
    /// Sends the init even if the server does not offer the mechanism.
    bool insist_on_mechanism = false;

private:
    std::optional<ClientSasl> sasl_;
    pn_connection_driver_t driver_{};
    pn_session_t* session_ = nullptr;
};

}  // namespace weir::test
