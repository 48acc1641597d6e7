#include <weir/demo/receiver.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include <weir/http/request_reader.hpp>
#include <weir/http/response.hpp>

namespace weir::demo {
namespace {

constexpr int kPollMax_ms = 100;  ///< How late a stop may be noticed.
constexpr std::size_t kConnectionsMax = 16;

}  // namespace

/// One connection of the sink.
class Receiver::Connection {
public:
    explicit Connection(int fd) noexcept : fd_{fd}, reader_{http::ReaderLimits{}} {}
    ~Connection() { ::close(fd_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Call it when there is something to read. @return false: it is over.
    bool on_readable(Receiver& receiver) {
        std::array<Byte, 16 * 1024> buffer;
        const auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            return false;
        }
        ByteView in{buffer.data(), static_cast<std::size_t>(count)};
        for (;;) {
            const auto event = reader_.next(in);
            if (!event) {
                return false;
            }
            if (event->kind == http::Event::Kind::need_more) {
                return true;
            }
            if (event->kind == http::Event::Kind::head) {
                if (event->request.expects_continue && !send(as_bytes(http::kContinue))) {
                    return false;
                }
                continue;
            }
            receiver.count(event->request.header("Idempotency-Key").value_or(""));
            const bool keep_alive = event->request.keep_alive;
            if (!send(http::to_wire({.status = 204}, {.keep_alive = keep_alive})) || !keep_alive) {
                return false;
            }
        }
    }

private:
    bool send(ByteView bytes) noexcept {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }

    int fd_;
    http::RequestReader reader_;
};

Receiver::Receiver() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, kConnectionsMax) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
        const int error = errno;
        ::close(listener_);
        throw std::system_error{error, std::generic_category(), "cannot listen for the sink"};
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread{[this](const std::stop_token& stop) { serve(stop); }};
}

Receiver::~Receiver() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
}

Receiver::Counts Receiver::counts() const {
    return state_.with([](const State& state) { return state.counts; });
}

void Receiver::count(std::string_view key) {
    state_.with([key](State& state) {
        ++state.counts.records;
        if (key.empty() || !state.keys.emplace(key).second) {
            ++state.counts.repeats;
        }
    });
}

void Receiver::serve(const std::stop_token& stop) {
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<pollfd> polled;
    while (!stop.stop_requested()) {
        polled.assign(1, {.fd = listener_, .events = POLLIN, .revents = 0});
        for (const auto& connection : connections) {
            polled.push_back({.fd = connection->fd(), .events = POLLIN, .revents = 0});
        }
        if (::poll(polled.data(), polled.size(), kPollMax_ms) <= 0) {
            continue;
        }
        for (std::size_t i = connections.size(); i-- > 0;) {
            if (polled[i + 1].revents != 0 && !connections[i]->on_readable(*this)) {
                connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (polled[0].revents != 0 && connections.size() < kConnectionsMax) {
            if (const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0) {
                connections.push_back(std::make_unique<Connection>(fd));
            }
        }
    }
}

}  // namespace weir::demo
