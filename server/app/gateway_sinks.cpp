// From the files of sinks.d/ to what delivers.
#include <algorithm>
#include <future>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>

#include <weir/app/gateway.hpp>
#include <weir/app_config/config_codes.hpp>
#include <weir/base/hash.hpp>
#include <weir/base/log.hpp>
#include <weir/pipeline/failure.hpp>
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

/// The sink that an action sends to; empty: none.
[[nodiscard]] std::string_view sink_of(const rules::Action& action) {
    if (const auto* const http = std::get_if<rules::HttpAction>(&action)) {
        return http->sink;
    }
    const auto* const alert = std::get_if<rules::AlertAction>(&action);
    return alert == nullptr ? std::string_view{} : alert->sink;
}

/// How the rule reaches a sink: "http", else "alert"; empty: it does not.
[[nodiscard]] std::string_view kind_of_use(const rules::Rule& rule, const std::string& sink) {
    std::string_view kind;
    for (const rules::Action& action : rule.actions()) {
        kind = sink_of(action) == sink && kind != "http" ? pipeline::kind_of(action) : kind;
    }
    return kind;
}

/// Rules with an error action hear of what a sink gives up of them. What needs only the store is stored with the dead letter.
void add_error_targets(
    const Configuration& configuration, std::vector<sinks::HttpSinkConfig>& made
) {
    for (const rules::Rule& rule : configuration.rules->rules()) {
        if (rule.on_error() == nullptr) {
            continue;
        }
        sinks::ErrorTarget target{.rule = std::string{rule.name()}, .action = {}};
        if (const auto* const stream = std::get_if<rules::StreamAction>(rule.on_error())) {
            target.stream = stream->stream;
        } else if (const auto* const http = std::get_if<rules::HttpAction>(rule.on_error())) {
            const auto told = std::ranges::find(made, http->sink, &sinks::HttpSinkConfig::name);
            if (told != made.end() &&
                configuration.requests[static_cast<std::size_t>(told - made.begin())].constant()) {
                target.sink = told->name;
                target.sink_bytes = sinks::reserve_limit(told->outbox);
                target.sink_drops_oldest = told->outbox.on_full == sinks::OnFull::drop_oldest;
            }
        }
        for (auto& sink : made) {
            target.action = kind_of_use(rule, sink.name);
            if (!target.action.empty() && sink_of(*rule.on_error()) != sink.name) {
                sink.error_targets.push_back(target);
            }
        }
    }
}

void set_credentials(sinks::HttpSinkConfig& sink, const SinkConfig& config, NamedFiles& files) {
    const auto owner = fmt::format("sink '{}'", config.name);
    const auto secret = [&](const Secret& where, std::string_view what) {
        return files.secret(where, fmt::format("the {} of {}", what, owner));
    };
    if (config.bearer) {
        sink.bearer_token = secret(*config.bearer, "bearer token");
    }
    if (config.basic) {
        sink.basic_user = config.basic->user;
        sink.basic_password = secret(config.basic->password, "password");
    }
    if (config.sigv4) {
        sink.sigv4 = http_client::SigV4{
            .access_key_id = config.sigv4->access_key_id,
            .secret_access_key = secret(config.sigv4->secret_access_key, "secret access key"),
            .session_token = config.sigv4->session_token
                                 ? secret(*config.sigv4->session_token, "session token")
                                 : "",
            .region = config.sigv4->region,
            .service = config.sigv4->service,
        };
    }
    if (config.client_cert) {
        const auto& [cert, key, cert_place] = *config.client_cert;
        sink.tls.cert_pem = files.text(cert, cert_place, "the certificate of " + owner);
        sink.tls.key_pem = secret(key, "private key");
        files.expect_pair(
            sink.tls.cert_pem,
            sink.tls.key_pem,
            {.owner = owner,
             .certificate = cert_place,
             .key = key.place,
             .client_ca = cert_place}
        );
    }
    if (config.proxy) {
        sink.proxy = {
            .url = config.proxy->url,
            .user = config.proxy->user,
            .password =
                config.proxy->password ? secret(*config.proxy->password, "proxy password") : "",
        };
    }
    if (config.ca) {
        sink.tls.ca_file = config.ca->string();
        files.expect_certificates(*config.ca, config.ca_place, "the CA of " + owner);
    }
}

