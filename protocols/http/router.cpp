#include <weir/http/router.hpp>

#include <algorithm>

#include <weir/base/percent.hpp>

namespace weir::http {
namespace {

/// The part up to `separator`; `text` is advanced past it, or emptied.
std::string_view take_until(std::string_view& text, char separator) noexcept {
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

bool is_variable(std::string_view segment) noexcept {
    return segment.starts_with('{') && segment.ends_with('}');
}
bool is_rest(std::string_view segment) noexcept {
    return is_variable(segment) && segment.ends_with("...}");
}

enum class PathFit : std::uint8_t { no, yes, bad_encoding };

/// Fits `path` (without its first slash) to a pattern's segments and collects the variables'
/// values.
PathFit fit(
    const std::vector<std::string>& segments,
    std::string_view path,
    std::vector<std::string>& values
) {
    bool ended = false;
    for (const std::string_view segment : segments) {
        if (ended) {
            return PathFit::no;
        }
        const bool rest = is_rest(segment);
        ended = rest || path.find('/') == std::string_view::npos;
        const auto raw = rest ? path : take_until(path, '/');
        auto decoded = percent_decode(raw);
        if (!decoded) {
            return PathFit::bad_encoding;
        }
        if (!is_variable(segment)) {
            if (*decoded != segment) {
                return PathFit::no;
            }
            continue;
        }
        if (decoded->empty()) {
            return PathFit::no;
        }
        values.push_back(std::move(*decoded));
    }
    return ended ? PathFit::yes : PathFit::no;
}

}  // namespace

std::optional<std::string> query_value(std::string_view target, std::string_view name) {
    take_until(target, '?');
    while (!target.empty()) {
        auto value = take_until(target, '&');
        const auto key = percent_decode(take_until(value, '='));
        if (key && *key == name) {
            std::string spaced{value};
            std::ranges::replace(spaced, '+', ' ');
            return percent_decode(spaced);
        }
    }
    return std::nullopt;
}

std::size_t RouteTable::add(std::string_view method, std::string_view pattern) {
    Route route{.method = std::string{method}, .segments = {}};
    pattern.remove_prefix(pattern.starts_with('/') ? 1 : 0);
    do {
        route.segments.emplace_back(take_until(pattern, '/'));
    } while (!pattern.empty());
    routes_.push_back(std::move(route));
    return routes_.size() - 1;
}

PathMatch RouteTable::match(std::string_view method, std::string_view target) const {
    auto path = target.substr(0, target.find('?'));
    PathMatch out;
    if (!path.starts_with('/')) {
        return out;
    }
    path.remove_prefix(1);
    const std::string_view wanted = method == "HEAD" ? "GET" : method;
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        std::vector<std::string> values;
        switch (fit(routes_[i].segments, path, values)) {
            case PathFit::no:
                break;
            case PathFit::bad_encoding:
                out.outcome = PathMatch::Outcome::bad_encoding;
                return out;
            case PathFit::yes:
                if (routes_[i].method == wanted) {
                    return {
                        .outcome = PathMatch::Outcome::found,
                        .route = i,
                        .values = std::move(values)
                    };
                }
                out.outcome = PathMatch::Outcome::no_method;
                out.allowed += (out.allowed.empty() ? "" : ", ") + routes_[i].method;
                break;
        }
    }
    return out;
}

}  // namespace weir::http
