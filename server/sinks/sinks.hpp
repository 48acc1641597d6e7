/// All sinks and their thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>
#include <weir/sinks/config.hpp>
#include <weir/sinks/given_up.hpp>
#include <weir/sinks/status.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks {

/// Delivers the outboxes of the configured sinks. Owned by the Gateway; store, client and clock
/// outlive it. An outbox whose sink is not configured is left as it is, and told by status() until
/// it is empty or dropped (drop_outbox()).
///
/// Order at the end: stop(), then the client, then the store.
class Sinks {
public:
    /// @param error_actions  None: rules whose ErrorTarget needs it are not told.
    Sinks(
        storage::Store& store,
        http_client::Client& client,
        const Clock& clock,
        ErrorActions error_actions = {}
    );
    Sinks(const Sinks&) = delete;
    Sinks& operator=(const Sinks&) = delete;
    /// As stop().
    ~Sinks();

    /// Sets the sinks from now on: new ones start, missing ones end (a request under way is
    /// forgotten, its batch stays in the outbox), others follow their new config. Any thread. All
    /// or nothing.
    /// @throws std::invalid_argument  A config is wrong (see check()), or two have one name.
    void configure(std::vector<HttpSinkConfig> configs);

    /// Starts the thread. Once.
    void start();
    /// Begins no further request, gives those under way `grace` to end and be settled, joins the
    /// thread.
    void stop(std::chrono::milliseconds grace = std::chrono::seconds{5});

    /// Sends one record now, past the outbox and the breaker, but else as all records of the sink:
    /// body, headers, credentials, TLS, proxy; timeouts are 30 s at most. Its Idempotency-Key is
    /// "<sink>/test-<random>". Any thread.
    /// @param done  Called once, on the client's thread or before this returns.
    /// @return The sink's config; nothing, and no call, if there is no such sink.
    std::optional<HttpSinkConfig> probe(
        const std::string& sink, const storage::OutboxRecord& record, http_client::Completion done
    );

    /// Those that are configured, and those that are not but left records behind, in the order of
    /// names. Any control thread; reads the store.
    [[nodiscard]] std::vector<SinkStatus> status() const;

    /// Does what is due, once. What the thread calls; tests that own the time call it themselves,
    /// without start().
    /// @return How long nothing will be due if nobody answers before; at most an hour.
    std::chrono::milliseconds poll();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::sinks
