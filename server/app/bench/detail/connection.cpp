#include <weir/bench/detail/connection.hpp>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace weir::bench::detail {
namespace {

constexpr std::size_t kTlsRecordMax = 16 * 1'024;

/// Loopback has 16 million addresses; each gives new ports.
bool bind_source(int fd, std::uint32_t client, std::uint32_t addresses) {
    constexpr std::uint32_t kFirst = 0x7F'00'00'02;  // 127.0.0.2
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(kFirst + client % addresses);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0;
}

}  // namespace

bool Connection::begin(const Shared& shared, std::uint32_t client, void* key) {
    const auto family = shared.address.storage.ss_family;
    epoll_ = shared.epoll;
    key_ = key;
    fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        return fail_with_errno("socket");
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto sources = shared.options.source_addresses;
    if (sources > 0 && family == AF_INET && !bind_source(fd_, client, sources)) {
        return fail_with_errno("bind");
    }
    if (::connect(fd_, shared.address.get(), shared.address.size) != 0 && errno != EINPROGRESS) {
        return fail_with_errno("connect");
    }
    wants_write_ = true;
    epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = key}};
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) == 0 || fail_with_errno("epoll_ctl");
}

Connection::Progress Connection::advance(const Shared& shared, std::uint32_t client) {
    auto progress = Progress::open;
    if (step_ == Step::tcp) {
        if (!connected()) {
            return Progress::failed;
        }
        tls_ = shared.tls.begin(client, fd_);
        step_ = Step::tls;
    }
    if (step_ == Step::tls) {
        if (tls_ != nullptr && (progress = shake_hands()) != Progress::open) {
            return progress;
        }
        want_write(false);
        step_ = Step::open;
        return shared.options.websocket ? ask_for_upgrade(shared.options) : Progress::open;
    }
    if (step_ == Step::upgrade) {
        return flush() ? take_upgrade(shared) : Progress::failed;
    }
    return progress;
}

bool Connection::connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0 || fail_with_errno("connect");
}

Byte* Connection::room(std::size_t size) {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    if (end_ + size > out_.size() && begin_ > 0) {
        std::memmove(out_.data(), out_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ + size > out_.size()) {
        out_.resize(std::max(2 * out_.size(), end_ + size));
    }
    return out_.data() + end_;
}

bool Connection::flush() {
    if (step_ == Step::tcp || step_ == Step::tls) {
        return true;
    }
    while (begin_ < end_) {
        ssize_t written = 0;
        if (tls_ != nullptr) {
            ERR_clear_error();
            written = SSL_write(tls_.get(), out_.data() + begin_, static_cast<int>(end_ - begin_));
            if (written <= 0) {
                const int why = SSL_get_error(tls_.get(), static_cast<int>(written));
                if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ) {
                    return fail_with_tls("TLS", why);
                }
                want_write(true);
                return true;
            }
        } else {
            written = ::send(fd_, out_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
            if (written < 0 && errno != EAGAIN && errno != EINTR) {
                return fail_with_errno("send");
            }
            if (written < 0) {
                want_write(true);
                return true;
            }
        }
        begin_ += static_cast<std::size_t>(written);
    }
    want_write(false);
    return true;
}

std::optional<std::span<Byte>> Connection::read(std::span<Byte> scratch) {
    std::size_t carried = 0;
    if (websocket_ != nullptr) {
        carried = websocket_->carry.size();
        std::ranges::copy(websocket_->carry, scratch.begin());
        websocket_->carry.clear();
    }
    has_more_ = false;
    const auto into = scratch.subspan(carried);
    const auto count = tls_ != nullptr ? read_tls(into) : read_plain(into);
    if (!count) {
        return std::nullopt;
    }
    return scratch.first(carried + *count);
}

std::optional<std::size_t> Connection::read_plain(std::span<Byte> into) {
    const auto count = ::recv(fd_, into.data(), into.size(), 0);
    if (count > 0) {
        return static_cast<std::size_t>(count);
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    count == 0 ? fail("closed by the broker") : fail_with_errno("recv");
    return std::nullopt;
}

/// All records that are there: epoll will not tell of those that OpenSSL has read already.
std::optional<std::size_t> Connection::read_tls(std::span<Byte> into) {
    std::size_t gathered = 0;
    while (gathered + kTlsRecordMax <= into.size()) {
        ERR_clear_error();
        std::size_t count = 0;
        const auto rest = into.subspan(gathered);
        const int outcome = SSL_read_ex(tls_.get(), rest.data(), rest.size(), &count);
        if (outcome == 1) {
            gathered += count;
            continue;
        }
        const int why = SSL_get_error(tls_.get(), outcome);
        if (why == SSL_ERROR_WANT_READ) {
            return gathered;
        }
        if (gathered > 0) {
            break;  // It will be told again, after what came before it.
        }
        fail_with_tls("closed by the broker", why);
        return std::nullopt;
    }
    has_more_ = true;
    return gathered;
}

void Connection::want_write(bool on) {
    if (on == wants_write_) {
        return;
    }
    wants_write_ = on;
    epoll_event event{
        .events = on ? EPOLLIN | EPOLLOUT : static_cast<std::uint32_t>(EPOLLIN),
        .data = {.ptr = key_},
    };
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event);
}

Connection::Progress Connection::shake_hands() {
    ERR_clear_error();
    const int outcome = SSL_do_handshake(tls_.get());
    if (outcome == 1) {
        return Progress::open;
    }
    const int why = SSL_get_error(tls_.get(), outcome);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        fail_with_tls("TLS handshake", why);
        return Progress::failed;
    }
    want_write(why == SSL_ERROR_WANT_WRITE);
    return Progress::waiting;
}

void Connection::close() noexcept {
    if (tls_ != nullptr && SSL_is_init_finished(tls_.get()) != 0 && error_.empty()) {
        static_cast<void>(SSL_shutdown(tls_.get()));
    }
    tls_.reset();
    websocket_.reset();
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
    out_ = {};
    begin_ = end_ = 0;
}

bool Connection::fail(std::string error) {
    if (error_.empty()) {
        error_ = std::move(error);
    }
    return false;
}

bool Connection::fail_with_errno(const char* what) {
    return fail(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

bool Connection::fail_with_tls(const char* what, int outcome) {
    if (outcome != SSL_ERROR_SSL) {
        return fail(what);
    }
    std::array<char, 256> reason{};
    ERR_error_string_n(ERR_peek_error(), reason.data(), reason.size());
    return fail(fmt::format("{}: {}", what, reason.data()));
}

}  // namespace weir::bench::detail
