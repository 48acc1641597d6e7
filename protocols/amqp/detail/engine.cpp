#include "engine.hpp"

#include <proton/connection.h>
#include <proton/logger.h>
#include <proton/transport.h>

#include <algorithm>
#include <cstring>

#include <weir/base/assert.hpp>

#include "sasl.hpp"

namespace weir::amqp::detail {

Engine::Engine(const Settings& settings, SaslServer& sasl)
    : read_bytes_max_{settings.max_frame_bytes} {
    WEIR_ASSERT(pn_connection_driver_init(&driver_, nullptr, nullptr) == 0);
    pn_transport_t* const transport = driver_.transport;
    // The engine would log what a peer makes it complain of and, with PN_TRACE_* in the environment, whole frames.
    pn_logger_set_log_sink(pn_transport_logger(transport), [](auto...) {}, 0);
    // Server first: pn_sasl() before it would make a client.
    pn_transport_set_server(transport);
    pn_transport_set_max_frame(transport, settings.max_frame_bytes);
    pn_transport_set_channel_max(transport, static_cast<std::uint16_t>(settings.sessions_max - 1));
    pn_transport_set_idle_timeout(
        transport, static_cast<pn_millis_t>(settings.idle_timeout.count())
    );
    pn_transport_require_auth(transport, false);  // Who must authenticate is decided at Open.
    sasl.install(transport);
    pn_connection_driver_bind(&driver_);
}

Engine::~Engine() {
    pn_connection_driver_destroy(&driver_);
}

std::size_t Engine::feed(ByteView bytes) noexcept {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        if (pn_connection_driver_read_closed(&driver_)) {
            return bytes.size();
        }
        const auto wanted = std::min<std::size_t>(bytes.size() - taken, read_bytes_max_);
        const auto buffer = pn_connection_driver_read_buffer_sized(&driver_, wanted);
        const auto count = std::min(buffer.size, wanted);
        if (count == 0) {
            break;
        }
        std::memcpy(buffer.start, bytes.data() + taken, count);
        pn_connection_driver_read_done(&driver_, count);
        taken += count;
    }
    return taken;
}

void Engine::eof() noexcept {
    eof_ = true;
    pn_connection_driver_read_close(&driver_);
}

ByteView Engine::output() noexcept {
    const auto buffer = pn_connection_driver_write_buffer(&driver_);
    return {reinterpret_cast<const Byte*>(buffer.start), buffer.size};
}

void Engine::output_done(std::size_t count) noexcept {
    // The engine asserts that its write side is open here, and a peer can have it closed meanwhile.
    if (!pn_connection_driver_write_closed(&driver_)) {
        pn_connection_driver_write_done(&driver_, count);
    }
}

std::optional<SteadyTime> Engine::tick(SteadyTime now) noexcept {
    const auto next = pn_transport_tick(driver_.transport, now.count());
    return next == 0 ? std::nullopt : std::optional{SteadyTime{next}};
}

bool Engine::is_over() noexcept {
    if (finished()) {
        return false;
    }
    if (eof_) {
        return true;  // A frame cut in the middle would be waited for.
    }
    const bool read_closed = !reads_ || pn_connection_driver_read_closed(&driver_);
    const bool peer_closed = (pn_connection_state(driver_.connection) & PN_REMOTE_CLOSED) != 0;
    if (pn_connection_driver_write_closed(&driver_)) {
        return read_closed || peer_closed;
    }
    // A performative that cannot be decoded closes the read side, tells nobody and leaves the write
    // side open.
    return read_closed && pn_transport_pending(driver_.transport) == 0;
}

}  // namespace weir::amqp::detail
