#include <weir/sinks/config.hpp>

#include <algorithm>
#include <array>
#include <string_view>

#include <weir/storage/records.hpp>

namespace weir::sinks {
namespace {

constexpr std::uint32_t kBatchMessagesMax = 10'000;
constexpr std::uint32_t kInFlightMax = 64;
constexpr std::chrono::seconds kAgeMin{1};

/// A secret that cannot stand in a header would make dead letters of all records.
bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
}

std::string check(const Delivery& delivery) {
    if (delivery.batch.messages == 0 || delivery.batch.messages > kBatchMessagesMax) {
        return "batch.messages: must be 1 to 10000";
    }
    return delivery.batch.bytes == 0 ? "batch.bytes: must not be 0" : "";
}

}  // namespace

const Delivery& HttpSinkConfig::delivery_of(std::string_view rule) const noexcept {
    const auto found = std::ranges::find(by_rule, rule, &std::pair<std::string, Delivery>::first);
    return found == by_rule.end() ? delivery : found->second;
}

const ErrorTarget* HttpSinkConfig::error_target_of(std::string_view rule) const noexcept {
    const auto found = std::ranges::find(error_targets, rule, &ErrorTarget::rule);
    return found == error_targets.end() ? nullptr : &*found;
}

std::string check(const HttpSinkConfig& config) {
    if (config.name.empty() || config.name.size() > storage::kNameBytesMax) {
        return "sink: the name must have 1 to 255 bytes";
    }
    const auto origin = http_client::origin_of(config.url);
    if (!origin) {
        return "url: must be an http or https URL without user name and password";
    }
    if (origin->find('$') != std::string::npos) {
        return "url: scheme, host and port must be fixed; a template may follow after the host";
    }
    constexpr std::array<std::string_view, 4> kMethods = {"POST", "PUT", "PATCH", "DELETE"};
    if (std::ranges::find(kMethods, config.method) == kMethods.end()) {
        return "method: must be POST, PUT, PATCH or DELETE";
    }
    if (int{!config.bearer_token.empty()} + int{!config.basic_user.empty()} +
            int{config.sigv4.has_value()} >
        1) {
        return "auth: bearer, basic and sigv4 exclude each other";
    }
    if (has_control(config.bearer_token) ||
        (config.sigv4 && has_control(config.sigv4->session_token))) {
        return "auth: a token has a line break or another control character";
    }
    if (config.basic_user.find(':') != std::string::npos) {
        return "auth: a user of 'basic' has no ':'";
    }
    if (config.timeout.count() <= 0 || config.connect_timeout.count() <= 0) {
        return "timeout: must be longer than 0";
    }
    if (config.in_flight == 0 || config.in_flight > kInFlightMax) {
        return "in_flight: must be 1 to 64";
    }
    if (config.breaker.pause.count() <= 0) {
        return "breaker: pause must be longer than 0";
    }
    if (config.outbox.age < kAgeMin || config.outbox.size_bytes == 0) {
        return "outbox: age must be at least 1s and size more than 0";
    }
    if (config.retry.min.count() <= 0 || config.retry.max < config.retry.min) {
        return "retry: min must be longer than 0, max not shorter than min";
    }
    auto problem = check(config.delivery);
    for (const auto& [rule, delivery] : config.by_rule) {
        problem = problem.empty() ? check(delivery) : problem;
    }
    return problem;
}

std::uint64_t reserve_limit(const OutboxLimits& limits) noexcept {
    const auto headroom = std::max(limits.size_bytes / 8, kHeadroomMin);
    return limits.on_full == OnFull::drop_oldest ? limits.size_bytes + headroom : limits.size_bytes;
}

}  // namespace weir::sinks
