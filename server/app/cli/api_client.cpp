#include "api_client.hpp"

#include <fmt/format.h>

#include <utility>

#include <weir/base/percent.hpp>

#include "data_directory.hpp"
#include "gateway_file.hpp"

namespace weir::cli {
namespace {

constexpr std::uint16_t kRefused = 400;  ///< From here on an answer is no good one.
constexpr std::chrono::hours kWorkMax{24};  ///< For backups and checks of much data.

Failure no_gateway(const std::filesystem::path& socket, const Globals& globals) {
    return Failure{
        fmt::format("no gateway answers at {}", socket.string()),
        fmt::format("start it with `weir serve --config {}`", globals.config.string()),
        ExitCode::no_gateway
    };
}

class Socket final : public Api {
public:
    Socket(std::filesystem::path path, Globals globals)
        : path_{std::move(path)}, globals_{std::move(globals)} {}

    admin::Answer ask(std::string_view method, std::string_view target, std::string_view body)
        override {
        try {
            const bool is_work = method == "POST" && target.starts_with("/v1/storage/");
            return admin::request(path_, method, target, body, is_work ? kWorkMax : admin::kAnswerMax);
        } catch (const admin::NoServer&) {
            throw no_gateway(path_, globals_);
        } catch (const admin::NotAllowed&) {
            throw Failure{
                fmt::format("you may not use {}", path_.string()),
                "run as the user of the gateway, or as a member of its group",
                ExitCode::not_authorised
            };
        }
    }

private:
    std::filesystem::path path_;
    Globals globals_;
};

/// The socket as long as somebody answers there.
class SocketOrData final : public Api {
public:
    explicit SocketOrData(const Globals& globals)
        : file_{load_gateway_file(globals.config)},
          globals_{globals},
          socket_{file_.admin.socket, globals} {}

    admin::Answer ask(std::string_view method, std::string_view target, std::string_view body)
        override {
        if (data_ == nullptr) {
            try {
                return socket_.ask(method, target, body);
            } catch (const Failure& failure) {
                if (failure.code() != ExitCode::no_gateway) {
                    throw;
                }
            }
            data_ = std::make_unique<DataDirectory>(file_);
        }
        return data_->ask(method, target, body);
    }

private:
    app::Config file_;
    Globals globals_;
    Socket socket_;
    std::unique_ptr<DataDirectory> data_;
};

json::object parse(const std::string& body) {
    boost::system::error_code error;
    auto value = json::parse(body, error);
    if (error || !value.is_object()) {
        throw Failure{"the gateway's answer is not JSON; is it another version?"};
    }
    return std::move(value.get_object());
}

std::string expect_good(const admin::Answer& answer) {
    if (answer.status < kRefused) {
        return answer.body;
    }
    const auto problem = parse(answer.body);
    const auto detail = cell(problem, "detail");
    if (cell(problem, "code") == "bad_config") {
        print_error(detail);
        throw Failure{"the configuration has errors", "weir check", ExitCode::bad_config};
    }
    throw Refusal{
        detail.empty() ? fmt::format("the gateway refused: status {}", answer.status) : detail,
        cell(problem, "code")
    };
}

std::string text_of(const json::value& value) {
    if (value.is_string()) {
        return std::string{value.get_string()};
    }
    if (value.is_bool()) {
        return value.get_bool() ? "yes" : "no";
    }
    if (value.is_null()) {
        return {};
    }
    if (value.is_array()) {
        std::string out;
        for (const auto& item : value.get_array()) {
            out += (out.empty() ? "" : ", ") + text_of(item);
        }
        return out;
    }
    return json::serialize(value);
}

}  // namespace

std::unique_ptr<Api> gateway_api(const Globals& globals) {
    return std::make_unique<Socket>(load_gateway_file(globals.config).admin.socket, globals);
}

std::unique_ptr<Api> registry_api(const Globals& globals) {
    return std::make_unique<SocketOrData>(globals);
}

Target& Target::segment(std::string_view name) {
    text_ += '/' + percent_encode(name);
    return *this;
}

Target& Target::query(std::string_view name, std::string_view value) {
    text_ += fmt::format(
        "{}{}={}", std::exchange(has_query_, true) ? '&' : '?', name, percent_encode(value)
    );
    return *this;
}

std::string get_text(Api& api, const Target& target) {
    return expect_good(api.ask("GET", target.text(), {}));
}

json::object get(Api& api, const Target& target) {
    return parse(get_text(api, target));
}

json::object post(Api& api, const Target& target, const json::object& body) {
    const auto text = body.empty() ? std::string{} : json::serialize(body);
    const auto answer = expect_good(api.ask("POST", target.text(), text));
    return answer.empty() ? json::object{} : parse(answer);
}

json::object remove(Api& api, const Target& target) {
    const auto answer = expect_good(api.ask("DELETE", target.text(), {}));
    return answer.empty() ? json::object{} : parse(answer);
}

std::string cell(const json::object& row, std::string_view name) {
    const auto* const value = row.if_contains(name);
    return value == nullptr ? std::string{} : text_of(*value);
}

void print_rows(const json::array& rows, const std::vector<Table::Column>& columns, Format format) {
    if (format == Format::json) {
        print_json(rows);
        return;
    }
    Table table{columns};
    for (const auto& row : rows) {
        std::vector<std::string> cells;
        for (const auto& column : columns) {
            cells.push_back(cell(row.as_object(), column.name));
        }
        table.add(std::move(cells));
    }
    print(table.render(format));
}

void print_json(const json::value& value) {
    print(json::serialize(value) + '\n');
}

}  // namespace weir::cli
