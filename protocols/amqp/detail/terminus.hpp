/// Reads what a peer's Open and Attach ask for, and writes the answer, on Proton's objects.
#pragma once

#include <proton/connection.h>
#include <proton/link.h>

#include <string_view>
#include <vector>

#include <weir/amqp/events.hpp>
#include <weir/amqp/server_connection.hpp>

namespace weir::amqp::detail {

/// An Attach with the storage of its lists. Texts lie in the link's objects: valid until the link
/// is answered.
class AttachRequest {
public:
    AttachRequest(LinkId id, pn_link_t* link);
    AttachRequest(const AttachRequest&) = delete;
    AttachRequest& operator=(const AttachRequest&) = delete;
    ~AttachRequest() = default;

    [[nodiscard]] const Attach& view() const noexcept { return attach_; }

private:
    Attach attach_;
    std::vector<std::string_view> capabilities_;
    std::vector<Filter> filters_;
};

/// The properties of a peer's Open whose values are strings or symbols; texts lie in the
/// connection.
[[nodiscard]] std::vector<PropertyText> read_open_properties(pn_connection_t* connection);

/// Writes our Open's fields.
void write_open(pn_connection_t* connection, const Settings& settings);

/// Opens the link as accepted: its termini, modes and limits.
void write_attach(pn_link_t* link, const AttachAnswer& answer, const Settings& settings);

/// Opens and closes the link such that the peer sees a refusal. [AMQP-2.6.3]
void write_refusal(pn_link_t* link, Error error);

}  // namespace weir::amqp::detail
