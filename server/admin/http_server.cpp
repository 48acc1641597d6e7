#include <weir/admin/http_server.hpp>

#include <sys/stat.h>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <list>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <weir/base/clock.hpp>
#include <weir/http/problem.hpp>
#include <weir/http/request_reader.hpp>

namespace weir::admin {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Executor = asio::io_context::executor_type;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
template <class Protocol>
using AcceptorOf = asio::basic_socket_acceptor<Protocol, Executor>;
using Timer = asio::basic_waitable_timer<
    std::chrono::steady_clock,
    asio::wait_traits<std::chrono::steady_clock>,
    Executor>;
using SteadyPoint = std::chrono::steady_clock::time_point;

constexpr asio::use_awaitable_t<Executor> kUseAwaitable;
constexpr auto kUseTuple = asio::as_tuple(kUseAwaitable);

constexpr std::size_t kHandlerThreads = 2;
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::chrono::milliseconds kSweepPeriod{250};
constexpr std::chrono::milliseconds kAcceptBackoff{100};
constexpr std::chrono::milliseconds kLinger{2'000};  ///< For a peer to take a refusal.
constexpr ::mode_t kSocketMode = 0660;

struct Connection {
    Connection(Socket accepted, const ServerLimits& limits)
        : socket{std::move(accepted)},
          reader{{.head_bytes = limits.head_bytes, .body_bytes = limits.body_bytes}} {
        expire_after(limits.head);
    }

    Socket socket;
    SteadyPoint deadline;  ///< Closed by the sweep when it is over.
    bool may_give_way = true;  ///< It waits for a request, or for the rest of one.
    http::RequestReader reader;
    Bytes buffer = Bytes(kReadBytes);
    ByteView unread = {};  ///< Of `buffer`.

    void expire_after(std::chrono::milliseconds time) {
        deadline = std::chrono::steady_clock::now() + time;
    }
};
using Connections = std::list<Connection>;

/// True if somebody listens there.
bool answers(const asio::local::stream_protocol::endpoint& endpoint) {
    asio::io_context io;
    asio::local::stream_protocol::socket probe{io};
    error_code error;
    probe.connect(endpoint, error);
    return !error;
}

void make_room(const fs::path& path, const asio::local::stream_protocol::endpoint& endpoint) {
    std::error_code error;
    if (path.has_parent_path()) {
        fs::create_directories(path.parent_path(), error);
    }
    const auto status = fs::symlink_status(path, error);
    if (!fs::exists(status)) {
        return;
    }
    if (!fs::is_socket(status)) {
        throw ListenError{fmt::format("'{}' is there and is no socket", path.string())};
    }
    if (answers(endpoint)) {
        throw ListenError{fmt::format("another process listens at '{}'", path.string())};
    }
    fs::remove(path, error);
}

}  // namespace

/// All members but `routes_` and `pool_` belong to the control thread while it runs.
class HttpServer::Impl {
public:
    Impl(Routes routes, ServerLimits limits) : routes_{std::move(routes)}, limits_{limits} {}

    void listen_unix(const fs::path& path) {
        try {
            const asio::local::stream_protocol::endpoint endpoint{path.string()};
            make_room(path, endpoint);
            unix_.emplace(io_);
            unix_->open();
            // The file gets its mode from the descriptor: it is never open wider for a moment.
            ::fchmod(unix_->native_handle(), kSocketMode);
            unix_->bind(endpoint);
            ::chmod(path.c_str(), kSocketMode);  // Whatever the umask took away.
            path_ = path;
            unix_->listen();
        } catch (const boost::system::system_error& error) {
            throw ListenError{
                fmt::format("cannot listen at '{}': {}", path.string(), error.code().message())
            };
        }
    }

    std::uint16_t listen_tcp(const std::string& address, std::uint16_t port) {
        try {
            const asio::ip::tcp::endpoint endpoint{asio::ip::make_address(address), port};
            tcp_.emplace(io_, endpoint);
            return tcp_->local_endpoint().port();
        } catch (const boost::system::system_error& error) {
            throw ListenError{fmt::format(
                "cannot listen at {} port {}: {}", address, port, error.code().message()
            )};
        }
    }

    void start() {
        const auto spawn = [this](Awaitable<void> work) {
            asio::co_spawn(io_, std::move(work), asio::detached);
        };
        if (unix_) {
            spawn(accept_loop(&*unix_));
        }
        if (tcp_) {
            spawn(accept_loop(&*tcp_));
        }
        spawn(sweep());
        thread_ = std::jthread{[this] { io_.run(); }};
    }

    void stop() {
        pool_.join();
        io_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        if (!path_.empty()) {
            std::error_code ignored;
            fs::remove(std::exchange(path_, {}), ignored);
        }
    }

private:
    /// @param acceptor  unix_ or tcp_.
    template <class Protocol>
    Awaitable<void> accept_loop(AcceptorOf<Protocol>* acceptor) {
        Timer pause{io_.get_executor()};
        for (;;) {
            auto [error, socket] = co_await acceptor->async_accept(kUseTuple);
            if (error == asio::error::operation_aborted) {
                co_return;
            }
            if (error) {
                pause.expires_after(kAcceptBackoff);
                if (auto [stopped] = co_await pause.async_wait(kUseTuple); stopped) {
                    co_return;
                }
                continue;
            }
            if (connections_.size() < limits_.connections || evict()) {
                connections_.emplace_back(std::move(socket), limits_);
                asio::co_spawn(io_, serve(std::prev(connections_.end())), asio::detached);
            }
        }
    }

