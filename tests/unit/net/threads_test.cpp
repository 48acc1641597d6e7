// Everything together on running shards: meant for TSan above all.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <latch>
#include <thread>

#include <unit/net/tls_support.hpp>

#include <weir/net/acceptor.hpp>

namespace weir::net {
namespace {

using namespace test;

constexpr int kClients = 8;
constexpr int kMessages = 50;

/// Echoes; its first byte names the shard on which it wants to live.
class Wanderer final : public Connection {
public:
    Wanderer(ShardIo& io, ShardIo* ios, Transport transport, ConnectionSlot slot, std::latch& gone)
        : Connection{io, std::move(transport), {}},
          ios_{ios},
          slot_{std::move(slot)},
          gone_{&gone} {}
    ~Wanderer() override { gone_->count_down(); }

private:
    void on_bytes(ByteView bytes) noexcept override {
        if (!settled_) {
            settled_ = true;
            home_ = static_cast<std::size_t>(bytes[0] - '0');
            move_away(bytes.subspan(1));
            return;
        }
        output().append(bytes);
        flush_later();
    }
    void on_moving() noexcept override {
        runtime::Shard& from = io().shard;
        const bool sent = from.try_send(static_cast<runtime::ShardId>(home_), [this] {
            if (!attach(ios_[home_])) {
                delete this;
            }
        });
        EXPECT_TRUE(sent);
    }
    void on_closed(error_code /*reason*/) noexcept override { delete this; }

    ShardIo* ios_;
    ConnectionSlot slot_;
    std::latch* gone_;
    std::size_t home_ = 0;
    bool settled_ = false;
};

runtime::UniqueFd connect_to(std::uint16_t port) {
    runtime::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
}

void talk(std::uint16_t port, int number) {
    TlsPeer peer{connect_to(port), {}};
    ASSERT_TRUE(peer.shakes());
    std::string sent;
    for (int i = 0; i < kMessages; ++i) {
        const std::string text = "message " + std::to_string(i) + ';';
        ASSERT_TRUE(peer.sends(i == 0 ? std::to_string(number % 2) + text : text));
        sent += text;
    }
    std::string received(sent.size(), 0);
    for (std::size_t have = 0; have < sent.size();) {
        const int size =
            SSL_read(peer.native(), received.data() + have, static_cast<int>(sent.size() - have));
        ASSERT_GT(size, 0);
        have += static_cast<std::size_t>(size);
    }
    EXPECT_EQ(received, sent);
}

TEST(RunningShards, EchoOverTlsWhileConnectionsMove) {
    const Identity identity = issue("weir.test");
    const auto context = TlsContext::make(
        {.certificate_pem = identity.certificate_pem(), .key_pem = identity.key_pem()}
    );
    std::latch gone{kClients};
    runtime::ShardGroup group{{.shards = 2}};
    ShardIo ios[] = {ShardIo{group[0U]}, ShardIo{group[1U]}};
    Acceptor acceptor{
        ListenSocket::open("127.0.0.1", 0),
        group,
        {},
        [&](runtime::Shard& shard, Accepted accepted) {
            ShardIo& io = ios[runtime::index_of(shard.id())];
            Transport transport{std::move(accepted.fd)};
            ASSERT_TRUE(transport.start_tls(io, *context));
            auto* const made =
                new Wanderer{io, ios, std::move(transport), std::move(accepted.slot), gone};
            ASSERT_TRUE(made->attach(io));
        }
    };
    ASSERT_TRUE(acceptor.start(group[0U]));
    group.start();
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < kClients; ++i) {
            clients.emplace_back([&acceptor, i] { talk(acceptor.address().port, i); });
        }
    }
    gone.wait();
    group.stop();
    acceptor.stop();
    EXPECT_EQ(acceptor.connections(), 0U);
    EXPECT_EQ(
        ios[0].counters.handshakes.value() + ios[1].counters.handshakes.value(),
        std::uint64_t{kClients}
    );
}

}  // namespace
}  // namespace weir::net
