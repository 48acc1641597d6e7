#include <weir/amqp/address.hpp>

#include <optional>

#include <weir/base/percent.hpp>
#include <weir/base/text.hpp>

namespace weir::amqp {
namespace {

constexpr std::string_view kShare = "$share/";

std::optional<std::string_view> after_prefix(
    std::string_view text, std::string_view prefix
) noexcept {
    if (text.starts_with('/')) {
        text.remove_prefix(1);
    }
    if (!text.starts_with(prefix)) {
        return std::nullopt;
    }
    return text.substr(prefix.size());
}

bool has_wildcard(std::string_view text) noexcept {
    return text.find_first_of("+#") != std::string_view::npos;
}

bool is_clean(std::string_view text) noexcept {
    return !text.empty() && text.find('\0') == std::string_view::npos && is_utf8(text);
}

/// What is decoded is checked again: decoding can bring in NUL and bad UTF-8.
Result<std::string> decode_name(std::string_view text) {
    auto name = percent_decode(text);
    if (!name || !is_clean(*name)) {
        return errc::bad_address;
    }
    return std::move(*name);
}

Result<Address> parse_shared(std::string_view text) {
    text.remove_prefix(kShare.size());
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return errc::bad_address;
    }
    const auto group = text.substr(0, slash);
    const auto filter = text.substr(slash + 1);
    if (group.empty() || filter.empty() || has_wildcard(group)) {
        return errc::bad_address;
    }
    return Address{
        .kind = AddressKind::shared, .name = std::string{filter}, .group = std::string{group}
    };
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
    if (text.empty()) {
        return Address{};
    }
    if (!is_clean(text)) {
        return errc::bad_address;
    }
    if (text == "$cbs") {
        return Address{.kind = AddressKind::cbs, .name = std::string{text}, .group = {}};
    }
    if (text.starts_with(kShare)) {
        return parse_shared(text);
    }
    if (const auto encoded = after_prefix(text, "topic/")) {
        WEIR_TRY(std::string topic, decode_name(*encoded));
        return Address{.kind = AddressKind::topic, .name = std::move(topic), .group = {}};
    }
    for (const std::string_view prefix : {"queue/", "queues/"}) {
        if (const auto encoded = after_prefix(text, prefix)) {
            if (encoded->find('/') != std::string_view::npos) {
                return errc::bad_address;
            }
            WEIR_TRY(std::string queue, decode_name(*encoded));
            return Address{.kind = AddressKind::queue, .name = std::move(queue), .group = {}};
        }
    }
    return Address{.kind = AddressKind::topic, .name = std::string{text}, .group = {}};
}

Result<Address> parse_target(std::string_view text) {
    WEIR_TRY(Address address, parse_address(text));
    const bool wildcard = address.kind == AddressKind::topic && has_wildcard(address.name);
    if (wildcard || address.kind == AddressKind::shared) {
        return errc::address_not_allowed;
    }
    return address;
}

std::string format_topic_address(std::string_view topic) {
    std::string out = "topic/";
    out.reserve(out.size() + topic.size());
    for (const char c : topic) {
        if (c == '%') {
            out += "%25";
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace weir::amqp
