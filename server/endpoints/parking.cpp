#include <weir/endpoints/parking.hpp>

namespace weir::endpoints {

bool Parking::hold(
    Connection& connection,
    model::MessagePtr message,
    std::uint64_t number,
    std::uint16_t inbound_id
) {
    const Services& services = connection.services();
    services.metrics().parked.add();
    const std::size_t size = message->footprint();
    if (!parked_.empty() && bytes_ + size > connection.limits().parked_bytes) {
        connection.refuse(
            model::Action::publish,
            {model::Reason::parked_bytes_exceeded},
            message->topic()
        );
        connection.close(model::Reason::parked_bytes_exceeded);
        return false;
    }
    bytes_ += size;
    parked_.push_back({std::move(message), number, inbound_id, services.shard.now()});
    connection.retry_later();
    return true;
}

}  // namespace weir::endpoints
