#include <weir/net/acceptor.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <weir/base/log.hpp>
#include <weir/net/error.hpp>

namespace weir::net {
namespace {

union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

/// ::ffff:a.b.c.d is told as a.b.c.d.
Address address_of(const SocketAddress& socket) noexcept {
    Address address;
    if (socket.any.sa_family == AF_INET) {
        std::memcpy(address.ip.data(), &socket.v4.sin_addr, 4);
        address.port = ntohs(socket.v4.sin_port);
        return address;
    }
    address.port = ntohs(socket.v6.sin6_port);
    const auto* const bytes = socket.v6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&socket.v6.sin6_addr)) {
        std::memcpy(address.ip.data(), bytes + 12, 4);
    } else {
        std::memcpy(address.ip.data(), bytes, 16);
        address.v6 = true;
    }
    return address;
}

bool parse(
    const std::string& text, std::uint16_t port, SocketAddress& out, socklen_t& size
) noexcept {
    out = {};
    if (::inet_pton(AF_INET, text.c_str(), &out.v4.sin_addr) == 1) {
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(port);
        size = sizeof out.v4;
        return true;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &out.v6.sin6_addr) == 1) {
        out.v6.sin6_family = AF_INET6;
        out.v6.sin6_port = htons(port);
        size = sizeof out.v6;
        return true;
    }
    return false;
}

[[noreturn]] void fail(const std::string& address, std::uint16_t port, const std::string& why) {
    throw ListenError{"cannot listen on " + address + " port " + std::to_string(port) + ": " + why};
}

void set_option(int fd, int level, int name, int value) noexcept {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

int descriptor_limit() noexcept {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max()));
}

}  // namespace

ListenSocket ListenSocket::open(const std::string& address, std::uint16_t port, int backlog) {
    SocketAddress bound{};
    socklen_t size = 0;
    if (!parse(address, port, bound, size)) {
        fail(address, port, "not a numeric IPv4 or IPv6 address");
    }
    ListenSocket made;
    made.fd_.reset(::socket(bound.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = made.fd();
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // Accepted sockets inherit it.
    if (bound.any.sa_family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (fd < 0 || ::bind(fd, &bound.any, size) != 0 || ::listen(fd, backlog) != 0 ||
        ::getsockname(fd, &bound.any, &size) != 0) {
        fail(address, port, std::generic_category().message(errno));
    }
    made.address_ = address_of(bound);
    return made;
}

Acceptor::Acceptor(
    ListenSocket socket, runtime::ShardGroup& shards, AcceptorOptions options, Adopt adopt
)
    : socket_{std::move(socket)},
      shards_{&shards},
      options_{std::move(options)},
      adopt_{std::move(adopt)},
      descriptor_end_{descriptor_limit() - options_.descriptors_reserved} {}

Acceptor::~Acceptor() {
    stop();
}

Result<> Acceptor::start(runtime::Shard& home) noexcept {
    WEIR_TRY(key_, home.poller().add(socket_.fd(), *this, runtime::Watch::incoming));
    home_ = &home;
    return {};
}

void Acceptor::stop() noexcept {
    if (home_ != nullptr) {
        home_->poller().remove(key_, socket_.fd());
        home_ = nullptr;
        Timer::disarm();
    }
    socket_.close();
}

void Acceptor::on_ready(runtime::Readiness /*readiness*/) noexcept {
    accept_turn();
}

std::optional<SteadyTime> Acceptor::on_deadline(SteadyTime /*now*/) noexcept {
    accept_turn();
    return std::nullopt;
}

void Acceptor::accept_turn() noexcept {
    if (Timer::armed()) {
        return;  // It backs off.
    }
    for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
        if (!accept_one()) {
            return;
        }
    }
    home_->poller().again(key_);
}

bool Acceptor::accept_one() noexcept {
    SocketAddress from{};
    socklen_t size = sizeof from;
    Accepted accepted;
    accepted.fd.reset(::accept4(socket_.fd(), &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.fd) {
        switch (errno) {
            case EAGAIN:
                return false;
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                back_off();
                return false;
            default:
                return true;  // That connection was gone before we came.
        }
    }
    if (accepted.fd.get() >= descriptor_end_) {
        counters_.refused_descriptors.add();
        accepted.fd.reset();
        back_off();
        return false;
    }
    accepted.peer = address_of(from);
    if (open_.load(std::memory_order_relaxed) >= options_.connections_max) {
        counters_.refused_limit.add();
    } else if (options_.admit && !options_.admit(accepted.peer)) {
        counters_.refused_peer.add();
    } else {
        counters_.accepted.add();
        open_.fetch_add(1, std::memory_order_relaxed);
        accepted.slot = ConnectionSlot{open_};
        deal_out(std::move(accepted));
    }
    return true;
}

void Acceptor::back_off() noexcept {
    counters_.backoffs.add();
    log::debug("accept_backoff", {{"listener", proxy::to_text(address())}});
    home_->fine_timers().arm(*this, home_->now() + kBackoff);
}

void Acceptor::deal_out(Accepted accepted) noexcept {
    runtime::Shard& shard = (*shards_)[next_shard_++ % shards_->size()];
    if (&shard == home_) {
        adopt_(shard, std::move(accepted));
        return;
    }
    shard.post([this, accepted = std::move(accepted)]() mutable {
        adopt_(*runtime::Shard::current(), std::move(accepted));
    });
}

}  // namespace weir::net
