/// Method and path to a handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// The decoded value of the first `name` in the target's query ("?qos=1&retain"); there "+" means a
/// space. Nothing if it is missing or badly encoded; empty if it has no "=".
[[nodiscard]] std::optional<std::string> query_value(
    std::string_view target, std::string_view name
);

/// What a path matched: the values of {name} segments, decoded, in the order of the pattern.
struct PathMatch {
    enum class Outcome : std::uint8_t { found, no_path, no_method, bad_encoding };

    Outcome outcome = Outcome::no_path;
    std::size_t route = 0;  ///< Index of the pattern added, if found.
    std::vector<std::string> values = {};
    std::string allowed = {};  ///< "GET, POST": for the Allow header, if no_method.
};

/// Patterns in the order in which they were added; the first that matches wins.
///
/// A segment is literal, `{name}` (one segment, not empty) or, at the end, `{name...}` (the rest,
/// slashes included, not empty). Segments are parted before they are decoded: an encoded slash
/// never parts, and dots have no meaning.
class RouteTable {
public:
    /// @return The route's index.
    std::size_t add(std::string_view method, std::string_view pattern);

    /// @param target  As it stands in the request line; a query is ignored. HEAD finds GET's
    /// routes.
    [[nodiscard]] PathMatch match(std::string_view method, std::string_view target) const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
    };

    std::vector<Route> routes_;
};

/// A RouteTable with a value per route, usually a handler.
template <class T>
class Router {
public:
    struct Found {
        PathMatch path;
        const T* value = nullptr;  ///< Only if path.outcome is found.
    };

    void add(std::string_view method, std::string_view pattern, T value) {
        table_.add(method, pattern);
        values_.push_back(std::move(value));
    }

    [[nodiscard]] Found match(std::string_view method, std::string_view target) const {
        Found out{.path = table_.match(method, target)};
        if (out.path.outcome == PathMatch::Outcome::found) {
            out.value = &values_[out.path.route];
        }
        return out;
    }

private:
    RouteTable table_;
    std::vector<T> values_;
};

}  // namespace weir::http
