// The routes of devices and policies, over a store in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include <weir/app/admin_api.hpp>
#include <weir/base/text.hpp>
#include <weir/identity/device_ca.hpp>
#include <weir/identity/password.hpp>
#include <weir/identity/x509.hpp>
#include <weir/storage/store.hpp>

namespace weir::app {
namespace {

using testing::HasSubstr;
namespace json = boost::json;

constexpr auto* kFingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

std::shared_ptr<const Configuration> sample_configuration() {
    MemoryFiles files;
    files.files = {
        {"/etc/weir/weir.yaml", "listeners:\n  - {name: local, port: 1883, protocols: [mqtt]}\n"},
        {"/etc/weir/policies.d/sensor.yaml",
         "policy: sensor\nallow:\n  - connect: \"{thing}\"\n  - publish: [\"data/{thing}/#\"]\n"},
        {"/etc/weir/policies.d/meter.yaml",
         "policy: meter\nmatch: {thing_type: meter}\nallow:\n  - publish: [\"use/{thing}\"]\n"},
    };
    document::Diagnostics diagnostics;
    auto loaded =
        std::make_shared<Configuration>(load_configuration("/etc/weir", files, diagnostics));
    EXPECT_EQ(diagnostics.render_text(), "");
    return loaded;
}

class DeviceApi : public testing::Test {
protected:
    DeviceApi() {
        EXPECT_TRUE(registry_.load());
        add_device_routes(routes_, registry_);
        add_policy_routes(routes_, registry_, [] {
            static const auto kConfiguration = sample_configuration();
            return kConfiguration;
        });
    }

    http::Response ask(std::string method, std::string target, std::string body = {}) {
        return admin::dispatch(
            routes_,
            {.method = std::move(method), .target = std::move(target), .body = std::move(body)}
        );
    }
    json::value good(std::string method, std::string target, std::string body = {}) {
        const auto response = ask(std::move(method), std::move(target), std::move(body));
        EXPECT_LT(response.status, 300) << response.body;
        return json::parse(response.body);
    }
    std::string refused(
        std::uint16_t status, std::string method, std::string target, std::string body = {}
    ) {
        const auto response = ask(std::move(method), std::move(target), std::move(body));
        EXPECT_EQ(response.status, status) << response.body;
        EXPECT_EQ(response.content_type, "application/problem+json");
        return response.body;
    }

    SystemClock clock_;
    std::unique_ptr<storage::Store> store_ = storage::Store::in_memory();
    identity::Registry registry_{*store_, clock_};
    admin::Routes routes_;
};

TEST_F(DeviceApi, CreatesADeviceWithItsCredentialsInOneRequest) {
    const auto made = good(
        "POST",
        "/v1/devices",
        std::string{R"({"name":"p1","type":"probe","groups":["g"],"policies":["sensor"],)"
                    R"("attributes":{"site":"north"},"password":"correct horse","certificate":")"} +
            kFingerprint + "\"}"
    );
    EXPECT_EQ(made.at("name"), "p1");
    EXPECT_EQ(made.at("enabled"), true);
    EXPECT_EQ(made.at("policies"), json::array{"sensor"});
    EXPECT_EQ(made.at("attributes").at("site"), "north");
    EXPECT_EQ(made.at("certificates").at(0).at("sha256"), kFingerprint);
    EXPECT_TRUE(made.at("certificates").at(0).at("subject").is_null()) << "only the digest is known";
    EXPECT_EQ(made.at("users"), json::array{"p1"});
    EXPECT_EQ(good("GET", "/v1/devices/p1"), made);
}

TEST_F(DeviceApi, LeavesNothingBehind_WhenACredentialIsSomebodyElses) {
    const auto with_certificate = [](std::string_view name) {
        return R"({"name":")" + std::string{name} + R"(","certificate":")" + kFingerprint + "\"}";
    };
    static_cast<void>(good("POST", "/v1/devices", with_certificate("p1")));
    const auto why = refused(409, "POST", "/v1/devices", with_certificate("p2"));
    EXPECT_THAT(why, HasSubstr("already_exists"));
    EXPECT_THAT(why, HasSubstr("device 'p2': another device has its certificate"));
    refused(404, "GET", "/v1/devices/p2");
}

TEST_F(DeviceApi, RefusesWhatIsNoDevice) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1"})"));
    struct Case {
        std::uint16_t status;
        std::string body;
        std::string part;
    };
    for (const auto& [status, body, part] : {
             Case{400, "", "'name' is missing"},
             Case{400, "[]", "not a JSON object"},
             Case{400, "{", "not JSON"},
             Case{400, R"({"name":1})", "'name' is not a text"},
             Case{400, R"({"name":"p2","polices":[]})", "'polices' is not known here"},
             Case{400, R"({"name":"p2","policies":"a"})", "'policies' is not a list"},
             Case{400, R"({"name":"p2","certificate":"00"})", "SHA-256"},
             Case{409, R"({"name":"p1"})", "device 'p1': there is a device of that name"},
             Case{422, R"({"name":"a/b"})", "invalid"},
             Case{422, R"({"name":"p2","password":"short"})", "from 8 to"},
         }) {
        EXPECT_THAT(refused(status, "POST", "/v1/devices", body), HasSubstr(part)) << body;
    }
    EXPECT_EQ(registry_.size(), 1U);
}