    /// Closes the connection that would be over its time first. @return False: all are being answered.
    bool evict() {
        Connection* first = nullptr;
        for (auto& connection : connections_) {
            if (connection.may_give_way &&
                (first == nullptr || connection.deadline < first->deadline)) {
                first = &connection;
            }
        }
        if (first == nullptr) {
            return false;
        }
        first->may_give_way = false;
        error_code ignored;
        first->socket.close(ignored);
        return true;
    }

    /// Closes what is over its time. Its coroutine then sees an aborted read or write, and ends.
    Awaitable<void> sweep() {
        Timer timer{io_.get_executor()};
        for (;;) {
            timer.expires_after(kSweepPeriod);
            if (auto [stopped] = co_await timer.async_wait(kUseTuple); stopped) {
                co_return;
            }
            const auto now = std::chrono::steady_clock::now();
            for (auto& connection : connections_) {
                if (connection.deadline <= now) {
                    error_code ignored;
                    connection.socket.close(ignored);
                }
            }
        }
    }

    Awaitable<void> serve(Connections::iterator connection) {
        for (bool open = true; open;) {
            auto [error, count] = co_await connection->socket.async_read_some(
                asio::buffer(connection->buffer), kUseTuple
            );
            connection->unread = ByteView{connection->buffer}.first(count);
            open = !error && co_await answer_unread(connection);
        }
        connections_.erase(connection);
    }

    /// Answers every request that the unread bytes complete.
    /// @return false: the connection is to be closed.
    Awaitable<bool> answer_unread(Connections::iterator connection) {
        for (;;) {
            const auto event = connection->reader.next(connection->unread);
            if (!event) {
                co_await refuse(connection, event.error());
                co_return false;
            }
            switch (event->kind) {
                case http::Event::Kind::need_more:
                    co_return true;
                case http::Event::Kind::head:
                    connection->expire_after(limits_.body);
                    if (event->request.expects_continue &&
                        !co_await send(connection, to_bytes(http::kContinue))) {
                        co_return false;
                    }
                    break;
                case http::Event::Kind::request: {
                    const auto& request = event->request;
                    const http::WireOptions options{
                        .keep_alive = request.keep_alive,
                        .head_only = request.method == "HEAD",
                        .date = SystemClock{}.wall(),
                    };
                    if (!co_await answer(connection, call_of(request), options)) {
                        co_return false;
                    }
                    break;
                }
            }
        }
    }

    static Call call_of(const http::Request& request) {
        return {
            .method = std::string{request.method},
            .target = std::string{request.target},
            .content_type = std::string{request.header("Content-Type").value_or("")},
            .body = std::string{as_text(request.body)},
        };
    }

    Awaitable<bool> answer(Connections::iterator connection, Call call, http::WireOptions options) {
        connection->deadline = SteadyPoint::max();  // A handler takes the time that it takes.
        connection->may_give_way = false;
        const auto response = co_await run(std::move(call));
        const bool sent = co_await send(connection, http::to_wire(response, options));
        connection->expire_after(limits_.head);
        connection->may_give_way = true;
        co_return sent&& options.keep_alive;
    }

    /// Runs the handler on the pool; goes on here.
    Awaitable<http::Response> run(Call call) {
        return asio::async_initiate<decltype(kUseAwaitable), void(http::Response)>(
            [this](auto resume, Call asked) {
                asio::post(
                    pool_,
                    [this, resume = std::move(resume), asked = std::move(asked)]() mutable {
                        asio::post(
                            io_,
                            [resume = std::move(resume),
                             response = dispatch(routes_, std::move(asked))]() mutable {
                                std::move(resume)(std::move(response));
                            }
                        );
                    }
                );
            },
            kUseAwaitable,
            std::move(call)
        );
    }

    Awaitable<bool> send(Connections::iterator connection, Bytes bytes) {
        connection->expire_after(limits_.write);
        auto [error, count] =
            co_await asio::async_write(connection->socket, asio::buffer(bytes), kUseTuple);
        co_return !error;
    }

    /// Tells why the request cannot be read, and takes what the peer still sends: closing at once
    /// could cost it the answer.
    Awaitable<void> refuse(Connections::iterator connection, error_code why) {
        const auto response = http::to_response(
            {.status = http::status_of(why), .code = "bad_request", .detail = why.message()}
        );
        const http::WireOptions options{.keep_alive = false, .date = SystemClock{}.wall()};
        if (!co_await send(connection, http::to_wire(response, options))) {
            co_return;
        }
        connection->expire_after(kLinger);
        error_code error;
        connection->socket.shutdown(Socket::shutdown_send, error);
        Bytes rest(kReadBytes);
        while (!error) {
            error = std::get<0>(
                co_await connection->socket.async_read_some(asio::buffer(rest), kUseTuple)
            );
        }
    }

    Routes routes_;
    ServerLimits limits_;
    asio::io_context io_{1};
    asio::thread_pool pool_{kHandlerThreads};
    std::optional<AcceptorOf<asio::local::stream_protocol>> unix_;
    std::optional<AcceptorOf<asio::ip::tcp>> tcp_;
    fs::path path_;  ///< Of the Unix socket; removed at the end.
    Connections connections_;
    std::jthread thread_;
};

HttpServer::HttpServer(Routes routes, ServerLimits limits)
    : impl_{std::make_unique<Impl>(std::move(routes), limits)} {}

HttpServer::~HttpServer() {
    stop();
}

void HttpServer::listen_unix(const fs::path& path) {
    impl_->listen_unix(path);
}

std::uint16_t HttpServer::listen_tcp(const std::string& address, std::uint16_t port) {
    return impl_->listen_tcp(address, port);
}

void HttpServer::start() {
    impl_->start();
}

void HttpServer::stop() {
    impl_->stop();
}

}  // namespace weir::admin
