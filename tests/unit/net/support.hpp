/// Connections that record, on shards that a test steps by hand.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>

#include <weir/base/clock.hpp>
#include <weir/net/connection.hpp>
#include <weir/net/error.hpp>
#include <weir/runtime/shard.hpp>

namespace weir::net::test {

using namespace std::chrono_literals;

inline std::pair<runtime::UniqueFd, runtime::UniqueFd> socket_pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return {runtime::UniqueFd{fds[0]}, runtime::UniqueFd{fds[1]}};
}

/// The far end of a connection: plain, non-blocking.
class Peer {
public:
    explicit Peer(runtime::UniqueFd fd) : fd_{std::move(fd)} {}

    void sends(std::string_view text) const {
        ASSERT_EQ(
            ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size())
        );
    }
    /// Everything that is there now.
    [[nodiscard]] std::string receives() {
        std::string all;
        char buffer[16 * 1024];
        for (;;) {
            const ssize_t size = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
            if (size <= 0) {
                ended = ended || size == 0;
                return all;
            }
            all.append(buffer, static_cast<std::size_t>(size));
        }
    }
    void shuts_down() const { ::shutdown(fd_.get(), SHUT_WR); }
    void closes() { fd_.reset(); }
    [[nodiscard]] int fd() const { return fd_.get(); }

    bool ended = false;  ///< receives() has seen the end.

private:
    runtime::UniqueFd fd_;
};

class RecordingConnection final : public Connection {
public:
    RecordingConnection(ShardIo& io, Transport transport, Watermarks marks = {})
        : Connection{io, std::move(transport), marks} {}
    ~RecordingConnection() override = default;

    void say(std::string_view text) {
        output().append(as_bytes(text));
        flush_later();
    }

    std::string received;
    int calls = 0;
    int drained = 0;
    int secured = 0;
    int handshakes_failed = 0;
    RejectedCertificate rejected;  ///< When the handshake failed.
    std::optional<error_code> closed;
    std::function<void(ByteView)> on_received;
    std::function<void()> when_secured;
    std::function<void()> when_moving;
    std::function<std::optional<SteadyTime>(SteadyTime)> when_timeout;

private:
    void on_bytes(ByteView bytes) noexcept override {
        ++calls;
        received += as_text(bytes);
        if (on_received) {
            on_received(bytes);
        }
    }
    void on_secured() noexcept override {
        ++secured;
        if (when_secured) {
            when_secured();
        }
    }
    void on_handshake_failed(const error_code& /*error*/) noexcept override {
        ++handshakes_failed;
        rejected = io().tls.rejected();
    }
    void on_drained() noexcept override { ++drained; }
    std::optional<SteadyTime> on_timeout(SteadyTime now) noexcept override {
        return when_timeout ? when_timeout(now) : Connection::on_timeout(now);
    }
    void on_closed(error_code reason) noexcept override {
        EXPECT_FALSE(closed) << "closed twice";
        closed = reason;
    }
    void on_moving() noexcept override {
        if (when_moving) {
            when_moving();
        }
    }
};

/// One shard and one plain connection over a socket pair.
struct OneConnection : testing::Test {
    explicit OneConnection(Watermarks marks = {}) : OneConnection{socket_pair(), marks} {}
    OneConnection(std::pair<runtime::UniqueFd, runtime::UniqueFd> fds, Watermarks marks)
        : peer{std::move(fds.second)}, connection{io, Transport{std::move(fds.first)}, marks} {
        EXPECT_TRUE(connection.attach(io));
    }
    ~OneConnection() override {
        connection.close(errc::closed);
        step();
    }

    void step(int wakes = 3) {
        for (int i = 0; i < wakes; ++i) {
            shard.run_once(0ms);
        }
    }

    ManualClock clock;
    runtime::ShardGroup group{{.shards = 1, .clock = &clock}};
    runtime::Shard& shard = group[0U];
    ShardIo io{shard};
    Peer peer;
    RecordingConnection connection;
};

}  // namespace weir::net::test
