#include <weir/rules/request_template.hpp>

#include <algorithm>

#include <weir/base/percent.hpp>

namespace weir::rules {
namespace {

/// Where the path or the query of an absolute URL begins.
std::size_t end_of_authority(std::string_view url) noexcept {
    const auto scheme = url.find("://");
    return std::min(
        url.find_first_of("/?", scheme == std::string_view::npos ? 0 : scheme + 3), url.size()
    );
}

/// Receivers and proxies resolve dot segments, so a value could climb out of its place.
bool has_dot_segment(std::string_view target) {
    auto path = target.substr(0, target.find('?'));
    while (!path.empty()) {
        path.remove_prefix(path.starts_with('/') ? 1 : 0);
        const auto segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        const auto decoded = percent_decode(segment);
        if (decoded && (*decoded == "." || *decoded == "..")) {
            return true;
        }
    }
    return false;
}

std::string escape_for_url(std::string_view value) {
    return percent_encode(value);
}

/// No value ends its header.
std::string escape_for_header(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (const char& c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            out += percent_encode({&c, 1});
        } else {
            out += c;
        }
    }
    return out;
}

/// A template that is not the same for every message.
std::optional<Template> compile_varying(
    const PlacedText& text, document::Diagnostics& diagnostics, bool& ok
) {
    if (text.text.empty()) {
        return std::nullopt;
    }
    auto compiled = Template::compile(text.text, {.compile = {.place = text.place}}, diagnostics);
    ok = ok && compiled;
    return compiled && !compiled->constant() ? std::move(compiled) : std::nullopt;
}

}  // namespace

std::optional<RequestTemplate> RequestTemplate::compile(
    const RequestTexts& texts, document::Diagnostics& diagnostics
) {
    RequestTemplate made;
    bool ok = true;
    auto target = texts.url;
    const auto origin_bytes = end_of_authority(target.text);
    target.place.start = Reporter{target.text, target.place, diagnostics}.position(
        static_cast<std::uint32_t>(origin_bytes)
    );
    target.text.remove_prefix(origin_bytes);
    made.target_ = compile_varying(target, diagnostics, ok);
    for (const auto& [name, text] : texts.headers) {
        if (auto value = compile_varying(text, diagnostics, ok)) {
            made.headers_.emplace_back(name, std::move(*value));
        }
    }
    made.order_by_ = compile_varying(texts.order_by, diagnostics, ok);
    return ok ? std::optional{std::move(made)} : std::nullopt;
}

Result<RequestParts> RequestTemplate::render(Evaluator& evaluator, std::string* failed) const {
    RequestParts parts;
    const auto fail = [&](error_code error, std::string_view part, const Template& text) {
        if (failed != nullptr) {
            *failed = std::string{part} + ' ' + text.source();
        }
        return error;
    };
    if (target_) {
        const auto target = evaluator.render(*target_, escape_for_url);
        if (!target) {
            return fail(target.error(), "url", *target_);
        }
        parts.target = *target;
        if (parts.target.size() > kTextBytesMax || has_dot_segment(parts.target)) {
            return fail(errc::template_refused, "url", *target_);
        }
    }
    for (const auto& [name, text] : headers_) {
        const auto value = evaluator.render(text, escape_for_header);
        if (!value) {
            return fail(value.error(), "header " + name, text);
        }
        if (value->size() > kTextBytesMax) {
            return fail(errc::template_refused, "header " + name, text);
        }
        parts.headers.emplace_back(name, *value);
    }
    if (order_by_) {
        const auto key = evaluator.render(*order_by_);
        if (!key) {
            return fail(key.error(), "order_by", *order_by_);
        }
        parts.order_key = key->substr(0, kTextBytesMax);
    }
    return parts;
}

Result<RequestParts> RequestTemplate::render(
    Evaluator& evaluator, const Input& input, std::string* failed
) const {
    evaluator.begin(input);
    return render(evaluator, failed);
}

}  // namespace weir::rules
