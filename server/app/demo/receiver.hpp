/// The other end of the sink: a small HTTP server that counts what it is given.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include <weir/base/guarded.hpp>

namespace weir::demo {

/// Listens on a free port of 127.0.0.1 from construction to destruction, on a thread of its own,
/// and answers every request with 204.
class Receiver {
public:
    struct Counts {
        std::uint64_t records = 0;  ///< One per request, as the demo's rule sends them.
        std::uint64_t repeats = 0;  ///< Of those, with an Idempotency-Key seen before, or none.
    };

    /// @throws std::system_error
    Receiver();
    ~Receiver();
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Any thread.
    [[nodiscard]] Counts counts() const;

private:
    struct State {
        Counts counts;
        boost::unordered_flat_set<std::string> keys;
    };
    class Connection;

    void serve(const std::stop_token& stop);
    void count(std::string_view key);

    int listener_;
    std::uint16_t port_ = 0;
    Guarded<State> state_;
    std::jthread thread_;  ///< Last: uses everything above.
};

}  // namespace weir::demo
