// From the files of sinks.d/ to what delivers.
#include <algorithm>
#include <future>
#include <stdexcept>
#include <variant>

#include <weir/app/gateway.hpp>
#include <weir/sinks/record_extras.hpp>

#include "gateway_impl.hpp"

namespace weir::app {
namespace {

[[nodiscard]] sinks::OnFull on_full_of(OnFull on_full) noexcept {
    switch (on_full) {
        case OnFull::block:
            return sinks::OnFull::block;
        case OnFull::dead_letter:
            return sinks::OnFull::dead_letter;
        case OnFull::drop_oldest:
            break;
    }
    return sinks::OnFull::drop_oldest;
}

/// The enumerator whose word stands at its place in `names`.
template <class E, std::size_t N>
[[nodiscard]] E enumerator_of(
    const std::array<std::string_view, N>& names, std::string_view word
) noexcept {
    return static_cast<E>(std::ranges::find(names, word) - names.begin());
}

/// A rule says how its outputs are sent; what it leaves out is as the sink says.
void add_deliveries(const rules::RuleSet& rules, sinks::HttpSinkConfig& sink) {
    for (const rules::Rule& rule : rules.rules()) {
        for (const rules::Action& action : rule.actions()) {
            const auto* const http = std::get_if<rules::HttpAction>(&action);
            if (http == nullptr || http->sink != sink.name) {
                continue;
            }
            auto delivery = sink.delivery;
            if (http->body) {
                delivery.body = static_cast<sinks::BodyFormat>(*http->body);
            }
            if (http->batch) {
                delivery.batch = {
                    .messages = http->batch->messages,
                    .bytes = http->batch->bytes,
                    .wait = http->batch->wait,
                };
            }
            sink.by_rule.emplace_back(rule.name(), delivery);
        }
    }
}

void set_credentials(
    sinks::HttpSinkConfig& sink, const SinkConfig& config, const ConfigFiles& files
) {
    const auto secret = [&](const Secret& where, std::string_view what) {
        return load_secret(where, files, std::string{what} + " of sink " + config.name);
    };
    if (config.bearer) {
        sink.bearer_token = secret(*config.bearer, "the bearer token");
    }
    if (config.basic) {
        sink.basic_user = config.basic->user;
        sink.basic_password = secret(config.basic->password, "the password");
    }
    if (config.sigv4) {
        sink.sigv4 = http_client::SigV4{
            .access_key_id = config.sigv4->access_key_id,
            .secret_access_key = secret(config.sigv4->secret_access_key, "the secret access key"),
            .session_token = config.sigv4->session_token
                                 ? secret(*config.sigv4->session_token, "the session token")
                                 : "",
            .region = config.sigv4->region,
            .service = config.sigv4->service,
        };
    }
    if (config.client_cert) {
        sink.tls.cert_pem = read_file(
            config.client_cert->cert, files, "the certificate of sink " + config.name + ":"
        );
        sink.tls.key_pem = secret(config.client_cert->key, "the private key");
    }
    if (config.proxy) {
        sink.proxy = {
            .url = config.proxy->url,
            .user = config.proxy->user,
            .password =
                config.proxy->password ? secret(*config.proxy->password, "the proxy password") : "",
        };
    }
}

[[nodiscard]] sinks::HttpSinkConfig make_sink(const SinkConfig& config, const ConfigFiles& files) {
    sinks::HttpSinkConfig sink{
        .name = config.name,
        .url = config.url,
        .method = config.method,
        .redirects =
            config.follows_redirects ? sinks::Redirects::same_origin : sinks::Redirects::none,
        .compression = enumerator_of<sinks::Compression>(kCompressionNames, config.compression),
        .timeout = config.timeout,
        .connect_timeout = std::min(config.connect_timeout, config.timeout),
        .in_flight = static_cast<std::uint32_t>(config.in_flight),
        .outbox =
            {
                .size_bytes = config.outbox.size,
                .age = config.outbox.age,
                .on_full = on_full_of(config.outbox.on_full),
                .block_timeout = config.outbox.block_timeout,
                .dead_letter_bytes = config.outbox.dead_letters,
            },
        .retry = {.min = config.retry.min, .max = config.retry.max},
        .breaker =
            {
                .failures = static_cast<std::uint32_t>(config.breaker.failures),
                .pause = config.breaker.pause,
            },
        .delivery =
            {
                .body = enumerator_of<sinks::BodyFormat>(kBodyNames, config.body),
                .batch =
                    {
                        .messages = static_cast<std::uint32_t>(config.batch.messages),
                        .bytes = config.batch.bytes,
                        .wait = config.batch.wait,
                    },
            },
    };
    for (const auto& [name, value] : config.headers) {
        // What differs from message to message comes with the record.
        if (value.find("${") == std::string::npos) {
            sink.headers.push_back({name, value});
        }
    }
    if (config.ca) {
        sink.tls.ca_file = config.ca->string();
    }
    set_credentials(sink, config, files);
    return sink;
}

}  // namespace

std::vector<sinks::HttpSinkConfig> make_sinks(
    const Configuration& configuration, const ConfigFiles& files
) {
    std::vector<sinks::HttpSinkConfig> made;
    for (const SinkConfig& config : configuration.config.sinks) {
        made.push_back(make_sink(config, files));
        add_deliveries(*configuration.rules, made.back());
    }
    return made;
}

SinkProbe Gateway::probe_sink(const ProbeMessage& message) {
    Impl& impl = *impl_;
    const auto in_force = configuration();
    const auto& sinks = in_force->config.sinks;
    const auto sink = std::ranges::find(sinks, message.sink, &SinkConfig::name);
    if (sink == sinks.end()) {
        throw std::invalid_argument{"there is no HTTP sink '" + message.sink + "'"};
    }
    // Expressions read beyond the payload, as in model::Message.
    const auto padded = message.payload + std::string(model::Message::kSpareBytes, '\0');
    rules::Evaluator evaluator;
    const auto parts = in_force->requests[static_cast<std::size_t>(sink - sinks.begin())].render(
        evaluator,
        {
            .topic = message.topic,
            .payload = as_bytes(std::string_view{padded}.substr(0, message.payload.size())),
            .client_id = message.device,
            .timestamp_ms = impl.clock.wall().count(),
        }
    );
    if (!parts) {
        throw std::invalid_argument{
            parts.error().message() + ": give it one with topic, device and payload"
        };
    }
    std::vector<http_client::Header> headers;
    for (const auto& [name, value] : parts->headers) {
        headers.push_back({name, value});
    }
    const auto extras = sinks::encode_extras(headers, parts->order_key);
    std::promise<http_client::Outcome> answer;
    auto answered = answer.get_future();
    const auto config = impl.sinks.probe(
        message.sink,
        {
            .time_ms = impl.clock.wall().count(),
            .rule = message.rule,
            .topic = message.topic,
            .key = message.device,
            .target = parts->target,
            .headers = extras,
            .payload = as_bytes(message.payload),
        },
        [&answer](http_client::Outcome&& outcome) { answer.set_value(std::move(outcome)); }
    );
    if (!config) {
        throw std::invalid_argument{"the sink '" + message.sink + "' was removed"};
    }
    SinkProbe probe{
        .method = config->method,
        .url = parts->target.empty()
                   ? config->url
                   : http_client::origin_of(config->url).value_or("") + parts->target,
        .outcome = answered.get(),  // Bounded by the sink's timeout.
        .diagnosis = {},
    };
    probe.diagnosis = sinks::diagnose(probe.outcome, *config);
    return probe;
}

}  // namespace weir::app
