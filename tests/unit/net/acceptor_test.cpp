#include <weir/net/acceptor.hpp>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <vector>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

runtime::UniqueFd connect_to(const Address& address) {
    runtime::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
}

struct AcceptorTest : testing::Test {
    void listen(AcceptorOptions options = {}) {
        acceptor = std::make_unique<Acceptor>(
            ListenSocket::open("127.0.0.1", 0),
            group,
            std::move(options),
            [this](runtime::Shard& shard, Accepted accepted) {
                adopted[runtime::index_of(shard.id())].push_back(std::move(accepted));
            }
        );
        ASSERT_TRUE(acceptor->start(group[0U]));
    }
    void step() {
        for (int i = 0; i < 5; ++i) {
            for (std::size_t shard = 0; shard < group.size(); ++shard) {
                group[shard].run_once(0ms);
            }
        }
    }

    ManualClock clock;
    runtime::ShardGroup group{{.shards = 3, .clock = &clock}};
    std::unique_ptr<Acceptor> acceptor;
    std::map<std::size_t, std::vector<Accepted>> adopted;
    std::vector<runtime::UniqueFd> clients;

    ~AcceptorTest() override { adopted.clear(); }
};

TEST_F(AcceptorTest, DealsOutConnectionsInTurn) {
    listen();
    for (int i = 0; i < 7; ++i) {
        clients.push_back(connect_to(acceptor->address()));
    }
    step();
    EXPECT_EQ(adopted[0].size(), 3U);
    EXPECT_EQ(adopted[1].size(), 2U);
    EXPECT_EQ(adopted[2].size(), 2U);
    EXPECT_EQ(acceptor->counters().accepted.value(), 7U);
}

TEST_F(AcceptorTest, TellsThePeerAndSetsNoDelay) {
    listen();
    clients.push_back(connect_to(acceptor->address()));
    step();
    const Accepted& accepted = adopted[0].at(0);
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(clients[0].get(), reinterpret_cast<sockaddr*>(&own), &size);
    EXPECT_EQ(proxy::to_text(accepted.peer), "127.0.0.1:" + std::to_string(ntohs(own.sin_port)));
    int no_delay = 0;
    size = sizeof no_delay;
    ::getsockopt(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    EXPECT_NE(no_delay, 0);
}

TEST_F(AcceptorTest, KeepsToTheLimitOfConnections) {
    listen({.connections_max = 2});
    for (int i = 0; i < 3; ++i) {
        clients.push_back(connect_to(acceptor->address()));
    }
    step();
    EXPECT_EQ(acceptor->connections(), 2U);
    EXPECT_EQ(acceptor->counters().refused_limit.value(), 1U);
    char byte = 0;
    EXPECT_EQ(::recv(clients[2].get(), &byte, 1, 0), 0) << "the third is closed";
    adopted[0].clear();
    EXPECT_EQ(acceptor->connections(), 1U);
    clients.push_back(connect_to(acceptor->address()));
    step();
    EXPECT_EQ(acceptor->connections(), 2U);
}

TEST_F(AcceptorTest, AsksAboutEveryPeer) {
    std::vector<std::string> asked;
    listen({.admit = [&asked](const Address& peer) {
        asked.push_back(proxy::to_text(peer));
        return asked.size() > 1;
    }});
    clients.push_back(connect_to(acceptor->address()));
    clients.push_back(connect_to(acceptor->address()));
    step();
    EXPECT_EQ(asked.size(), 2U);
    EXPECT_EQ(acceptor->counters().refused_peer.value(), 1U);
    EXPECT_EQ(acceptor->connections(), 1U);
}

TEST_F(AcceptorTest, KeepsAReserveOfDescriptorsAndGoesOnLater) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const runtime::UniqueFd highest{::dup(0)};
    const auto first_free = static_cast<rlim_t>(highest.get());
    const rlimit tight{.rlim_cur = first_free + 24, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    listen({.descriptors_reserved = 10});
    for (int i = 0; i < 8; ++i) {
        clients.push_back(connect_to(acceptor->address()));
    }
    step();
    const std::uint64_t accepted = acceptor->counters().accepted.value();
    EXPECT_GT(accepted, 0U);
    EXPECT_LT(accepted, 8U);
    EXPECT_GE(acceptor->counters().refused_descriptors.value(), 1U);
    ::setrlimit(RLIMIT_NOFILE, &before);
    for (auto& [shard, connections] : adopted) {
        connections.clear();
    }
    clock.advance(Acceptor::kBackoff + 20ms);
    step();
    EXPECT_GT(acceptor->counters().accepted.value(), accepted);
}

TEST_F(AcceptorTest, StopsListening) {
    listen();
    const Address address = acceptor->address();
    acceptor->stop();
    const runtime::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_NE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}

TEST(ListenSocket, ServesBothFamilies) {
    const ListenSocket socket = ListenSocket::open("::", 0);
    EXPECT_NE(socket.address().port, 0);
    EXPECT_TRUE(connect_to(socket.address()));
}

TEST(ListenSocket, NamesTheAddress_WhenThePortIsTaken) {
    const ListenSocket first = ListenSocket::open("127.0.0.1", 0);
    const std::string port = std::to_string(first.address().port);
    try {
        static_cast<void>(ListenSocket::open("127.0.0.1", first.address().port));
        FAIL();
    } catch (const ListenError& error) {
        EXPECT_EQ(
            error.what(), "cannot listen on 127.0.0.1 port " + port + ": Address already in use"
        );
    }
}

TEST(ListenSocket, RefusesNames) {
    EXPECT_THROW(static_cast<void>(ListenSocket::open("example.com", 0)), ListenError);
}

}  // namespace
}  // namespace weir::net
