// The operators' server over a Unix socket: what it answers, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include <support/temp_dir.hpp>
#include <weir/admin/http_server.hpp>
#include <weir/admin/unix_client.hpp>

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Routes routes() {
    Routes made;
    made.add("GET", "/v1/things/{name}", [](const Call& call) {
        return http::Response{
            .content_type = "text/plain", .body = call.path.at(0) + call.query("more").value_or("")
        };
    });
    made.add("POST", "/v1/echo", [](const Call& call) {
        return http::Response{.content_type = call.content_type, .body = call.body};
    });
    made.add("POST", "/v1/refused", [](const Call&) -> http::Response {
        throw ApiError{409, "already_exists", "it is there"};
    });
    made.add("POST", "/v1/broken", [](const Call&) -> http::Response {
        throw std::runtime_error{"disk on fire"};
    });
    return made;
}

int connected(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof(address)), 0);
    return fd;
}

/// All that comes until the server closes.
std::string all_of(int fd) {
    std::string text;
    char part[4'096];
    for (ssize_t count = 0; (count = ::recv(fd, part, sizeof(part), 0)) > 0;) {
        text.append(part, static_cast<std::size_t>(count));
    }
    ::close(fd);
    return text;
}

void send_text(int fd, std::string_view text) {
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), std::ssize(text));
}

class Server : public testing::Test {
protected:
    void start(ServerLimits limits = {}) {
        server_ = std::make_unique<HttpServer>(routes(), limits);
        server_->listen_unix(path_);
        server_->start();
    }
    [[nodiscard]] Answer ask(
        std::string_view method, std::string_view target, std::string_view body = {}
    ) const {
        return request(path_, method, target, body);
    }

    test::TempDir folder_;
    std::string path_ = folder_ / "run/admin.sock";
    std::unique_ptr<HttpServer> server_;
};

TEST_F(Server, AnswersWithPathAndQuery) {
    start();
    const auto answer = ask("GET", "/v1/things/p%207?more=%21");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "p 7!");
}

TEST_F(Server, HandsOverTheBody) {
    start();
    const std::string body(1024 * 1024, 'x');
    EXPECT_EQ(ask("POST", "/v1/echo", body).body, body);
}

TEST_F(Server, RefusesABodyOverTheLimit_T34) {
    start({.body_bytes = 100});
    EXPECT_EQ(ask("POST", "/v1/echo", std::string(100, 'x')).status, 200);
    EXPECT_EQ(ask("POST", "/v1/echo", std::string(101, 'x')).status, 413);
    EXPECT_EQ(ask("POST", "/v1/echo", std::string(4 * 1024 * 1024, 'x')).status, 413);
}

