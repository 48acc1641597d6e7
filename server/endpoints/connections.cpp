#include <weir/endpoints/connections.hpp>

#include <utility>
#include <vector>

#include <weir/endpoints/connection.hpp>
#include <weir/net/error.hpp>

namespace weir::endpoints {

Connections::Connections(net::ShardIo& io) : io_{io} {}

Connections::~Connections() = default;

std::uint64_t Connections::IdOf::operator()(const std::unique_ptr<Connection>& connection
) const noexcept {
    return connection->id();
}

Connection& Connections::insert(std::unique_ptr<Connection> connection) {
    connection->id_ = next_id_++;
    Connection& inserted = *connection;
    by_id_.insert(std::move(connection));
    return inserted;
}

std::unique_ptr<Connection> Connections::remove(std::uint64_t id) {
    const auto found = by_id_.find(id);
    // A set has no other way to let go of what it owns; the place is not looked at again.
    auto connection = std::move(const_cast<std::unique_ptr<Connection>&>(*found));
    by_id_.erase(found);
    return connection;
}

Connection* Connections::find(std::uint64_t id) noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->get();
}

void Connections::adopt(const ListenerPtr& listener, net::Accepted accepted) {
    Connection& connection =
        insert(std::make_unique<Connection>(*services_, listener, std::move(accepted)));
    if (!connection.start()) {
        static_cast<void>(remove(connection.id()));
    }
}

void Connections::retry(std::uint64_t id) {
    retries_.insert(id);
    if (!armed()) {
        io_.shard.fine_timers().arm(*this, io_.shard.now() + kRetryAfter);
    }
}

std::optional<SteadyTime> Connections::on_deadline(SteadyTime now) noexcept {
    const std::vector<std::uint64_t> due{retries_.begin(), retries_.end()};
    retries_.clear();
    for (const std::uint64_t id : due) {
        Connection* const connection = find(id);
        if (connection != nullptr && connection->endpoint() != nullptr && !connection->closing()) {
            connection->endpoint()->on_retry();
        }
    }
    return retries_.empty() ? std::nullopt : std::optional{now + kRetryAfter};
}

void Connections::close_all(model::Reason reason) {
    for (const auto& connection : by_id_) {
        connection->close(reason);
    }
}

void Connections::drop_all() {
    for (const auto& connection : by_id_) {
        connection->net::Connection::close(net::errc::closed);
    }
}

void Connections::on_durable(broker::AckToken token, bool stored) noexcept {
    Connection* const connection = find(token.connection);
    if (connection != nullptr && connection->endpoint() != nullptr && !connection->closing()) {
        connection->endpoint()->on_durable(token.number, stored);
    }
}

}  // namespace weir::endpoints