TEST_F(DeviceApi, PagesByName) {
    for (const auto* name : {"c", "a", "b"}) {
        static_cast<void>(good("POST", "/v1/devices", std::string{R"({"name":")"} + name + "\"}"));
    }
    const auto first = good("GET", "/v1/devices?limit=2");
    EXPECT_EQ(first.at("devices").as_array().size(), 2U);
    EXPECT_EQ(first.at("next"), "b");
    const auto second = good("GET", "/v1/devices?limit=2&after=b");
    EXPECT_EQ(second.at("devices").at(0).at("name"), "c");
    EXPECT_TRUE(second.at("next").is_null());
    refused(400, "GET", "/v1/devices?limit=0");
    refused(400, "GET", "/v1/devices?limit=1001");
}

TEST_F(DeviceApi, ChangesADevice) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1"})"));
    EXPECT_EQ(good("POST", "/v1/devices/p1/disable").at("enabled"), false);
    EXPECT_EQ(good("POST", "/v1/devices/p1/enable").at("enabled"), true);
    EXPECT_EQ(
        good("POST", "/v1/devices/p1/attach", R"({"policy":"sensor"})").at("policies"),
        json::array{"sensor"}
    );
    EXPECT_EQ(
        good("POST", "/v1/devices/p1/detach", R"({"policy":"sensor"})").at("policies"),
        json::array{}
    );
    EXPECT_EQ(
        good("POST", "/v1/devices/p1/password", R"({"user":"u","password":"correct horse"})")
            .at("users"),
        json::array{"u"}
    );
    const auto token = good("POST", "/v1/devices/p1/token");
    EXPECT_EQ(good("GET", "/v1/devices/p1").at("tokens").at(0).at("id"), token.at("id"));
    EXPECT_THAT(
        refused(404, "POST", "/v1/devices/p1/detach", R"({"policy":"sensor"})"),
        HasSubstr("policy 'sensor' is not attached to device 'p1'")
    );
    EXPECT_EQ(ask("DELETE", "/v1/devices/p1").status, 204);
    refused(404, "DELETE", "/v1/devices/p1");
    refused(404, "POST", "/v1/devices/p1/enable");
}

