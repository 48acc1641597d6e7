/// How commands reach what they are about: a running gateway, or a data directory that nobody
/// serves.
#pragma once

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/admin/unix_client.hpp>

#include "command.hpp"

namespace weir::cli {

namespace json = boost::json;

/// Answers the requests of app::add_routes().
class Api {
public:
    virtual ~Api() = default;
    /// Throws Failure if nobody can answer.
    [[nodiscard]] virtual admin::Answer ask(
        std::string_view method, std::string_view target, std::string_view body
    ) = 0;
};

/// The gateway's admin socket; Failure with ExitCode::no_gateway if no gateway runs.
[[nodiscard]] std::unique_ptr<Api> gateway_api(const Globals& globals);
/// As above, or else the data directory, with the routes of devices, policies, streams and rules only. It is locked
/// as long as the result lives.
[[nodiscard]] std::unique_ptr<Api> registry_api(const Globals& globals);

/// A path with its query.
class Target {
public:
    /// @param path  As it stands.
    explicit Target(std::string_view path) : text_{path} {}

    /// Adds "/" and the encoded name.
    Target& segment(std::string_view name);
    Target& query(std::string_view name, std::string_view value);
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    bool has_query_ = false;
};

/// An answer that is no good one: what() is its detail.
class Refusal : public Failure {
public:
    Refusal(const std::string& detail, std::string code)
        : Failure{detail}, code_{std::move(code)} {}

    /// As admin::ApiError::code(); empty if it has none.
    [[nodiscard]] const std::string& reason() const noexcept { return code_; }

private:
    std::string code_;
};

/// The body of a good answer. @throws Refusal
[[nodiscard]] std::string get_text(Api& api, const Target& target);
[[nodiscard]] json::object get(Api& api, const Target& target);
/// An empty object if the answer has no body.
json::object post(Api& api, const Target& target, const json::object& body = {});
json::object remove(Api& api, const Target& target);

/// Prints rows as they came, or the members that `columns` name as a table: lists joined by
/// commas, yes and no for true and false.
void print_rows(const json::array& rows, const std::vector<Table::Column>& columns, Format format);
/// A member as people read it; empty if it is missing or null.
[[nodiscard]] std::string cell(const json::object& row, std::string_view name);

/// One JSON document on a line of its own.
void print_json(const json::value& value);

}  // namespace weir::cli
