// Threads that really hang, as the watchdog sees them: a shard, and the storage thread.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include <weir/runtime/shard.hpp>
#include <weir/runtime/watchdog.hpp>
#include <weir/storage/store.hpp>

#include "unit/storage/faulty_engine.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Two shards and a store, watched as a gateway's.
class Watched : public testing::Test {
protected:
    Watched() { shards_.start(); }

    /// The first report that names somebody.
    [[nodiscard]] std::string await_report() {
        std::promise<std::string> reported;
        std::atomic<bool> once{false};
        const runtime::Watchdog watchdog{
            {{"shard 0", [this] { return shards_[std::size_t{0}].progress(); }},
             {"shard 1", [this] { return shards_[std::size_t{1}].progress(); }},
             {"storage", [this] { return store_.progress(); }}},
            {.patience = 50ms,
             .on_stall =
                 [&](const std::string& report) {
                     if (!once.exchange(true)) {
                         reported.set_value(report);
                     }
                 }}
        };
        return reported.get_future().get();
    }

    std::shared_ptr<storage::test::Faults> faults_ = std::make_shared<storage::test::Faults>();
    storage::Store store_{std::make_unique<storage::test::FaultyEngine>(faults_), {}};
    runtime::ShardGroup shards_{{.shards = 2}};
};

TEST_F(Watched, IsPatientFor30s) {
    EXPECT_EQ(runtime::Watchdog::Options{}.patience, 30s);
}

TEST_F(Watched, AShardThatHangsIsNamed_AndNobodyElse) {
    std::promise<void> let_go;
    shards_[std::size_t{1}].post([&let_go] { let_go.get_future().wait(); });
    const auto report = await_report();
    EXPECT_NE(report.find("shard 1 has worked on one thing"), std::string::npos) << report;
    EXPECT_EQ(report.find("shard 0"), std::string::npos) << report;
    EXPECT_EQ(report.find("storage"), std::string::npos) << report;
    let_go.set_value();
    shards_.stop();
}

TEST_F(Watched, ADiskThatHangsIsNamed_AndNobodyElse) {
    faults_->hold();
    storage::Batch batch;
    batch.append_stream("s", {.payload = as_bytes("x")});
    store_.submit(std::move(batch), {});
    faults_->await_commit();
    const auto report = await_report();
    EXPECT_NE(report.find("storage has worked on one thing"), std::string::npos) << report;
    EXPECT_EQ(report.find("shard"), std::string::npos) << report;
    faults_->let_go();
    store_.drain();
}

}  // namespace
}  // namespace weir