TEST_F(DeviceApi, TellsOfCertificatesAndRemovesThem) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1"})"));
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p2"})"));
    const auto ca = *identity::DeviceCa::create("test CA", clock_.wall());
    const auto issued = *ca.issue_device("p1", {.now = clock_.wall()});
    const auto facts = *identity::parse_certificate_pem(issued.certificate);
    const auto add = [](std::string_view certificate) {
        return json::serialize(json::object{{"certificate", certificate}});
    };
    const auto sha256 = to_hex(facts.sha256);
    const auto known = good("POST", "/v1/devices/p1/certificate", add(issued.certificate));
    EXPECT_EQ(known.at("certificates").at(0).at("sha256"), json::value(sha256));
    EXPECT_EQ(known.at("certificates").at(0).at("subject"), "CN=p1");
    EXPECT_EQ(
        known.at("certificates").at(0).at("not_after"),
        json::value(format_time(facts.not_after.count()))
    );
    static_cast<void>(good("POST", "/v1/devices/p1/certificate", add(kFingerprint)));

    EXPECT_THAT(
        refused(422, "POST", "/v1/devices/p1/certificate", add(ca.certificate_pem())),
        HasSubstr("CA's certificate")
    );
    refused(422, "POST", "/v1/devices/p1/certificate", add("-----BEGIN CERTIFICATE-----\nx"));
    refused(400, "DELETE", "/v1/devices/p1/certificate/0011223");
    refused(404, "DELETE", "/v1/devices/p1/certificate/ffffffff");
    refused(404, "DELETE", "/v1/devices/p2/certificate/00112233");
    EXPECT_EQ(
        good("DELETE", "/v1/devices/p1/certificate/00112233").at("certificates").as_array().size(),
        1U
    );
    EXPECT_EQ(
        good("DELETE", "/v1/devices/p1/certificate/" + sha256).at("certificates"), json::array{}
    );
    EXPECT_FALSE(registry_.find_certificate(facts.sha256));
}

TEST_F(DeviceApi, RemovesNothing_WhereABeginningIsThatOfSeveralCertificates) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1"})"));
    for (const char last : {'1', '2'}) {
        const auto body = R"({"certificate":")" + std::string(63, 'a') + last + "\"}";
        static_cast<void>(good("POST", "/v1/devices/p1/certificate", body));
    }
    EXPECT_THAT(refused(409, "DELETE", "/v1/devices/p1/certificate/aaaaaaaa"), HasSubstr("2 certif"));
    EXPECT_EQ(good("GET", "/v1/devices/p1").at("certificates").as_array().size(), 2U);
}

TEST_F(DeviceApi, RemovesTokensAndUsers) {
    static_cast<void>(
        good("POST", "/v1/devices", R"({"name":"p1","password":"correct horse"})")
    );
    const auto id_of = [](const json::value& made) {
        return std::string{made.at("id").as_string()};
    };
    const auto first = id_of(good("POST", "/v1/devices/p1/token"));
    static_cast<void>(good("POST", "/v1/devices/p1/token"));
    static_cast<void>(good("POST", "/v1/devices/p1/token"));
    EXPECT_EQ(good("DELETE", "/v1/devices/p1/token/" + first).at("tokens").as_array().size(), 2U);
    refused(404, "DELETE", "/v1/devices/p1/token/" + first);
    EXPECT_EQ(good("DELETE", "/v1/devices/p1/token").at("tokens"), json::array{});
    EXPECT_EQ(good("DELETE", "/v1/devices/p1/password/p1").at("users"), json::array{});
    EXPECT_THAT(refused(404, "DELETE", "/v1/devices/p1/password/p1"), HasSubstr("user 'p1'"));
}

TEST_F(DeviceApi, CreatesManyDevices_EachWithItsCredentialsOrNotAtAll) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"old"})"));
    const auto hash = *identity::hash_password(as_bytes("correct horse"), {.passes = 1, .memory_bytes = 8'192});
    const auto request =
        R"({"devices":[{"name":"p1","policies":["sensor"],"attributes":{"site":"north"},"password_hash":")" + hash +
        R"("},{"name":"p2","certificate":")" + kFingerprint + R"(","token":"generate"},{"name":"p3","certificate":")" +
        kFingerprint +
        R"(","token":"generate"},{"name":"p2"},{"name":"old"},{"name":"p/4"},{"name":"p5","password_hash":"secret"},)"
        R"({"name":"p6","colour":"red"}]})";
    const auto answer = good("POST", "/v1/devices/many", request);
    const auto& devices = answer.at("devices").as_array();
    ASSERT_EQ(devices.size(), 8U);
    EXPECT_EQ(devices[0], json::parse(R"({"name":"p1","error":null,"token":null})"));
    EXPECT_TRUE(devices[1].at("error").is_null());
    EXPECT_EQ(devices[1].at("token").as_string().find("weir_"), 0U);
    EXPECT_EQ(devices[2].at("error"), "another device has its certificate, or a user of its name");
    EXPECT_TRUE(devices[2].at("token").is_null());
    EXPECT_EQ(devices[3].at("error"), "there is a device of that name");
    EXPECT_EQ(devices[4].at("error"), "there is a device of that name");
    EXPECT_THAT(std::string{devices[5].at("error").as_string()}, HasSubstr("names have 1 to 128"));
    EXPECT_THAT(std::string{devices[6].at("error").as_string()}, HasSubstr("argon2id"));
    EXPECT_THAT(std::string{devices[7].at("error").as_string()}, HasSubstr("'colour' is not known"));
    const auto listed = good("GET", "/v1/devices").at("devices");
    ASSERT_EQ(listed.as_array().size(), 3U) << "old, p1, p2: of the others, nothing";
    const auto first = good("GET", "/v1/devices/p1");
    EXPECT_EQ(first.at("users"), json::array{"p1"});
    EXPECT_EQ(first.at("policies"), json::array{"sensor"});
    EXPECT_EQ(good("GET", "/v1/devices/p2").at("tokens").as_array().size(), 1U);
    EXPECT_EQ(good("POST", "/v1/devices/many", R"({"devices":[]})").at("devices"), json::array{});
    refused(400, "POST", "/v1/devices/many", R"({"devices":["p9"]})");
}

