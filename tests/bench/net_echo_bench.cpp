// What an echoed message costs through poller, transport and send queue, and what an idle connection holds.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <new>

#include <weir/net/acceptor.hpp>

#include "unit/net/tls_support.hpp"

namespace {

/// Allocations of the server's side: counted while its shard runs, OpenSSL's included.
struct Ledger {
    bool open = false;
    std::int64_t mallocs = 0;
    std::int64_t bytes = 0;  ///< Net.
};
Ledger ledger;

void* counted_malloc(std::size_t size) {
    void* const block = std::malloc(size);
    if (ledger.open) {
        ++ledger.mallocs;
        ledger.bytes += static_cast<std::int64_t>(::malloc_usable_size(block));
    }
    return block;
}

void counted_free(void* block) {
    if (ledger.open && block != nullptr) {
        ledger.bytes -= static_cast<std::int64_t>(::malloc_usable_size(block));
    }
    std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
    return counted_malloc(size);
}
void operator delete(void* block) noexcept {
    counted_free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept {
    counted_free(block);
}

namespace weir::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kConnections = 100;
constexpr std::size_t kMessageBytes = 256;
constexpr double kIdlePlainBytesMax = 1024;
constexpr double kIdleTlsBytesMax = 16 * 1024;

class Echo final : public Connection {
public:
    Echo(ShardIo& io, Accepted accepted, const TlsContext* tls)
        : Connection{io, Transport{std::move(accepted.fd)}, {}}, slot_{std::move(accepted.slot)} {
        if (tls != nullptr && !transport().start_tls(io, *tls)) {
            std::abort();
        }
        if (!attach(io)) {
            std::abort();
        }
    }
    ~Echo() override = default;

private:
    void on_bytes(ByteView bytes) noexcept override {
        output().append(bytes);
        flush_later();
    }
    void on_closed(error_code /*reason*/) noexcept override {}

    ConnectionSlot slot_;
};

/// Counts the process's own time: the machine has other things to do.
double thread_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Server {
public:
    explicit Server(bool tls) {
        if (tls) {
            const test::Identity identity = test::issue("weir.test");
            context_ = TlsContext::make(
                {.certificate_pem = identity.certificate_pem(), .key_pem = identity.key_pem()}
            );
        }
        if (!acceptor_.start(shard_)) {
            std::abort();
        }
    }
    ~Server() {
        for (const auto& each : connections_) {
            each->close(errc::closed);
        }
        step();
    }

    /// One wake, accounted for. @return CPU seconds.
    double step() {
        ledger.open = true;
        const double begun = thread_seconds();
        shard_.run_once(0ms);
        const double seconds = thread_seconds() - begun;
        ledger.open = false;
        return seconds;
    }

    [[nodiscard]] runtime::UniqueFd connect() const {
        runtime::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(acceptor_.address().port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
            std::abort();
        }
        return fd;
    }

    [[nodiscard]] const IoCounters& counters() const { return io_.counters; }

private:
    runtime::ShardGroup group_{{.shards = 1}};
    runtime::Shard& shard_ = group_[0U];
    ShardIo io_{shard_};
    std::shared_ptr<const TlsContext> context_;
    std::vector<std::unique_ptr<Echo>> connections_;
    Acceptor acceptor_{
        ListenSocket::open("127.0.0.1", 0),
        group_,
        {},
        [this](runtime::Shard&, Accepted accepted) {
            connections_.push_back(std::make_unique<Echo>(io_, std::move(accepted), context_.get())
            );
        }
    };
};

/// @param tls clients speak TLS. @param ready how many messages wait per wake.
void echo(benchmark::State& state, bool tls, std::size_t ready) {
    Server server{tls};
    std::vector<std::unique_ptr<test::TlsPeer>> clients;
    for (std::size_t i = 0; i < kConnections; ++i) {
        clients.push_back(
            std::make_unique<test::TlsPeer>(server.connect(), test::TlsPeer::Options{})
        );
        server.step();
        if (tls) {
            // The client's socket blocks: step the server between flights.
            ::fcntl(clients.back()->fd(), F_SETFL, O_NONBLOCK);
            while (!clients.back()->shakes()) {
                server.step();
            }
            server.step();
        }
    }
    const std::string message(kMessageBytes, 'm');
    std::string back(kMessageBytes, 0);
    const auto send_to = [&](test::TlsPeer& client) {
        return tls ? client.sends(message)
                   : ::send(client.fd(), message.data(), message.size(), 0) ==
                         ssize_t{kMessageBytes};
    };
    const auto receive_from = [&](test::TlsPeer& client) {
        return tls ? client.receives().size() == kMessageBytes
                   : ::recv(client.fd(), back.data(), back.size(), 0) == ssize_t{kMessageBytes};
    };
    for (int wake = 0; wake < 4; ++wake) {  // Pools and lists grow to what a wake needs.
        for (const auto& client : clients) {
            send_to(*client);
        }
        server.step();
        for (const auto& client : clients) {
            receive_from(*client);
        }
    }
    std::size_t next = 0;
    std::int64_t mallocs = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < ready; ++i) {
            send_to(*clients[(next + i) % kConnections]);
        }
        const std::int64_t before = ledger.mallocs;
        state.SetIterationTime(server.step());
        mallocs += ledger.mallocs - before;
        for (std::size_t i = 0; i < ready; ++i) {
            if (!receive_from(*clients[(next + i) % kConnections])) {
                state.SkipWithError("a message was lost");
                return;
            }
        }
        next += ready;
    }
    const auto messages = static_cast<double>(state.iterations()) * static_cast<double>(ready);
    state.SetItemsProcessed(static_cast<std::int64_t>(messages));
    state.counters["mallocs"] = static_cast<double>(mallocs) / messages;
    state.counters["s_per_message"] =
        benchmark::Counter(messages, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    if (!tls && mallocs != 0) {  // OpenSSL takes and returns its record buffers.
        state.SkipWithError("allocates on the way of a message");
    }
}
BENCHMARK_CAPTURE(echo, plain_100_ready, false, 100)->UseManualTime();
BENCHMARK_CAPTURE(echo, plain_1_ready, false, 1)->UseManualTime();
BENCHMARK_CAPTURE(echo, tls_100_ready, true, 100)->UseManualTime();
BENCHMARK_CAPTURE(echo, tls_1_ready, true, 1)->UseManualTime();

void idle(benchmark::State& state, bool tls) {
    double per_connection = 0;
    for (auto _ : state) {
        Server server{tls};
        server.step();
        std::vector<std::unique_ptr<test::TlsPeer>> clients;
        const auto add = [&] {
            clients.push_back(
                std::make_unique<test::TlsPeer>(server.connect(), test::TlsPeer::Options{})
            );
            server.step();
            if (tls) {
                ::fcntl(clients.back()->fd(), F_SETFL, O_NONBLOCK);
                while (!clients.back()->shakes()) {
                    server.step();
                }
            }
            server.step();
        };
        add();  // What the first one sets up stays.
        const std::int64_t before = ledger.bytes;
        for (std::size_t i = 0; i < kConnections; ++i) {
            add();
        }
        per_connection = static_cast<double>(ledger.bytes - before) / kConnections;
    }
    state.counters["bytes"] = per_connection;
    if (per_connection > (tls ? kIdleTlsBytesMax : kIdlePlainBytesMax)) {
        state.SkipWithError("an idle connection holds too much");
    }
}
BENCHMARK_CAPTURE(idle, plain, false)->Iterations(1);
BENCHMARK_CAPTURE(idle, tls, true)->Iterations(1);

}  // namespace
}  // namespace weir::net

int main(int argc, char** argv) {
    // Before anything of OpenSSL allocates.
    CRYPTO_set_mem_functions(
        [](std::size_t size, const char*, int) { return counted_malloc(size); },
        [](void* block, std::size_t size, const char*, int) {
            const auto before = static_cast<std::int64_t>(::malloc_usable_size(block));
            void* const moved = std::realloc(block, size);
            if (ledger.open) {
                ledger.bytes += static_cast<std::int64_t>(::malloc_usable_size(moved)) - before;
            }
            return moved;
        },
        [](void* block, const char*, int) { counted_free(block); }
    );
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
