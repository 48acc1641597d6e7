#include <weir/admin/unix_client.hpp>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace weir::admin {
namespace {

namespace http = boost::beast::http;

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_{fd} {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

std::string reason(int error) {
    return std::generic_category().message(error);
}

void connect(int fd, const std::filesystem::path& path) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto text = path.string();
    if (text.size() >= sizeof(address.sun_path)) {
        throw NoServer{fmt::format("the path '{}' is too long for a socket", text)};
    }
    std::memcpy(address.sun_path, text.data(), text.size());
    if (::connect(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof(address)) == 0) {
        return;
    }
    const int error = errno;
    const auto message = fmt::format("'{}': {}", text, reason(error));
    if (error == EACCES || error == EPERM) {
        throw NotAllowed{message};
    }
    throw NoServer{message};
}

/// A server that refuses stops reading, but its answer can still be read: so a failure is no end.
void send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string receive_all(int fd) {
    std::string text;
    std::array<char, 16 * 1024> part;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into.
    for (;;) {
        const auto count = ::recv(fd, part.data(), part.size(), 0);
        if (count == 0) {
            return text;
        }
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw std::runtime_error{
                errno == EAGAIN
                    ? "the gateway does not answer"
                    : fmt::format("the connection to the gateway broke: {}", reason(errno))
            };
        }
        text.append(part.data(), static_cast<std::size_t>(count));
        if (text.size() > kAnswerBytesMax) {
            throw std::runtime_error{"the gateway's answer is too large"};
        }
    }
}

Answer parse(const std::string& text) {
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    parser.body_limit(kAnswerBytesMax);
    boost::system::error_code error;
    std::size_t used = 0;
    while (!error && !parser.is_done() && used < text.size()) {
        used += parser.put(boost::asio::buffer(text.data() + used, text.size() - used), error);
    }
    if (error || !parser.is_done()) {
        throw std::runtime_error{"the gateway's answer was cut short"};
    }
    auto message = parser.release();
    return {
        .status = static_cast<std::uint16_t>(message.result_int()),
        .body = std::move(message.body()),
    };
}

}  // namespace

Answer request(
    const std::filesystem::path& socket,
    std::string_view method,
    std::string_view target,
    std::string_view body,
    std::chrono::seconds patience
) {
    const Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (fd.get() < 0) {
        throw std::runtime_error{fmt::format("cannot make a socket: {}", reason(errno))};
    }
    const ::timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
        ::setsockopt(fd.get(), SOL_SOCKET, option, &limit, sizeof(limit));
    }
    connect(fd.get(), socket);
    send_all(
        fd.get(),
        fmt::format(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            method,
            target,
            body.size(),
            body
        )
    );
    return parse(receive_all(fd.get()));
}

}  // namespace weir::admin
