#include "live_messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <weir/base/digest.hpp>
#include <weir/base/text.hpp>

#include "following.hpp"

namespace weir::cli {
namespace {

constexpr std::chrono::milliseconds kPollPeriod{200};
constexpr std::chrono::seconds kDurationMax{600};
constexpr int kMessagesMax = 1'000'000'000;

std::string check_duration(const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) {
        return "'" + text + "' is not a duration such as 30s";
    }
    return *duration < std::chrono::seconds{1} || *duration > kDurationMax
               ? "'" + text + "' is not within 1s and 10m"
               : std::string{};
}

/// Open as long as this lives.
class Tap {
public:
    Tap(Api& api, const LiveOptions& options, const LiveQuery& query)
        : api_{api}, payload_bytes_{query.payload_bytes} {
        const auto valid = parse_duration(options.duration).value();
        const auto answer =
            post(api_, Target{"/v1/taps"}, {
                {"filters", json::array(query.filters.begin(), query.filters.end())},
                {"profile", query.profile == TopicProfile::mqtt ? "mqtt" : "aws"},
                {"messages_per_s", options.rate},
                {"valid_s", std::chrono::ceil<std::chrono::seconds>(valid).count()}
            });
        id_ = cell(answer, "id");
    }
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;
    ~Tap() {
        try {
            remove(api_, Target{"/v1/taps"}.segment(id_));
        } catch (const std::exception&) {  // It ends by itself as well.
        }
    }

    [[nodiscard]] json::object read() {
        return post(
            api_,
            Target{"/v1/taps"}.segment(id_).segment("read"),
            {{"payload_bytes", payload_bytes_}}
        );
    }

private:
    Api& api_;
    std::uint64_t payload_bytes_;
    std::string id_;
};

void tell_left_out(const json::object& left_out, std::uint64_t rate) {
    const auto messages = left_out.at("messages").to_number<std::uint64_t>();
    const auto bytes = left_out.at("bytes").to_number<std::uint64_t>();
    if (messages > 0) {
        print_error(
            fmt::format("left out: {} beyond {} a second\n", counted(messages, "message"), rate)
        );
    }
    if (bytes > 0) {
        print_error(fmt::format("left out: {} too large together\n", counted(bytes, "message")));
    }
}

}  // namespace

std::vector<CLI::Option*> add_live_options(CLI::App& command, LiveOptions& options) {
    return {
        command.add_option("--for", options.duration, "How long, at most 10m (default: 10m, or until Ctrl-C)")
            ->check(check_duration),
        command.add_option("--messages", options.messages, "End after so many messages")
            ->check(CLI::Range(1, kMessagesMax).description("")),
        command.add_option("--rate", options.rate, "At most so many a second (default: 1000); others are left out")
            ->check(CLI::Range(1, 10'000).description("")),
    };
}

void watch_live(
    Api& api,
    const LiveOptions& options,
    const LiveQuery& query,
    const std::function<void(const json::object&)>& see
) {
    const Following following;
    Tap tap{api, options, query};
    json::object page;
    auto left = options.messages;
    for (bool goes_on = true; goes_on && left > 0;) {
        goes_on = following.goes_on(kPollPeriod);
        page = tap.read();
        for (const auto& row : page.at("messages").as_array()) {
            if (left > 0) {
                see(row.as_object());
                --left;
            }
        }
        goes_on = goes_on && page.at("open").as_bool();
    }
    tell_left_out(page.at("left_out").as_object(), options.rate);
}

RuleMessage live_message_of(const json::object& row) {
    const auto bytes_of = [&row](std::string_view name) {
        return from_base64(cell(row, name)).value_or(Bytes{});
    };
    RuleMessage message;
    message.topic = cell(row, "topic");
    message.client_id = cell(row, "client_id");
    message.source_ip = cell(row, "source_ip");
    message.qos = static_cast<model::Qos>(row.at("qos").to_number<std::uint8_t>());
    message.now_ms = parse_time(cell(row, "time")).value_or(0);
    message.set_properties(bytes_of("properties"));
    const bool is_text = cell(row, "encoding") == "text";
    message.set_payload(is_text ? cell(row, "payload") : as_text(bytes_of("payload")));
    const auto protocol = cell(row, "protocol");
    message.protocol = protocol == "mqtt"   ? model::Protocol::mqtt
                       : protocol == "amqp" ? model::Protocol::amqp
                       : protocol == "http" ? model::Protocol::http
                                            : model::Protocol::internal;
    const auto& who = row.at("principal").as_object();
    message.principal.tenant = cell(who, "tenant");
    message.principal.thing = cell(who, "thing");
    message.principal.thing_type = cell(who, "thing_type");
    message.principal.credential = cell(who, "credential");
    message.principal.method = cell(who, "method") == "x509" ? model::AuthMethod::x509
                                                             : model::AuthMethod::password;
    if (const auto* const attributes = who.if_contains("attributes")) {
        for (const auto& [name, value] : attributes->as_object()) {
            message.principal.attributes.emplace_back(name, std::string{value.as_string()});
        }
    }
    return message;
}

}  // namespace weir::cli
