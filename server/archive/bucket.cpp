#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>

#include <weir/archive/bucket.hpp>
#include <weir/base/percent.hpp>
#include <weir/base/text.hpp>

namespace weir::archive {
namespace {

using http_client::Outcome;

constexpr std::size_t kExcerptBytes = 256;

/// The text of the first element of that name. Errors of S3 are `<Error><Code>..<Message>..`.
std::string_view element(std::string_view xml, std::string_view name) {
    const auto open = fmt::format("<{}>", name);
    const auto begin = xml.find(open);
    const auto end = xml.find(fmt::format("</{}>", name));
    if (begin == std::string_view::npos || end == std::string_view::npos ||
        end < begin + open.size()) {
        return {};
    }
    return xml.substr(begin + open.size(), end - begin - open.size());
}

std::string describe(const Outcome& outcome) {
    if (outcome.error) {
        return fmt::format(
            "{}{}{}",
            outcome.error.message(),
            outcome.detail.empty() ? "" : ": ",
            printable(outcome.detail, kExcerptBytes)
        );
    }
    const auto code = element(outcome.response.body, "Code");
    const auto text = code.empty() ? std::string_view{outcome.response.body}
                                   : element(outcome.response.body, "Message");
    return fmt::format(
        "{} {}{}{}",
        outcome.response.status,
        printable(code, kExcerptBytes),
        code.empty() ? "" : ": ",
        printable(text, kExcerptBytes)
    );
}

}  // namespace

std::string Bucket::url_of(std::string_view name) const {
    const auto& endpoint = options_.endpoint;
    if (!options_.virtual_host) {
        return fmt::format("{}/{}/{}", endpoint, options_.bucket, percent_encode(name, "/"));
    }
    const auto host = endpoint.find("://") + 3;
    return fmt::format(
        "{}{}.{}/{}",
        endpoint.substr(0, host),
        options_.bucket,
        endpoint.substr(host),
        percent_encode(name, "/")
    );
}

std::string Bucket::where() const {
    return url_of({});
}

std::optional<std::string> Bucket::send(http_client::Request request) {
    request.headers.push_back({"User-Agent", "weir"});
    request.timeout = options_.timeout;
    request.tls = options_.tls;
    if (const auto signed_now = http_client::sign(request, options_.signer, clock_.wall());
        !signed_now) {
        return "the request cannot be signed: " + signed_now.error().message();
    }
    const auto answered = std::make_shared<std::promise<Outcome>>();
    auto answer = answered->get_future();
    client_.submit(std::move(request), [answered](Outcome&& outcome) {
        answered->set_value(std::move(outcome));
    });
    const Outcome outcome = answer.get();
    if (!outcome.error && outcome.response.status >= 200 && outcome.response.status < 300) {
        return std::nullopt;
    }
    return describe(outcome);
}

std::optional<std::string> Bucket::write(const Object& object) {
    return send({
        .method = "PUT",
        .url = url_of(object.name),
        .headers = {{"Content-Type", std::string{object.media_type}}},
        .body = object.bytes,
    });
}

std::optional<std::string> Bucket::remove(const std::string& name) {
    return send({.method = "DELETE", .url = url_of(name)});
}

}  // namespace weir::archive
