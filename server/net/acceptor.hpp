/// Listening sockets, and the connections that come from them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

#include <weir/base/counters.hpp>
#include <weir/proxy/preface.hpp>
#include <weir/runtime/poller_epoll.hpp>
#include <weir/runtime/shard.hpp>
#include <weir/runtime/timer_wheel.hpp>
#include <weir/runtime/unique_fd.hpp>

namespace weir::net {

using proxy::Address;

/// Names the address and what is wrong with it.
class ListenError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A bound, listening socket: opened before the shards start, so that a busy port ends the start.
class ListenSocket {
public:
    /// @param address Numeric; "::" serves IPv4 as well. @param port 0: any free one.
    /// Throws ListenError.
    [[nodiscard]] static ListenSocket open(
        const std::string& address, std::uint16_t port, int backlog = 4096
    );

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// With the port that was given.
    [[nodiscard]] const Address& address() const noexcept { return address_; }
    void close() noexcept { fd_.reset(); }

private:
    runtime::UniqueFd fd_;
    Address address_;
};

/// A place among a listener's connections, given back on destruction.
class ConnectionSlot {
public:
    ConnectionSlot() noexcept = default;
    explicit ConnectionSlot(std::atomic<std::size_t>& open) noexcept : open_{&open} {}
    ConnectionSlot(ConnectionSlot&& other) noexcept : open_{std::exchange(other.open_, nullptr)} {}
    ConnectionSlot& operator=(ConnectionSlot&& other) noexcept {
        std::swap(open_, other.open_);
        return *this;
    }
    ~ConnectionSlot() {
        if (open_ != nullptr) {
            open_->fetch_sub(1, std::memory_order_relaxed);
        }
    }

private:
    std::atomic<std::size_t>* open_ = nullptr;
};

struct Accepted {
    runtime::UniqueFd fd;  ///< Non-blocking, TCP_NODELAY.
    Address peer;
    ConnectionSlot slot;  ///< To be kept as long as the connection.
};

struct AcceptorOptions {
    std::size_t connections_max = std::numeric_limits<std::size_t>::max();
    /// Kept free for storage and administration, of the process's limit at construction.
    int descriptors_reserved = 64;
    /// Asked on the acceptor's shard about every peer; false: closed at once. Empty: all may come.
    std::function<bool(const Address& peer)> admit = {};
};

struct AcceptCounters {
    Counter accepted;
    Counter refused_limit;        ///< connections_max
    Counter refused_peer;         ///< admit()
    Counter refused_descriptors;  ///< Closed at once, to keep the reserve.
    Counter backoffs;             ///< Out of descriptors or memory.
};

/// Accepts on one shard and deals the connections out to all in turn, so that few connections are
/// spread as well. Outlives its connections (their slots point here) and, once started, the running
/// of its shard.
class Acceptor final : private runtime::PollHandler, private runtime::Timer {
public:
    static constexpr int kAcceptsPerTurnMax = 64;
    static constexpr std::chrono::milliseconds kBackoff{100};

    /// Called on the connection's shard.
    using Adopt = std::function<void(runtime::Shard& shard, Accepted accepted)>;

    Acceptor(
        ListenSocket socket, runtime::ShardGroup& shards, AcceptorOptions options, Adopt adopt
    );
    ~Acceptor();

    /// On `home`'s thread, or before it runs. @errors the poller's.
    [[nodiscard]] Result<> start(runtime::Shard& home) noexcept;
    /// On `home`'s thread, or after it ran: closes the socket. Connections go on.
    void stop() noexcept;

    [[nodiscard]] const Address& address() const noexcept { return socket_.address(); }
    [[nodiscard]] const AcceptCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t connections() const noexcept {
        return open_.load(std::memory_order_relaxed);
    }

private:
    void on_ready(runtime::Readiness readiness) noexcept override;
    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override;

    void accept_turn() noexcept;
    /// false: nothing waits, or not now.
    [[nodiscard]] bool accept_one() noexcept;
    void back_off() noexcept;
    void deal_out(Accepted accepted) noexcept;

    ListenSocket socket_;
    runtime::ShardGroup* shards_;
    AcceptorOptions options_;
    Adopt adopt_;
    int descriptor_end_;  ///< From here on descriptors are the reserve.
    runtime::Shard* home_ = nullptr;
    runtime::PollKey key_;
    std::size_t next_shard_ = 0;
    std::atomic<std::size_t> open_{0};
    AcceptCounters counters_;
};

}  // namespace weir::net