TEST_F(DeviceApi, MakesTokensThatEnd) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1"})"));
    EXPECT_TRUE(good("POST", "/v1/devices/p1/token").at("not_after").is_null());
    const auto before = clock_.wall();
    const auto made = good("POST", "/v1/devices/p1/token", R"({"valid_s":3600})");
    const auto after = clock_.wall();
    const std::string end{made.at("not_after").as_string()};
    EXPECT_GE(end, format_time((before + std::chrono::hours{1}).count()));
    EXPECT_LE(end, format_time((after + std::chrono::hours{1}).count()));
    std::size_t ending = 0;
    const auto device = good("GET", "/v1/devices/p1");
    for (const auto& token : device.at("tokens").as_array()) {
        ending += token.at("not_after") == made.at("not_after") ? 1 : 0;
    }
    EXPECT_EQ(ending, 1U);
    for (const char* long_ones : {R"({"valid_s":315360001})", R"({"valid_s":18446744073709551615})"}) {
        EXPECT_THAT(
            refused(422, "POST", "/v1/devices/p1/token", long_ones), HasSubstr("3650 days at most")
        );
    }
    refused(400, "POST", "/v1/devices/p1/token", R"({"valid_s":-1})");
}

TEST_F(DeviceApi, ShowsWhatAPolicySays_AndWhoHasIt) {
    for (const char* body :
         {R"({"name":"p1","policies":["sensor"]})", R"({"name":"p2","groups":["g"]})",
          R"({"name":"p3","policies":["gone"]})", R"({"name":"m1","type":"meter"})"}) {
        static_cast<void>(good("POST", "/v1/devices", body));
    }
    registry_.set_group_policies("default", "g", {"sensor"}, [](const Result<void>& done) {
        EXPECT_TRUE(done);
    });
    store_->drain();
    const auto sensor = good("GET", "/v1/policies/sensor");
    EXPECT_EQ(sensor.at("source"), "policies.d/sensor.yaml:1");
    EXPECT_TRUE(sensor.at("match").is_null());
    EXPECT_EQ(
        sensor.at("lines").at(1),
        json::parse(
            R"x({"effect":"allow","right":"publish","pattern":"data/{thing}/#","source":"policies.d/sensor.yaml:4","retain":"never"})x"
        )
    );
    EXPECT_EQ(sensor.at("on_violation"), "nack");
    EXPECT_EQ(sensor.at("devices"), 2);
    EXPECT_EQ(
        sensor.at("held_by"),
        json::parse(R"([{"name":"p1","by":"attachment"},{"name":"p2","by":"group g"}])")
    );
    const auto page = good("GET", "/v1/policies/sensor?limit=1");
    EXPECT_EQ(page.at("next"), "p1");
    const auto last = good("GET", "/v1/policies/sensor?limit=1&after=p1");
    EXPECT_EQ(last.at("held_by").at(0).at("name"), "p2");
    EXPECT_TRUE(last.at("next").is_null());
    EXPECT_EQ(last.at("devices"), 2) << "of all pages";
    const auto meter = good("GET", "/v1/policies/meter");
    EXPECT_EQ(meter.at("match").at("thing_type"), json::array{"meter"});
    EXPECT_EQ(meter.at("held_by"), json::parse(R"([{"name":"m1","by":"match"}])"));
    const auto gone = good("GET", "/v1/policies/gone");
    EXPECT_TRUE(gone.at("source").is_null());
    EXPECT_EQ(gone.at("devices"), 1);
    EXPECT_THAT(refused(404, "GET", "/v1/policies/nosuch"), HasSubstr("no policy 'nosuch'"));
    const auto all = good("GET", "/v1/policies").at("policies");
    EXPECT_EQ(all.at(0).at("devices"), 1);
    EXPECT_EQ(all.at(1).at("devices"), 2);
}

