/// Proton's connection driver with its rules of use built in. No other file touches the driver or
/// the transport's bytes.
#pragma once

#include <proton/connection_driver.h>

#include <optional>

#include <weir/amqp/server_connection.hpp>
#include <weir/base/bytes.hpp>

namespace weir::amqp::detail {

class SaslServer;

class Engine {
public:
    /// Both outlive the engine.
    Engine(const Settings& settings, SaslServer& sasl);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    [[nodiscard]] pn_connection_t* connection() noexcept { return driver_.connection; }
    [[nodiscard]] pn_transport_t* transport() noexcept { return driver_.transport; }

    /// @return bytes taken; all of them once nothing is read any more.
    std::size_t feed(ByteView bytes) noexcept;
    void eof() noexcept;
    /// Nothing more will be fed. What is to be said still is.
    void stop_reading() noexcept { reads_ = false; }
    [[nodiscard]] pn_event_t* next_event() noexcept {
        return pn_connection_driver_next_event(&driver_);
    }
    [[nodiscard]] ByteView output() noexcept;
    void output_done(std::size_t count) noexcept;
    [[nodiscard]] std::optional<SteadyTime> tick(SteadyTime now) noexcept;

    /// True if nothing more can be said or heard, though the engine itself would wait.
    [[nodiscard]] bool is_over() noexcept;
    [[nodiscard]] bool saw_eof() const noexcept { return eof_; }
    /// Closes both sides at once; what was not sent is lost.
    void abort() noexcept { pn_connection_driver_close(&driver_); }
    [[nodiscard]] bool finished() noexcept { return pn_connection_driver_finished(&driver_); }

private:
    pn_connection_driver_t driver_{};
    std::uint32_t read_bytes_max_;
    bool eof_ = false;
    bool reads_ = true;
};

}  // namespace weir::amqp::detail
