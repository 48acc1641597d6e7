#include "terminus.hpp"

#include <proton/codec.h>
#include <proton/terminus.h>

#include <string>

#include "proton.hpp"

namespace weir::amqp::detail {
namespace {

bool is_text(pn_type_t type) noexcept {
    return type == PN_SYMBOL || type == PN_STRING;
}

/// Symbols written as one, as an array or, by some clients, as a list. [AMQP-1.4: multiple="true"]
std::vector<std::string_view> read_symbols(pn_data_t* data) {
    std::vector<std::string_view> out;
    pn_data_rewind(data);
    if (!pn_data_next(data)) {
        return out;
    }
    if (is_text(pn_data_type(data))) {
        out.push_back(text_of(pn_data_get_bytes(data)));
        return out;
    }
    if ((pn_data_type(data) == PN_ARRAY || pn_data_type(data) == PN_LIST) && pn_data_enter(data)) {
        while (pn_data_next(data)) {
            if (is_text(pn_data_type(data))) {
                out.push_back(text_of(pn_data_get_bytes(data)));
            }
        }
    }
    return out;
}

void write_symbols(pn_data_t* data, std::span<const std::string_view> symbols) {
    pn_data_clear(data);
    if (symbols.empty()) {
        return;
    }
    pn_data_put_array(data, false, PN_SYMBOL);
    pn_data_enter(data);
    for (const auto symbol : symbols) {
        pn_data_put_symbol(data, pn_text(symbol));
    }
    pn_data_exit(data);
}

/// The value half of a filter set's entry: described, or by older clients not.
void read_filter_value(pn_data_t* data, Filter& out) {
    const bool described = pn_data_is_described(data);
    if (described) {
        pn_data_enter(data);
        if (pn_data_next(data)) {
            if (pn_data_type(data) == PN_ULONG) {
                out.code = pn_data_get_ulong(data);
            } else if (is_text(pn_data_type(data))) {
                out.descriptor = text_of(pn_data_get_bytes(data));
            }
        }
        pn_data_next(data);
    }
    if (is_text(pn_data_type(data))) {
        out.value = text_of(pn_data_get_bytes(data));
    }
    if (described) {
        pn_data_exit(data);
    }
}

std::vector<Filter> read_filters(pn_data_t* data) {
    std::vector<Filter> out;
    pn_data_rewind(data);
    if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data)) {
        return out;
    }
    while (pn_data_next(data)) {
        Filter filter;
        if (is_text(pn_data_type(data))) {
            filter.name = text_of(pn_data_get_bytes(data));
        }
        if (!pn_data_next(data)) {
            break;
        }
        read_filter_value(data, filter);
        out.push_back(filter);
    }
    return out;
}

void write_filters(pn_data_t* data, std::span<const Filter> filters) {
    if (filters.empty()) {
        pn_data_clear(data);
        return;
    }
    // The request's texts lie in objects of the peer's half, so `data` may be cleared first.
    pn_data_clear(data);
    pn_data_put_map(data);
    pn_data_enter(data);
    for (const auto& filter : filters) {
        pn_data_put_symbol(data, pn_text(filter.name));
        pn_data_put_described(data);
        pn_data_enter(data);
        if (filter.descriptor.empty()) {
            pn_data_put_ulong(data, filter.code);
        } else {
            pn_data_put_symbol(data, pn_text(filter.descriptor));
        }
        if (filter.value.empty()) {
            pn_data_put_list(data);
        } else {
            pn_data_put_string(data, pn_text(filter.value));
        }
        pn_data_exit(data);
    }
    pn_data_exit(data);
}

ExpiryPolicy expiry_of(pn_expiry_policy_t policy) noexcept {
    switch (policy) {
        case PN_EXPIRE_WITH_LINK:
            return ExpiryPolicy::link_detach;
        case PN_EXPIRE_WITH_SESSION:
            return ExpiryPolicy::session_end;
        case PN_EXPIRE_WITH_CONNECTION:
            return ExpiryPolicy::connection_close;
        case PN_EXPIRE_NEVER:
            return ExpiryPolicy::never;
    }
    return ExpiryPolicy::session_end;
}

Durability durability_of(pn_durability_t durability) noexcept {
    switch (durability) {
        case PN_NONDURABLE:
            return Durability::none;
        case PN_CONFIGURATION:
            return Durability::configuration;
        case PN_DELIVERIES:
            return Durability::unsettled_state;
    }
    return Durability::none;
}

