#include <weir/endpoints/http.hpp>

#include <array>

#include <weir/base/text.hpp>
#include <weir/endpoints/connection.hpp>
#include <weir/http/error.hpp>
#include <weir/identity/authenticator.hpp>
#include <weir/identity/password.hpp>
#include <weir/mqtt/properties.hpp>
#include <weir/mqtt/topic.hpp>
#include <weir/mqtt/wire.hpp>
#include <weir/pipeline/publish.hpp>

namespace weir::endpoints {

using model::Action;
using model::Reason;

namespace {

constexpr std::chrono::seconds kIdleMax{60};
constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kContentTypeBytesMax = 256;

[[nodiscard]] const http::RouteTable& routes() {
    static const http::RouteTable table = [] {
        http::RouteTable made;
        made.add("POST", "/topics/{topic...}");
        return made;
    }();
    return table;
}

[[nodiscard]] Reason reason_of(const error_code& error) noexcept {
    if (error == http::errc::body_too_long || error == http::errc::head_too_long) {
        return Reason::packet_too_large;
    }
    if (error == http::errc::version_unsupported) {
        return Reason::unsupported_version;
    }
    return Reason::malformed_packet;
}

[[nodiscard]] http::Problem problem_of(
    std::uint16_t status, Reason reason, std::string detail = {}
) {
    const auto& info = model::info(reason);
    return {
        .status = status,
        .code = std::string{info.name},
        .detail = detail.empty() ? std::string{info.text} : std::move(detail),
    };
}

}  // namespace

HttpEndpoint::HttpEndpoint(Connection& connection)
    : connection_{connection}, reader_{{.body_bytes = connection.limits().packet_bytes}} {}

std::size_t HttpEndpoint::on_bytes(ByteView bytes) noexcept {
    ByteView rest = bytes;
    while (!is_waiting() && !connection_.closing()) {
        const auto event = reader_.next(rest);
        if (!event) {
            keep_alive_ = false;
            const Reason reason = reason_of(event.error());
            refuse(
                reason,
                problem_of(http::status_of(event.error()), reason, event.error().message())
            );
            break;
        }
        if (event->kind == http::Event::Kind::need_more) {
            break;
        }
        keep_alive_ = event->request.keep_alive;
        if (event->kind == http::Event::Kind::request) {
            serve(event->request);
        } else {
            begin(event->request);
        }
    }
    return bytes.size() - rest.size();
}

void HttpEndpoint::begin(const http::Request& head) {
    principal_ = authenticate(head);
    if (!principal_) {
        return;
    }
    connection_.established(kIdleMax);
    if (head.expects_continue) {
        connection_.out().append(as_bytes(http::kContinue));
        connection_.flush_later();
    }
}

void HttpEndpoint::serve(const http::Request& request) {
    const auto match = routes().match(request.method, request.target);
    switch (match.outcome) {
        case http::PathMatch::Outcome::found:
            break;
        case http::PathMatch::Outcome::no_method: {
            const auto problem = problem_of(405, Reason::protocol_error, "publish with POST");
            connection_.refuse(
                Action::publish, {Reason::protocol_error}, request.target, problem.detail
            );
            auto response = http::to_response(problem);
            response.headers.emplace_back("Allow", match.allowed);
            return answer(response);
        }
        case http::PathMatch::Outcome::bad_encoding:
            return refuse(
                Reason::topic_invalid,
                problem_of(400, Reason::topic_invalid, "the path is not well percent-encoded"),
                request.target
            );
        case http::PathMatch::Outcome::no_path:
            return refuse(
                Reason::protocol_error,
                problem_of(404, Reason::protocol_error, "publish with POST /topics/{topic}"),
                request.target
            );
    }
    publish(request, match.values.front());
}

model::PrincipalPtr HttpEndpoint::authenticate(const http::Request& head) {
    std::string_view bearer = head.header("Authorization").value_or(std::string_view{});
    bearer = bearer.starts_with(kBearer) ? bearer.substr(kBearer.size()) : std::string_view{};
    const auto outcome = identity::authenticate(
        connection_.services().registry,
        connection_.methods(),
        {.certificate = connection_.certificate(), .username = {}, .password = {}, .bearer = bearer}
    );
    const auto& known =
        std::get<Result<model::PrincipalPtr>>(outcome);  // No password was presented.
    if (!known) {
        keep_alive_ = false;  // A body may follow: it is not read.
        if (known.error() == identity::errc::token_expired) {
            refuse_expired(bearer);
            return nullptr;
        }
        refuse(401, {identity::reason_of(known.error())});
        return nullptr;
    }
    if (!(*known)->thing.empty()) {
        connection_.set_device((*known)->thing);
    }
    return *known;
}

std::optional<HttpEndpoint::Options> HttpEndpoint::read_options(
    const http::Request& request, std::string_view topic
) {
    const auto refuse_request = [&](std::string detail) {
        refuse(
            Reason::protocol_error,
            problem_of(400, Reason::protocol_error, std::move(detail)),
            request.target
        );
        return std::nullopt;
    };
    const auto qos = http::query_value(request.target, "qos").value_or("1");
    const auto retain = http::query_value(request.target, "retain").value_or("false");
    if (qos != "0" && qos != "1") {
        return refuse_request("qos is 0 or 1");
    }
    if (!mqtt::is_valid_text(topic) || !mqtt::is_valid_topic_name(topic) ||
        !mqtt::is_within(topic, connection_.topic_limits())) {
        refuse(400, {Reason::topic_invalid}, topic);
        return std::nullopt;
    }
    if (retain != "true" && retain != "false") {
        return refuse_request("retain is true or false");
    }
    const auto content_type = request.header("Content-Type").value_or(std::string_view{});
    if (content_type.size() > kContentTypeBytesMax || !mqtt::is_valid_text(content_type)) {
        return refuse_request("Content-Type has at most 256 bytes of UTF-8");
    }
    return Options{
        .waits = qos == "1",
        .retain = retain == "true",
        .content_type = content_type,
    };
}

void HttpEndpoint::publish(const http::Request& request, const std::string& topic) {
    const auto options = read_options(request, topic);
    if (!options) {
        return;
    }
    const auto [waits, retain, content_type] = *options;
    const Services& services = connection_.services();
    const auto policies = services.broker.policies()->bundle_for(*principal_);
    connection_.open_meter(principal_->tenant, connection_.device());
    const pipeline::Origin origin{
        .subject = {*principal_, {}},
        .policies = policies.get(),
        .principal = principal_,
        .device = connection_.device(),
        .meter = connection_.meter(),
        .source_ip = connection_.peer_address(),
        .limits = &connection_.limits(),
    };
    if (const auto verdict = services.publisher.admit(origin, topic, retain); !verdict.accepted()) {
        return fail(problem_of(403, verdict.reason));  // The publisher has recorded it.
    }
    std::array<Byte, 1 + 2 + kContentTypeBytesMax> memory;  // Id, length, text.
    mqtt::PropertyWriter properties{memory};
    if (!content_type.empty()) {
        properties.text(mqtt::PropertyId::content_type, content_type);
    }
    const auto message = model::Message::make({
        .topic = topic,
        .payload = request.body,
        .properties = properties.properties().raw(),
        .qos = waits ? model::Qos::at_least_once : model::Qos::at_most_once,
        .retain = retain,
        .protocol = model::Protocol::http,
        .created = services.shard.wall_now(),
    });
    const std::uint64_t number = ++published_;
    const auto progress =
        services.publisher.route(origin, message, {waits ? connection_.id() : 0, number});
    if (pipeline::is_held_back(progress)) {
        return hold_back(progress, topic);
    }
    services.metrics().received[static_cast<std::size_t>(message->qos())].add();
    if (progress == pipeline::Progress::pending) {
        awaited_ = number;
        return;
    }
    answer({.status = static_cast<std::uint16_t>(waits ? 200 : 202)});
}

void HttpEndpoint::hold_back(pipeline::Progress progress, std::string_view topic) {
    const bool is_throttled = progress == pipeline::Progress::throttled;
    const auto problem =
        is_throttled
            ? problem_of(
                  429, Reason::quota_exceeded, "the device publishes faster than it may; try again"
              )
            : problem_of(
                  503, Reason::sink_full, "a sink that takes this message has no room; try again"
              );
    if (!is_throttled) {  // Else the publisher has recorded it.
        connection_.refuse(Action::publish, {Reason::sink_full}, topic);
    }
    auto response = http::to_response(problem);
    response.headers.emplace_back("Retry-After", "1");
    answer(response);
}

void HttpEndpoint::on_durable(std::uint64_t number, bool stored) noexcept {
    if (number != awaited_) {
        return;
    }
    awaited_ = 0;
    if (stored) {
        answer({.status = 200});
    } else {
        refuse(
            Reason::storage_failed,
            problem_of(
                503,
                Reason::storage_failed,
                "the storage did not take the message; it was not accepted"
            )
        );
    }
    connection_.resume();
}

void HttpEndpoint::refuse_expired(std::string_view bearer) {
    const auto token = identity::parse_token(bearer);
    const auto owner =
        token ? connection_.services().registry.find_token_owner(token->id, token->secret_hash)
              : std::nullopt;
    if (!owner) {  // Removed meanwhile.
        return refuse(401, {Reason::bad_credentials});
    }
    connection_.set_claimed(owner->thing.name);
    connection_.refuse(
        Action::publish,
        {Reason::bad_credentials},
        {},
        "token " + std::string{token->id} + " has ended"
    );
    auto response = http::to_response(problem_of(
        401,
        Reason::bad_credentials,
        "the token ended at " + format_time(owner->not_after.count())
    ));
    response.headers.emplace_back("WWW-Authenticate", R"(Bearer error="invalid_token")");
    answer(response);
}

void HttpEndpoint::refuse(std::uint16_t status, model::Verdict verdict, std::string_view topic) {
    connection_.refuse(Action::publish, verdict, topic);
    auto response = http::to_response(problem_of(status, verdict.reason));
    if (status == 401) {
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
    }
    answer(response);
}

void HttpEndpoint::refuse(Reason reason, const http::Problem& problem, std::string_view topic) {
    connection_.refuse(Action::publish, {reason}, topic, problem.detail);
    fail(problem);
}

void HttpEndpoint::fail(const http::Problem& problem) {
    answer(http::to_response(problem));
}

void HttpEndpoint::answer(const http::Response& response) {
    if (response.status >= 400) {
        connection_.meter_count(metering::http_error(response.body.size()));
    }
    const Bytes wire = http::to_wire(
        response, {.keep_alive = keep_alive_, .date = connection_.services().shard.wall_now()}
    );
    connection_.out().append(wire);
    connection_.flush_later();
    if (!keep_alive_) {
        connection_.close(Reason::peer_disconnected, Connection::Goodbye::said);
    }
}

}  // namespace weir::endpoints
