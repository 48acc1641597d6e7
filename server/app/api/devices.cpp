// Things, their credentials and what is attached to them.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <weir/app/admin_api.hpp>
#include <weir/identity/password.hpp>

#include "device_json.hpp"
#include "json.hpp"

namespace weir::app {
namespace {

using admin::ApiError;
using admin::Call;
using api::Members;
using identity::Registry;
using identity::ThingId;
namespace json = boost::json;

constexpr std::chrono::seconds kDay = std::chrono::hours{24};
constexpr std::chrono::seconds kTokenValidMax = 3'650 * kDay;
constexpr std::size_t kManyMax = 1'000;
constexpr std::uint64_t kPageDefault = 100;
constexpr std::uint64_t kPageMax = 1'000;

std::uint16_t status_of(const error_code& error) {
    using identity::errc;
    if (error == errc::not_found || error == errc::not_attached) {
        return 404;
    }
    if (error == errc::already_exists || error == errc::busy) {
        return 409;
    }
    return error.category() == identity::identity_category() ? 422 : 503;
}

std::string code_of(const error_code& error) {
    switch (status_of(error)) {
        case 404:
            return error == identity::errc::not_attached ? "not_attached" : "not_found";
        case 409:
            return error == identity::errc::busy ? "busy" : "already_exists";
        case 422:
            return "invalid";
        default:
            return "storage_failed";
    }
}

void expect(const Result<void>& result, std::string_view what) {
    if (!result) {
        throw ApiError{
            status_of(result.error()),
            code_of(result.error()),
            fmt::format("{}: {}", what, result.error().message())
        };
    }
}

/// Starts a change of the registry.
/// @param start  Takes the identity::Done.
template <class Start>
[[nodiscard]] std::future<Result<void>> begin(const Start& start) {
    // Shared: the waiting thread may be gone before set_value() returns on the storage thread.
    const auto promise = std::make_shared<std::promise<Result<void>>>();
    auto outcome = promise->get_future();
    start([promise](const Result<void>& result) { promise->set_value(result); });
    return outcome;
}

/// As above, and waits until it is durable.
template <class Start>
[[nodiscard]] Result<void> finish(const Start& start) {
    return begin(start).get();
}

/// A device to be created, and what became of it.
struct Newcomer {
    identity::Thing thing = {};
    identity::Proofs proofs = {};
    std::string token = {};  ///< As its bearer needs it; empty: none was asked for.
    std::string error = {};  ///< Why it was not created; empty: it was.
    std::future<Result<void>> outcome = {};
};

void read(Members members, Newcomer& device) {
    device.thing = api::take_thing(members);
    if (const auto certificate = members.take_text("certificate")) {
        device.proofs.certificate = api::certificate_of(*certificate);
    }
    if (auto hash = members.take_text("password_hash")) {
        if (!identity::is_password_hash(*hash)) {
            throw ApiError{422, "invalid", "'password_hash' is no hash of argon2id"};
        }
        device.proofs.password_hash = std::move(*hash);
    }
    if (const auto token = members.take_text("token")) {
        if (*token != "generate") {
            throw ApiError{422, "invalid", "'token' can only be 'generate'"};
        }
        auto made = identity::make_token();
        device.proofs.token_id = std::move(made.id);
        device.proofs.token_secret = made.secret_hash;
        device.token = std::move(made.text);
    }
    members.expect_no_more();
}

class Devices {
public:
    explicit Devices(Registry& registry) : registry_{&registry} {}

    [[nodiscard]] http::Response list(const Call& call) const {
        const auto limit = api::query_number(call, "limit", kPageDefault, 1, kPageMax);
        const auto things = registry_->list_things(
            {.after = call.query("after").value_or(""), .limit = static_cast<std::size_t>(limit)}
        );
        json::array rows;
        for (const auto& thing : things) {
            rows.push_back(api::summary(thing));
        }
        json::value next;
        if (things.size() == limit) {
            next = things.back().id.name;
        }
        return api::reply({{"devices", std::move(rows)}, {"next", std::move(next)}});
    }

    [[nodiscard]] http::Response show(const Call& call) const {
        return api::reply(api::details(*registry_, call.path.at(0)));
    }

    /// The device with its credentials, or nothing of it.
    [[nodiscard]] http::Response create(const Call& call) const {
        Members members{call};
        Newcomer device{.thing = api::take_thing(members)};
        const auto certificate = members.take_text("certificate");
        const auto password = members.take_text("password");
        members.expect_no_more();
        if (certificate) {
            device.proofs.certificate = api::certificate_of(*certificate);
        }
        if (password) {
            device.proofs.password_hash = api::hash_of(*password);
        }
        const auto& name = device.thing.id.name;
        if (const auto result = begin_create(device).get(); !result) {
            throw ApiError{
                status_of(result.error()),
                code_of(result.error()),
                fmt::format("device '{}': {}", name, why_not(device, result.error()))
            };
        }
        return api::reply(api::details(*registry_, name), 201);
    }

