#include "json.hpp"

#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <weir/base/text.hpp>

namespace weir::app::api {
namespace {

using admin::ApiError;

[[noreturn]] void refuse(const std::string& detail) {
    throw ApiError{400, "bad_request", detail};
}

json::object parse_object(std::string_view body) {
    if (body.empty()) {
        return {};
    }
    boost::system::error_code error;
    auto value = json::parse(body, error);
    if (error) {
        refuse(fmt::format("the body is not JSON: {}", error.message()));
    }
    if (!value.is_object()) {
        refuse("the body is not a JSON object");
    }
    return std::move(value.get_object());
}

std::string text_of(const json::value& value, std::string_view name) {
    if (!value.is_string()) {
        refuse(fmt::format("'{}' is not a text", name));
    }
    return std::string{value.get_string()};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end ? std::optional{number} : std::nullopt;
}

/// The serializer takes texts as they are. Outside of its texts JSON is ASCII, so that bytes that are
/// no UTF-8 stand in one, and may be replaced.
std::string as_utf8(std::string text) {
    if (is_utf8(text)) {
        return text;
    }
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        out += take_character(rest);
    }
    return out;
}

}  // namespace

json::array area_rows(const storage::Budgets& budgets) {
    json::array rows;
    for (std::size_t i = 0; i < storage::kAreas; ++i) {
        const auto use = budgets.use(static_cast<storage::Area>(i));
        rows.push_back(
            {{"area", storage::kAreaNames[i]},
             {"bytes", use.bytes},
             {"budget", use.budget == 0 ? json::value(nullptr) : json::value(use.budget)},
             {"lost", use.lost},
             {"level", storage::kAreaLevelNames[static_cast<std::size_t>(use.level)]}}
        );
    }
    return rows;
}

http::Response reply(const json::value& value, std::uint16_t status) {
    return {
        .status = status,
        .content_type = "application/json",
        .body = as_utf8(json::serialize(value)) + '\n',
    };
}

Members::Members(const admin::Call& call) : members_{parse_object(call.body)} {}

std::optional<json::value> Members::take(std::string_view name) {
    const auto found = members_.find(name);
    if (found == members_.end()) {
        return std::nullopt;
    }
    auto value = std::move(found->value());
    members_.erase(found);
    return value;
}

std::optional<std::string> Members::take_text(std::string_view name) {
    const auto value = take(name);
    return value ? std::optional{text_of(*value, name)} : std::nullopt;
}

std::string Members::need_text(std::string_view name) {
    auto text = take_text(name);
    if (!text) {
        refuse(fmt::format("'{}' is missing", name));
    }
    return std::move(*text);
}

std::vector<std::string> Members::take_texts(std::string_view name) {
    std::vector<std::string> texts;
    if (const auto value = take(name)) {
        if (!value->is_array()) {
            refuse(fmt::format("'{}' is not a list", name));
        }
        for (const auto& item : value->get_array()) {
            texts.push_back(text_of(item, name));
        }
    }
    return texts;
}

std::vector<json::object> Members::take_objects(std::string_view name) {
    std::vector<json::object> objects;
    if (auto value = take(name)) {
        if (!value->is_array()) {
            refuse(fmt::format("'{}' is not a list", name));
        }
        for (auto& item : value->get_array()) {
            if (!item.is_object()) {
                refuse(fmt::format("'{}' has something that is no object", name));
            }
            objects.push_back(std::move(item.get_object()));
        }
    }
    return objects;
}

std::vector<std::pair<std::string, std::string>> Members::take_pairs(std::string_view name) {
    std::vector<std::pair<std::string, std::string>> pairs;
    if (const auto value = take(name)) {
        if (!value->is_object()) {
            refuse(fmt::format("'{}' is not an object", name));
        }
        for (const auto& [key, text] : value->get_object()) {
            pairs.emplace_back(key, text_of(text, key));
        }
    }
    return pairs;
}

std::uint64_t Members::take_number(std::string_view name, std::uint64_t fallback) {
    const auto value = take(name);
    if (!value) {
        return fallback;
    }
    boost::system::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    if (error) {
        refuse(fmt::format("'{}' is not a whole number", name));
    }
    return number;
}

void Members::expect_no_more() const {
    if (!members_.empty()) {
        refuse(fmt::format("'{}' is not known here", std::string_view{members_.begin()->key()}));
    }
}

std::uint64_t query_number(
    const admin::Call& call,
    std::string_view name,
    std::uint64_t fallback,
    std::uint64_t min,
    std::uint64_t max
) {
    const auto text = call.query(name);
    if (!text) {
        return fallback;
    }
    const auto number = parse_number(*text);
    if (!number || *number < min || *number > max) {
        refuse(fmt::format("'{}' is not a whole number from {} to {}", name, min, max));
    }
    return *number;
}

WallTime query_time(const admin::Call& call, std::string_view name, WallTime fallback) {
    const auto text = call.query(name);
    if (!text) {
        return fallback;
    }
    constexpr std::int64_t kLast = 253'402'300'799'999;  // Of the year 9999.
    const auto number = parse_number(*text);
    const auto time = number && *number <= kLast ? static_cast<std::int64_t>(*number)
                                                 : parse_time(*text).value_or(-1);
    if (time < 0 || time > kLast) {
        refuse(fmt::format("'{}' is not a time from 1970 to 9999 as 2026-01-31T12:00:00Z", name));
    }
    return WallTime{time};
}

json::array texts_value(const std::vector<std::string>& texts) {
    json::array out;
    for (const auto& text : texts) {
        out.emplace_back(text);
    }
    return out;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value time_value(WallTime time) {
    return time.count() == 0 ? json::value(nullptr) : json::value(format_time(time.count()));
}

json::value source_value(const model::Source* source) {
    return source == nullptr || source->file.empty()
               ? json::value(nullptr)
               : json::value(fmt::format("{}:{}", source->file, source->line));
}

}  // namespace weir::app::api
