/// The connections of one shard.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>

#include <weir/base/hash.hpp>
#include <weir/broker/receipts.hpp>
#include <weir/endpoints/listener.hpp>
#include <weir/net/acceptor.hpp>
#include <weir/net/shard_io.hpp>
#include <weir/runtime/timer_wheel.hpp>

namespace weir::endpoints {

class Connection;
struct Services;

/// Owns them from accept or arrival to their end. Belongs to its shard and is called there.
class Connections final : public broker::DurableListener, private runtime::Timer {
public:
    static constexpr std::chrono::milliseconds kRetryAfter{50};

    explicit Connections(net::ShardIo& io);
    ~Connections() override;

    void bind(Services& services) noexcept { services_ = &services; }

    void adopt(const ListenerPtr& listener, net::Accepted accepted);
    /// Null: it is gone, or on another shard.
    [[nodiscard]] Connection* find(std::uint64_t id) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }
    /// Asks for Endpoint::on_retry in kRetryAfter.
    void retry(std::uint64_t id);
    /// Says goodbye to all of them; they take until their peers have closed, or a few seconds.
    void close_all(model::Reason reason);
    /// Ends those that are left when this wake ends.
    void drop_all();

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& connection : by_id_) {
            visit(*connection);
        }
    }

    void on_durable(broker::AckToken token, bool stored) noexcept override;

private:
    friend class Connection;

    std::optional<SteadyTime> on_deadline(SteadyTime now) noexcept override;
    Connection& insert(std::unique_ptr<Connection> connection);
    [[nodiscard]] std::unique_ptr<Connection> remove(std::uint64_t id);

    struct IdOf {
        std::uint64_t operator()(std::uint64_t id) const noexcept { return id; }
        std::uint64_t operator()(const std::unique_ptr<Connection>& connection) const noexcept;
    };

    net::ShardIo& io_;
    Services* services_ = nullptr;
    boost::unordered_flat_set<std::unique_ptr<Connection>, HashBy<IdOf>, EqualBy<IdOf>> by_id_;
    boost::unordered_flat_set<std::uint64_t> retries_;
    std::uint64_t next_id_ = 1;
};

}  // namespace weir::endpoints
