#include <fmt/format.h>

#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/config_parts.hpp>

namespace weir::app::detail {
namespace {

using document::Diagnostics;
using std::chrono::milliseconds;
using Path = std::filesystem::path;

void read_auth(SinkConfig& sink, const Section& section, Diagnostics& diagnostics) {
    sink.bearer = optional_of<Secret>(section, "auth.bearer");
    if (section.has("auth.basic")) {
        sink.basic = BasicAuth{
            .user = section.get<std::string>("auth.basic.user"),
            .password = section.get<Secret>("auth.basic.password"),
        };
    }
    if (section.has("auth.sigv4")) {
        sink.sigv4 = SigV4Auth{
            .access_key_id = section.get<std::string>("auth.sigv4.access_key_id"),
            .secret_access_key = section.get<Secret>("auth.sigv4.secret_access_key"),
            .session_token = optional_of<Secret>(section, "auth.sigv4.session_token"),
            .region = section.get<std::string>("auth.sigv4.region"),
            .service = section.get<std::string>("auth.sigv4.service"),
        };
    }
    if (section.has("auth.client_cert")) {
        sink.client_cert = ClientCertificate{
            .cert = section.get<Path>("auth.client_cert.cert"),
            .key = section.get<Secret>("auth.client_cert.key"),
            .cert_place = section.place("auth.client_cert.cert"),
        };
    }
    if (int{sink.bearer.has_value()} + int{sink.basic.has_value()} + int{sink.sigv4.has_value()} >
        1) {
        report(
            diagnostics,
            section.place("auth"),
            code::kContradiction,
            "more than one of bearer, basic and sigv4 is set",
            "keep the one that the server expects"
        );
    }
    const bool is_plain = sink.url.starts_with("http://");
    if ((sink.bearer || sink.basic) && is_plain) {
        report(
            diagnostics,
            section.place("url"),
            code::kPlaintext,
            "a secret would be sent in clear text",
            "use https://, or remove 'auth'"
        );
    }
    if (sink.client_cert && is_plain) {
        report(
            diagnostics,
            section.place("url"),
            code::kContradiction,
            "a certificate is shown in TLS, which this URL does without",
            "use https://, or remove 'auth.client_cert'"
        );
    }
}

void check_order(
    const Section& section, std::string_view less, std::string_view more, Diagnostics& diagnostics
) {
    if (section.get<milliseconds>(less) > section.get<milliseconds>(more)) {
        report(
            diagnostics,
            section.place(section.has(less) ? less : more),
            code::kContradiction,
            fmt::format("{} is longer than {}", less, more)
        );
    }
}

}  // namespace

SinkConfig make_sink(const Section& section, Diagnostics& diagnostics) {
    SinkConfig sink{
        .name = section.get<std::string>("sink"),
        .url = section.get<std::string>("url"),
        .method = section.get<std::string>("method"),
        .headers = section.get<Headers>("headers"),
        .order_by = section.get<std::string>("order_by"),
        .body = section.get<std::string>("body"),
        .compression = section.get<std::string>("compression"),
        .ca = optional_of<Path>(section, "ca"),
        .follows_redirects = section.get<std::string>("redirects") == "same_origin",
        .timeout = section.get<milliseconds>("timeout"),
        .connect_timeout = section.get<milliseconds>("connect_timeout"),
        .in_flight = section.get<std::uint64_t>("in_flight"),
        .retry =
            {
                .min = section.get<milliseconds>("retry.min"),
                .max = section.get<milliseconds>("retry.max"),
            },
        .breaker =
            {
                .failures = section.get<std::uint64_t>("breaker.failures"),
                .pause = section.get<milliseconds>("breaker.pause"),
            },
        .outbox =
            {
                .size = section.get<std::uint64_t>("outbox.size"),
                .dead_letters = section.get<std::uint64_t>("outbox.dead_letters"),
                .age = section.get<milliseconds>("outbox.age"),
                .on_full =
                    enumerator<OnFull>(kOnFullNames, section.get<std::string>("outbox.on_full")),
                .block_timeout = section.get<milliseconds>("outbox.block_timeout"),
            },
        .batch =
            {
                .messages = section.get<std::uint64_t>("batch.messages"),
                .bytes = section.get<std::uint64_t>("batch.bytes"),
                .wait = section.get<milliseconds>("batch.wait"),
            },
        .place = section.place("sink"),
        .url_place = section.place("url"),
        .order_by_place = section.place("order_by"),
        .ca_place = section.place("ca"),
    };
    for (std::size_t i = 0; i < sink.headers.size(); ++i) {
        sink.header_places.push_back(section.place(fmt::format("headers.{}", i)));
    }
    if (section.has("proxy")) {
        sink.proxy = ProxyConfig{
            .url = section.get<std::string>("proxy.url"),
            .user = section.get<std::string>("proxy.user"),
            .password = optional_of<Secret>(section, "proxy.password"),
        };
    }
    read_auth(sink, section, diagnostics);
    check_order(section, "retry.min", "retry.max", diagnostics);
    return sink;
}

}  // namespace weir::app::detail