TEST_F(DeviceApi, TellsThatADisabledDeviceMayNothing) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1","policies":["sensor"]})"));
    static_cast<void>(good("POST", "/v1/devices/p1/disable"));
    for (const auto* request : {"connect", "publish&object=data/p1/t"}) {
        const auto answer = good("GET", std::string{"/v1/can-i?device=p1&action="} + request);
        EXPECT_EQ(answer.at("allowed"), false) << request;
        EXPECT_EQ(answer.at("reason"), "device_disabled") << request;
        EXPECT_THAT(
            std::string{answer.at("explanation").as_string()},
            HasSubstr("device_disabled: the device is disabled")
        );
    }
}

TEST_F(DeviceApi, TellsWhatADeviceMay) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"p1","policies":["sensor"]})"));
    const auto yes = good("GET", "/v1/can-i?device=p1&action=publish&object=data/p1/t");
    EXPECT_EQ(yes.at("allowed"), true);
    EXPECT_EQ(yes.at("source"), "policies.d/sensor.yaml:4");
    const auto no = good("GET", "/v1/can-i?device=p1&action=publish&object=data/p2/t");
    EXPECT_EQ(no.at("allowed"), false);
    EXPECT_EQ(no.at("reason"), "publish_denied");
    EXPECT_THAT(std::string{no.at("explanation").as_string()}, HasSubstr("closest"));
    EXPECT_EQ(good("GET", "/v1/can-i?device=p1&action=connect").at("allowed"), true);
    EXPECT_THAT(
        refused(400, "GET", "/v1/can-i?device=p1&action=publish&object=data/p1/%23"),
        HasSubstr("'data/p1/#' is no topic")
    );
    refused(400, "GET", "/v1/can-i?device=p1&action=receive&object=data/%2B");
    EXPECT_THAT(
        refused(400, "GET", "/v1/can-i?device=p1&action=subscribe&object=a%23"),
        HasSubstr("'a#' is no filter")
    );
    refused(404, "GET", "/v1/can-i?device=p2&action=connect");
    refused(400, "GET", "/v1/can-i?device=p1&action=fly&object=a");
    EXPECT_THAT(
        refused(400, "GET", "/v1/can-i?device=p1&action=publish"), HasSubstr("'object' is missing")
    );
}

TEST_F(DeviceApi, ListsPolicies) {
    static_cast<void>(
        good("POST", "/v1/devices", R"({"name":"lost","policies":["sensor","gone"]})")
    );
    EXPECT_EQ(
        good("GET", "/v1/policies").at("attached"),
        json::parse(R"([{"name":"gone","devices":1},{"name":"sensor","devices":1}])")
    ) << "also what no file defines";
    const auto policies = good("GET", "/v1/policies").at("policies");
    ASSERT_EQ(policies.as_array().size(), 2U);
    EXPECT_EQ(policies.at(0).at("name"), "meter");
    EXPECT_EQ(policies.at(0).at("applies"), "match");
    EXPECT_EQ(policies.at(1).at("name"), "sensor");
    EXPECT_EQ(policies.at(1).at("applies"), "attachment");
}

TEST_F(DeviceApi, TellsWhatADeviceMayByAPolicyThatItMatches) {
    static_cast<void>(good("POST", "/v1/devices", R"({"name":"m1","type":"meter"})"));
    const auto yes = good("GET", "/v1/can-i?device=m1&action=publish&object=use/m1");
    EXPECT_EQ(yes.at("allowed"), true);
    EXPECT_EQ(yes.at("source"), "policies.d/meter.yaml:4");
}

}  // namespace
}  // namespace weir::app