    /// Many devices, each with its credentials, or nothing of it. They are stored together; one does not wait for the other.
    [[nodiscard]] http::Response create_many(const Call& call) const {
        Members members{call};
        auto rows = members.take_objects("devices");
        members.expect_no_more();
        if (rows.size() > kManyMax) {
            throw ApiError{
                422, "too_many", fmt::format("there are {} devices, {} at most", rows.size(), kManyMax)
            };
        }
        std::vector<Newcomer> newcomers(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            try {
                read(Members{std::move(rows[i])}, newcomers[i]);
                newcomers[i].outcome = begin_create(newcomers[i]);
            } catch (const ApiError& error) {
                newcomers[i].error = error.what();
            }
        }
        std::vector<Newcomer*> busy;  // Another of them has the same name or credential.
        for (auto& device : newcomers) {
            if (device.outcome.valid() && !settle(device)) {
                busy.push_back(&device);
            }
        }
        for (auto* const device : busy) {
            device->outcome = begin_create(*device);
            if (!settle(*device)) {
                device->error = make_error_code(identity::errc::busy).message();
            }
        }
        json::array outcomes;
        for (const auto& device : newcomers) {
            const bool is_there = device.error.empty();
            outcomes.push_back(
                {{"name", device.thing.id.name},
                 {"error", api::text_or_null(device.error)},
                 {"token", is_there ? api::text_or_null(device.token) : json::value(nullptr)}}
            );
        }
        return api::reply({{"devices", std::move(outcomes)}});
    }

    [[nodiscard]] http::Response remove(const Call& call) const {
        change(call, [&](const ThingId& id, identity::Done done) {
            registry_->remove(id, std::move(done));
        });
        return {.status = 204};
    }

    [[nodiscard]] http::Response set_enabled(const Call& call, bool enabled) const {
        change(call, [&](const ThingId& id, identity::Done done) {
            registry_->set_enabled(id, enabled, std::move(done));
        });
        return show(call);
    }

    [[nodiscard]] http::Response attach(const Call& call) const {
        const auto policy = only_text(call, "policy");
        change(call, [&](const ThingId& id, identity::Done done) {
            registry_->attach_policy(id, policy, std::move(done));
        });
        return show(call);
    }

    [[nodiscard]] http::Response detach(const Call& call) const {
        const auto policy = only_text(call, "policy");
        const auto id = id_of(call);
        const auto result = finish([&](identity::Done done) {
            registry_->detach_policy(id, policy, std::move(done));
        });
        if (!result && result.error() == identity::errc::not_attached) {
            throw ApiError{
                404,
                code_of(result.error()),
                fmt::format("policy '{}' is not attached to device '{}'", policy, id.name)
            };
        }
        expect(result, fmt::format("device '{}'", id.name));
        return show(call);
    }

    [[nodiscard]] http::Response certificate(const Call& call) const {
        add_certificate(id_of(call), api::certificate_of(only_text(call, "certificate")));
        return show(call);
    }

    [[nodiscard]] http::Response remove_certificate(const Call& call) const {
        const auto id = id_of(call);
        const auto meant = api::certificate_with(*registry_, id, call.path.at(1));
        expect(
            finish([&](identity::Done done) {
                registry_->remove_certificate(id, meant, std::move(done));
            }),
            fmt::format("certificate of '{}'", id.name)
        );
        return show(call);
    }

    [[nodiscard]] http::Response password(const Call& call) const {
        Members members{call};
        const auto user = members.take_text("user").value_or(call.path.at(0));
        const auto password = members.need_text("password");
        members.expect_no_more();
        set_password(id_of(call), user, api::hash_of(password));
        return show(call);
    }

    [[nodiscard]] http::Response remove_user(const Call& call) const {
        expect(
            finish([&](identity::Done done) {
                registry_->remove_user(id_of(call), call.path.at(1), std::move(done));
            }),
            fmt::format("user '{}' of '{}'", call.path.at(1), call.path.at(0))
        );
        return show(call);
    }

    [[nodiscard]] http::Response remove_token(const Call& call) const {
        expect(
            finish([&](identity::Done done) {
                registry_->remove_token(id_of(call), call.path.at(1), std::move(done));
            }),
            fmt::format("token '{}' of '{}'", call.path.at(1), call.path.at(0))
        );
        return show(call);
    }

