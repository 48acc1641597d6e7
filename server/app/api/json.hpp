/// JSON in and out of handlers.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/admin/dispatch.hpp>
#include <weir/base/clock.hpp>
#include <weir/model/reason.hpp>
#include <weir/storage/budgets.hpp>

namespace weir::app::api {

namespace json = boost::json;

/// What each area of the storage holds and may hold.
[[nodiscard]] json::array area_rows(const storage::Budgets& budgets);

[[nodiscard]] http::Response reply(const json::value& value, std::uint16_t status = 200);

/// The members of a request's body; each is taken once, what is left over is unknown.
/// All of it throws ApiError with status 400.
class Members {
public:
    /// An empty body has no members. @param call  Its body: at most 32 levels deep.
    explicit Members(const admin::Call& call);
    /// Of an object in it.
    explicit Members(json::object object) : members_{std::move(object)} {}

    [[nodiscard]] std::optional<std::string> take_text(std::string_view name);
    /// Throws if it is missing.
    [[nodiscard]] std::string need_text(std::string_view name);
    [[nodiscard]] std::vector<std::string> take_texts(std::string_view name);
    [[nodiscard]] std::vector<json::object> take_objects(std::string_view name);
    /// An object whose values are all texts.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> take_pairs(std::string_view name
    );
    [[nodiscard]] std::uint64_t take_number(std::string_view name, std::uint64_t fallback);
    /// Throws if there is something that nobody took.
    void expect_no_more() const;

private:
    [[nodiscard]] std::optional<json::value> take(std::string_view name);

    json::object members_;
};

/// A number in the query. Throws ApiError 400 if it is none or not within min..max.
[[nodiscard]] std::uint64_t query_number(
    const admin::Call& call,
    std::string_view name,
    std::uint64_t fallback,
    std::uint64_t min = 0,
    std::uint64_t max = UINT64_MAX
);
/// Milliseconds since 1970, or RFC 3339 with `Z`; before the year 10000. Throws ApiError 400 if it is neither.
[[nodiscard]] WallTime query_time(
    const admin::Call& call, std::string_view name, WallTime fallback
);

[[nodiscard]] json::array texts_value(const std::vector<std::string>& texts);
[[nodiscard]] json::value text_or_null(const std::string& text);
/// "2026-01-31T12:00:00.000Z"; null for 0.
[[nodiscard]] json::value time_value(WallTime time);
/// "policies.d/sensor.yaml:6"; null if it is built in.
[[nodiscard]] json::value source_value(const model::Source* source);

}  // namespace weir::app::api