TEST_F(Server, RefusesAChunkedBodyOverTheLimit_T34) {
    start({.body_bytes = 4});
    const int fd = connected(path_);
    send_text(
        fd,
        "POST /v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\n1234\r\n1\r\n5\r\n0\r\n\r\n"
    );
    ::shutdown(fd, SHUT_WR);
    EXPECT_THAT(all_of(fd), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Server, RefusesAHeadOverTheLimit) {
    start({.head_bytes = 512});
    EXPECT_EQ(ask("GET", "/v1/things/" + std::string(1'000, 'x')).status, 431);
}

TEST_F(Server, TellsWhatIsNotThere) {
    start();
    EXPECT_EQ(ask("GET", "/v2").status, 404);
    EXPECT_EQ(ask("GET", "/v1/things/%4").status, 400);
    const int fd = connected(path_);
    send_text(fd, "DELETE /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto text = all_of(fd);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(text, HasSubstr("Allow: POST\r\n"));
}

TEST_F(Server, TurnsWhatAHandlerThrowsIntoAProblem) {
    start();
    const auto refused = ask("POST", "/v1/refused");
    EXPECT_EQ(refused.status, 409);
    EXPECT_THAT(refused.body, HasSubstr(R"("code":"already_exists")"));
    EXPECT_THAT(refused.body, HasSubstr("it is there"));
    EXPECT_EQ(ask("POST", "/v1/broken").status, 500);
}

TEST_F(Server, AnswersPipelinedRequestsInOrder) {
    start();
    const int fd = connected(path_);
    send_text(
        fd,
        "GET /v1/things/a HTTP/1.1\r\nHost: x\r\n\r\n"
        "HEAD /v1/things/bb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    const auto text = all_of(fd);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\n\r\naHTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(text, testing::EndsWith("\r\n\r\n"));
}

TEST_F(Server, ClosesGarbageWithAnAnswer) {
    start();
    const int fd = connected(path_);
    send_text(fd, "\x16\x03\x01\r\n\r\n");
    ::shutdown(fd, SHUT_WR);
    EXPECT_THAT(all_of(fd), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Server, ClosesAHeadThatDoesNotEnd) {
    start({.head = std::chrono::milliseconds{1}});
    const int fd = connected(path_);
    send_text(fd, "GET /v1/things/a HTTP/1.1\r\nHost:");
    EXPECT_EQ(all_of(fd), "");
}

TEST_F(Server, ClosesConnectionsOverTheLimit_WhileTheOthersAreAnswered) {
    std::promise<void> begun;
    std::promise<void> goes_on;
    Routes made = routes();
    made.add("POST", "/v1/slow", [&](const Call&) {
        begun.set_value();
        goes_on.get_future().wait();
        return http::Response{.body = "done"};
    });
    server_ = std::make_unique<HttpServer>(std::move(made), ServerLimits{.connections = 1});
    server_->listen_unix(path_);
    server_->start();
    const int first = connected(path_);
    send_text(
        first, "POST /v1/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    begun.get_future().wait();
    EXPECT_EQ(all_of(connected(path_)), "");
    goes_on.set_value();
    EXPECT_THAT(all_of(first), HasSubstr("done"));
}

TEST_F(Server, GivesTheLongestWaitersPlaceToANewConnection_T29) {
    start({.connections = 2});
    const int first = connected(path_);
    send_text(first, "GET /v1/things/a HTTP/1.1\r\n");
    const int second = connected(path_);
    send_text(second, "GET /v1/things/a HTTP/1.1\r\n");
    EXPECT_EQ(ask("GET", "/v1/things/a").status, 200);
    EXPECT_EQ(all_of(first), "");
    send_text(second, "Host: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(all_of(second), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Server, MakesASocketForOwnerAndGroup) {
    start();
    struct ::stat facts{};
    ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0660U);
    server_->stop();
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Server, ReplacesTheSocketOfADeadProcess) {
    std::filesystem::create_directories(std::filesystem::path{path_}.parent_path());
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), sizeof(address)), 0);
    ::close(fd);
    start();
    EXPECT_EQ(ask("GET", "/v1/things/a").status, 200);
}

TEST_F(Server, LeavesALivingSocketAndForeignFilesAlone) {
    start();
    HttpServer second{routes()};
    EXPECT_THROW(second.listen_unix(path_), ListenError);
    const auto file = folder_ / "file";
    std::ofstream{file} << "precious";
    EXPECT_THROW(second.listen_unix(file), ListenError);
    EXPECT_TRUE(std::filesystem::exists(file));
    EXPECT_EQ(ask("GET", "/v1/things/a").status, 200);
}

TEST_F(Server, ListensOnTcpAndNamesABusyPort) {
    HttpServer server{routes()};
    const auto port = server.listen_tcp("127.0.0.1", 0);
    EXPECT_NE(port, 0);
    HttpServer second{routes()};
    try {
        second.listen_tcp("127.0.0.1", port);
        FAIL() << "the port is taken";
    } catch (const ListenError& error) {
        EXPECT_THAT(error.what(), HasSubstr(std::to_string(port)));
    }
    EXPECT_THROW(second.listen_tcp("not an address", 0), ListenError);
}

TEST(UnixClient, TellsThatNobodyIsThere) {
    const test::TempDir folder;
    EXPECT_THROW(static_cast<void>(request(folder / "none", "GET", "/")), NoServer);
    EXPECT_THROW(static_cast<void>(request(folder / std::string(200, 'x'), "GET", "/")), NoServer);
}

}  // namespace
}  // namespace weir::admin