SenderSettleMode settle_mode_of(pn_snd_settle_mode_t mode) noexcept {
    switch (mode) {
        case PN_SND_UNSETTLED:
            return SenderSettleMode::unsettled;
        case PN_SND_SETTLED:
            return SenderSettleMode::settled;
        case PN_SND_MIXED:
            return SenderSettleMode::mixed;
    }
    return SenderSettleMode::mixed;
}

}  // namespace

AttachRequest::AttachRequest(LinkId id, pn_link_t* link) {
    const bool peer_sends = pn_link_is_receiver(link);
    pn_terminus_t* const terminus =
        peer_sends ? pn_link_remote_target(link) : pn_link_remote_source(link);
    capabilities_ = read_symbols(pn_terminus_capabilities(terminus));
    if (!peer_sends) {
        filters_ = read_filters(pn_terminus_filter(terminus));
    }
    attach_ = Attach{
        .link = id,
        .role = peer_sends ? Role::sender : Role::receiver,
        .name = text_of(pn_link_name(link)),
        .null_terminus = pn_terminus_get_type(terminus) == PN_UNSPECIFIED,
        .address = text_of(pn_terminus_get_address(terminus)),
        .dynamic = pn_terminus_is_dynamic(terminus),
        .durability = durability_of(pn_terminus_get_durability(terminus)),
        .expiry = expiry_of(pn_terminus_get_expiry_policy(terminus)),
        .timeout_s = pn_terminus_get_timeout(terminus),
        .copy = pn_terminus_get_distribution_mode(terminus) == PN_DIST_MODE_COPY,
        .sender_settle_mode = settle_mode_of(pn_link_remote_snd_settle_mode(link)),
        .receiver_settle_mode = pn_link_remote_rcv_settle_mode(link) == PN_RCV_SECOND
                                    ? ReceiverSettleMode::second
                                    : ReceiverSettleMode::first,
        .capabilities = capabilities_,
        .filters = filters_,
    };
}

std::vector<PropertyText> read_open_properties(pn_connection_t* connection) {
    std::vector<PropertyText> out;
    pn_data_t* const data = pn_connection_remote_properties(connection);
    pn_data_rewind(data);
    if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data)) {
        return out;
    }
    while (pn_data_next(data)) {
        PropertyText property;
        const bool named = is_text(pn_data_type(data));
        if (named) {
            property.key = text_of(pn_data_get_bytes(data));
        }
        if (!pn_data_next(data)) {
            break;
        }
        if (named && is_text(pn_data_type(data))) {
            property.value = text_of(pn_data_get_bytes(data));
            out.push_back(property);
        }
    }
    return out;
}

void write_open(pn_connection_t* connection, const Settings& settings) {
    pn_connection_set_container(connection, settings.container_id.c_str());
    const std::vector<std::string_view> capabilities{
        settings.capabilities.begin(), settings.capabilities.end()
    };
    write_symbols(pn_connection_offered_capabilities(connection), capabilities);
    pn_data_t* const properties = pn_connection_properties(connection);
    pn_data_clear(properties);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    pn_data_put_symbol(properties, pn_text("product"));
    pn_data_put_string(properties, pn_text(settings.product));
    pn_data_put_symbol(properties, pn_text("version"));
    pn_data_put_string(properties, pn_text(settings.version));
    pn_data_exit(properties);
}

void write_attach(pn_link_t* link, const AttachAnswer& answer, const Settings& settings) {
    pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
    pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    const bool peer_sends = pn_link_is_receiver(link);
    pn_terminus_t* const ours = peer_sends ? pn_link_target(link) : pn_link_source(link);
    pn_terminus_set_type(ours, peer_sends ? PN_TARGET : PN_SOURCE);
    if (!answer.address.empty()) {
        pn_terminus_set_address(ours, std::string{answer.address}.c_str());
    }
    if (pn_terminus_get_durability(ours) == PN_DELIVERIES) {
        pn_terminus_set_durability(ours, PN_CONFIGURATION);  // Unsettled state is not kept.
    }
    pn_data_clear(pn_terminus_properties(ours));
    write_symbols(pn_terminus_capabilities(ours), answer.capabilities);
    if (peer_sends) {
        pn_link_set_max_message_size(link, settings.message_bytes_max);
    } else {
        write_filters(pn_terminus_filter(ours), answer.filters);
    }
    pn_link_set_snd_settle_mode(link, pn_link_remote_snd_settle_mode(link));
    pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
    pn_link_open(link);
}

void write_refusal(pn_link_t* link, Error error) {
    pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
    pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
    pn_link_open(link);
    set_condition(pn_link_condition(link), error);
    pn_link_close(link);
}

}  // namespace weir::amqp::detail