    [[nodiscard]] http::Response remove_tokens(const Call& call) const {
        expect(
            finish([&](identity::Done done) {
                registry_->remove_tokens(id_of(call), std::move(done));
            }),
            fmt::format("tokens of '{}'", call.path.at(0))
        );
        return show(call);
    }

    [[nodiscard]] http::Response token(const Call& call) const {
        Members members{call};
        const auto valid_s = members.take_number("valid_s", 0);
        members.expect_no_more();
        if (valid_s > static_cast<std::uint64_t>(kTokenValidMax.count())) {
            throw ApiError{
                422, "invalid", fmt::format("a token is valid for {} days at most", kTokenValidMax / kDay)
            };
        }
        const WallTime not_after =
            valid_s == 0 ? WallTime{0} : registry_->clock().wall() + std::chrono::seconds{valid_s};
        const auto made = identity::make_token();
        change(call, [&](const ThingId& id, identity::Done done) {
            registry_->add_token(id, made.id, made.secret_hash, not_after, std::move(done));
        });
        return api::reply(
            {{"id", made.id}, {"token", made.text}, {"not_after", api::time_value(not_after)}}, 201
        );
    }

private:
    [[nodiscard]] std::future<Result<void>> begin_create(const Newcomer& device) const {
        return begin([&](identity::Done done) {
            registry_->create(device.thing, device.proofs, std::move(done));
        });
    }

    /// Waits for what was begun. @return False: to be begun again, now that others of them are over.
    [[nodiscard]] bool settle(Newcomer& device) const {
        const auto result = device.outcome.get();
        if (result) {
            return true;
        }
        if (result.error() == identity::errc::busy) {
            return false;
        }
        device.error = why_not(device, result.error());
        return true;
    }

    /// Why it was not created.
    [[nodiscard]] std::string why_not(const Newcomer& device, const error_code& error) const {
        if (error != identity::errc::already_exists) {
            return error.message();
        }
        return registry_->find_thing(device.thing.id)
                   ? "there is a device of that name"
                   : "another device has its certificate, or a user of its name";
    }

    static ThingId id_of(const Call& call) { return {.name = call.path.at(0)}; }

    static std::string only_text(const Call& call, std::string_view name) {
        Members members{call};
        auto text = members.need_text(name);
        members.expect_no_more();
        return text;
    }

    template <class Start>
    static void change(const Call& call, const Start& start) {
        const auto id = id_of(call);
        expect(
            finish([&](identity::Done done) { start(id, std::move(done)); }),
            fmt::format("device '{}'", id.name)
        );
    }

    void add_certificate(const ThingId& id, const identity::KnownCertificate& known) const {
        expect(
            finish([&](identity::Done done) {
                registry_->add_certificate(id, known, std::move(done));
            }),
            fmt::format("certificate of '{}'", id.name)
        );
    }

    void set_password(const ThingId& id, const std::string& user, const std::string& hash) const {
        expect(
            finish([&](identity::Done done) {
                registry_->set_password(id, user, hash, std::move(done));
            }),
            fmt::format("user '{}'", user)
        );
    }

    Registry* registry_;
};

}  // namespace

void add_device_routes(admin::Routes& routes, Registry& registry) {
    const Devices devices{registry};
    const auto add = [&](std::string_view method, std::string_view pattern, auto member) {
        routes.add(method, pattern, [devices, member](const Call& call) {
            return (devices.*member)(call);
        });
    };
    add("GET", "/v1/devices", &Devices::list);
    add("POST", "/v1/devices", &Devices::create);
    add("POST", "/v1/devices/many", &Devices::create_many);
    add("GET", "/v1/devices/{name}", &Devices::show);
    add("DELETE", "/v1/devices/{name}", &Devices::remove);
    add("POST", "/v1/devices/{name}/attach", &Devices::attach);
    add("POST", "/v1/devices/{name}/detach", &Devices::detach);
    add("POST", "/v1/devices/{name}/certificate", &Devices::certificate);
    add("DELETE", "/v1/devices/{name}/certificate/{sha256}", &Devices::remove_certificate);
    add("POST", "/v1/devices/{name}/password", &Devices::password);
    add("DELETE", "/v1/devices/{name}/password/{user}", &Devices::remove_user);
    add("POST", "/v1/devices/{name}/token", &Devices::token);
    add("DELETE", "/v1/devices/{name}/token", &Devices::remove_tokens);
    add("DELETE", "/v1/devices/{name}/token/{id}", &Devices::remove_token);
    for (const bool enabled : {true, false}) {
        routes.add(
            "POST",
            enabled ? "/v1/devices/{name}/enable" : "/v1/devices/{name}/disable",
            [devices, enabled](const Call& call) { return devices.set_enabled(call, enabled); }
        );
    }
}

}  // namespace weir::app
