// Makes a data directory with sessions that were left with full queues: what a start has to read.
//
//     fill_sessions DIRECTORY SESSIONS MESSAGES [PAYLOAD_BYTES]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <weir/storage/store.hpp>

using namespace weir;
using namespace weir::storage;

namespace {

constexpr std::uint64_t kPerBatch = 1'000;

void commit(Store& store, Batch&& batch) {
    if (const auto done = store.commit(std::move(batch)); !done) {
        std::fprintf(stderr, "fill_sessions: %s\n", done.error().message().c_str());
        std::exit(1);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("fill_sessions DIRECTORY SESSIONS MESSAGES [PAYLOAD_BYTES]\n", stderr);
        return 2;
    }
    const auto sessions = std::strtoull(argv[2], nullptr, 10);
    const auto messages = std::strtoull(argv[3], nullptr, 10);
    const Bytes payload(argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 256, Byte{'x'});
    const auto store = Store::open({.path = argv[1], .durability = Durability::wal});
    const Bytes anonymous{1, 0};
    const auto now = SystemClock{}.wall().count();
    const std::uint64_t first = static_cast<std::uint64_t>(store->new_session_id());
    Batch batch;
    for (std::uint64_t i = 0; i < sessions; ++i) {
        const SessionId id{first + i};
        const std::string name = "client-" + std::to_string(i);
        batch.put_session(
            id,
            {.client_id = name, .principal = anonymous, .expiry_s = 86'400, .offline_since_ms = now}
        );
        batch.put_subscription(id, "data/" + name, {.qos = 1});
        if ((i + 1) % kPerBatch == 0 || i + 1 == sessions) {
            commit(*store, std::exchange(batch, {}));
        }
    }
    for (std::uint64_t i = 0; i < messages; ++i) {
        const std::string topic = "data/client-" + std::to_string(i % sessions);
        batch.keep(
            store->new_message_id(),
            {.created_ms = now, .qos = 1, .topic = topic, .payload = payload}
        );
        batch.enqueue(SessionId{first + i % sessions}, i / sessions + 1, {.qos = 1});
        if ((i + 1) % kPerBatch == 0 || i + 1 == messages) {
            commit(*store, std::exchange(batch, {}));
        }
    }
    return 0;
}