[[nodiscard]] sinks::HttpSinkConfig make_sink(const SinkConfig& config, NamedFiles& files) {
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
    set_credentials(sink, config, files);
    return sink;
}

}  // namespace

std::vector<sinks::HttpSinkConfig> make_sinks(
    const Configuration& configuration, NamedFiles& files
) {
    std::vector<sinks::HttpSinkConfig> made;
    for (const SinkConfig& config : configuration.config.sinks) {
        made.push_back(make_sink(config, files));
        if (files.diagnostics().has_errors()) {
            continue;  // What is missing would be found wrong once more.
        }
        add_deliveries(*configuration.rules, made.back());
        if (auto problem = sinks::check(made.back()); !problem.empty()) {
            report(
                files.diagnostics(),
                config.place,
                code::kContradiction,
                fmt::format("sink '{}': {}", config.name, problem)
            );
        }
    }
    if (!files.diagnostics().has_errors()) {
        add_error_targets(configuration, made);
    }
    return made;
}

void log_removed(const std::vector<sinks::SinkStatus>& sinks) {
    for (const auto& sink : sinks) {
        log::warn(
            "sink_removed",
            {{"sink", sink.name}, {"pending", sink.pending}, {"dead_letters", sink.dead_letters}}
        );
    }
}

bool Gateway::Impl::run_error_action(sinks::GivenUp&& given_up) {
    constexpr std::size_t kWaitingBytesMax = 64 * 1024 * 1024;
    const auto bytes = sizeof(given_up) + given_up.payload.size() + given_up.report.size();
    if (waiting_report_bytes + bytes > kWaitingBytesMax) {
        return false;
    }
    waiting_report_bytes += bytes;
    GatewayShard& part = *parts[TextHash{}(given_up.device) % parts.size()];
    part.shard.post([this,
                     &part,
                     bytes,
                     given_up = std::make_unique<const sinks::GivenUp>(std::move(given_up))] {
        part.publisher.run_error_action(*given_up);
        waiting_report_bytes -= bytes;
    });
    return true;
}

std::vector<sinks::SinkStatus> Gateway::sinks() const {
    return impl_->sinks.status();
}

std::vector<sinks::SinkStatus> Gateway::removed_sinks() const {
    auto all = impl_->sinks.status();
    std::erase_if(all, [](const auto& sink) { return sink.activity != sinks::Activity::removed; });
    return all;
}

Result<sinks::Dropped> Gateway::drop_sink(const std::string& name) {
    const std::scoped_lock no_reload{impl_->reloading};
    if (configuration()->config.find_sink(name) != nullptr) {
        throw std::invalid_argument{
            fmt::format("the sink '{}' is configured: remove its file, then weir reload", name)
        };
    }
    auto dropped = sinks::drop_outbox(*impl_->store, name);
    if (dropped) {
        log::warn(
            "sink_dropped",
            {{"sink", name}, {"lost", dropped->records}, {"dead_letters", dropped->dead_letters}}
        );
    }
    return dropped;
}

std::optional<archive::Probe> Gateway::probe_archive(const std::string& name) {
    constexpr std::chrono::seconds kSomebodyWaits{30};
    return impl_->archives.probe(name, kSomebodyWaits);
}

SinkProbe Gateway::probe_sink(const ProbeMessage& message) {
    Impl& impl = *impl_;
    const auto in_force = configuration();
    const auto& sinks = in_force->config.sinks;
    const auto sink = std::ranges::find(sinks, message.sink, &SinkConfig::name);
    if (sink == sinks.end()) {
        throw std::invalid_argument{"there is no sink '" + message.sink + "'"};
    }
    if (!message.rule.empty() && in_force->rules->find(message.rule) == nullptr) {
        throw std::invalid_argument{"there is no rule '" + message.rule + "'"};
    }
    // Expressions read beyond the payload, as in model::Message.
    const auto padded = message.payload + std::string(model::Message::kSpareBytes, '\0');
    rules::Evaluator evaluator;
    std::string failed;
    const auto parts = in_force->requests[static_cast<std::size_t>(sink - sinks.begin())].render(
        evaluator,
        {
            .topic = message.topic,
            .payload = as_bytes(std::string_view{padded}.substr(0, message.payload.size())),
            .client_id = message.device,
            .timestamp_ms = impl.clock.wall().count(),
        },
        &failed
    );
    if (!parts) {
        throw std::invalid_argument{
            failed + ": " + parts.error().message() + ": give it one with topic, device and payload"
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
