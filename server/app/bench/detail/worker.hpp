/// A thread of a run and its clients.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include <weir/bench/detail/client.hpp>
#include <weir/bench/detail/crew.hpp>

namespace weir::bench::detail {

/// Made and started by the coordinator. Ends after Phase::quit; join() before anything but the
/// counters is read.
class Worker {
public:
    Worker(Board& board, unsigned number);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Before start(): one more client of this thread.
    void add(Client::Role role, std::uint32_t id, std::uint32_t number);
    /// @param all  All workers, which it wakes when their publishers have room.
    void start(const std::vector<std::unique_ptr<Worker>>& all);
    /// Has it look at the phase and at its publishers. Any thread.
    void wake() const noexcept;
    void join();

    [[nodiscard]] const CrewCounters& counters() const noexcept { return crew_.counters; }
    [[nodiscard]] const Crew& crew() const noexcept { return crew_; }
    [[nodiscard]] std::uint64_t skipped() const noexcept;
    [[nodiscard]] std::uint64_t reordered() const noexcept;

private:
    /// How long epoll may wait; what is due then.
    using Wait = std::chrono::nanoseconds;

    void run();
    [[nodiscard]] Wait start_clients(std::uint64_t now_ns);
    [[nodiscard]] Wait publish(std::uint64_t now_ns);
    [[nodiscard]] Wait publish_paced(std::uint64_t now_ns);
    [[nodiscard]] Wait publish_eager();
    void flush();
    void wake_others();
    void handle_events(Wait wait);
    void make_all_eager();
    void ping(std::uint64_t now_ns);
    void end();

    Crew crew_;
    int wake_fd_ = -1;
    std::vector<std::unique_ptr<Client>> clients_;
    const std::vector<std::unique_ptr<Worker>>* all_ = nullptr;
    std::vector<Client*> taken_;  ///< Scratch: the eager ones of this turn.
    std::size_t next_client_ = 0;
    std::uint64_t begin_ns_ = 0;
    std::uint64_t last_ping_look_ns_ = 0;
    std::uint64_t paced_ = 0;  ///< Messages that were due so far.
    std::uint32_t stalls_seen_ = 0;
    bool publishing_ = false;
    std::thread thread_;
};

}  // namespace weir::bench::detail
