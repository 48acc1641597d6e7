// The commands that need no gateway, run as an operator runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "cli_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using weir::test::Cli;
using weir::test::content;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(Cli, InitWritesAConfigurationThatIsValid) {
    const auto made = weir("init my-gw --name gw.example");
    ASSERT_EQ(made.exit_code, 0) << made.error;
    EXPECT_THAT(made.out, HasSubstr("weir check my-gw"));
    const auto checked = weir("check my-gw --strict");
    EXPECT_EQ(checked.exit_code, 0) << checked.error;
    EXPECT_EQ(checked.error, "");
    EXPECT_EQ(
        checked.out,
        "checked 1 listener, 1 policy, 1 rule, 0 sinks, 2 streams: 0 errors, 0 warnings\n"
    );
    const auto key = fs::status(folder_ / "my-gw/certs/weir.key").permissions();
    EXPECT_EQ(key & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
    const auto facts = weir("cert inspect my-gw/certs/weir.crt -o json");
    EXPECT_EQ(facts.exit_code, 0);
    EXPECT_THAT(facts.out, HasSubstr("gw.example"));
    EXPECT_THAT(facts.out, HasSubstr("127.0.0.1"));
}

TEST_F(Cli, InitNeverTouchesAFolderWithFiles) {
    fs::create_directory(folder_ / "mine");
    write("mine/weir.yaml", "precious\n");
    const auto made = weir("init mine");
    EXPECT_EQ(made.exit_code, 1);
    EXPECT_THAT(made.error, HasSubstr("'mine' is not empty"));
    EXPECT_EQ(content(folder_ / "mine/weir.yaml"), "precious\n");
}

TEST_F(Cli, InitLeavesNothing_WhenItFails) {
    const auto failed = weir("init my-gw --name not/a/name");
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.error, HasSubstr("cannot issue a certificate for not/a/name"));
    EXPECT_FALSE(fs::exists(folder_ / "my-gw"));
    EXPECT_EQ(weir("init my-gw").exit_code, 0);
}

TEST_F(Cli, CheckReportsEveryErrorAndEndsWith78) {
    write("weir.yaml", "listeners:\n  - {name: a, prt: 1}\nstorag: {}\n");
    const auto checked = weir("check weir.yaml");
    EXPECT_EQ(checked.exit_code, 78);
    EXPECT_THAT(
        checked.error, HasSubstr("error[WEIR-0102]: unknown key 'prt'\n  --> weir.yaml:2:15\n")
    );
    EXPECT_THAT(checked.error, HasSubstr("did you mean 'storage'?"));
    EXPECT_THAT(checked.out, HasSubstr("3 errors, 0 warnings"));
    const auto json = weir("check . -o json");
    EXPECT_EQ(json.exit_code, 78);
    EXPECT_THAT(json.out, StartsWith(R"({"errors":3,"warnings":0,"diagnostics":[)"));
    EXPECT_EQ(json.error, "");
}

TEST_F(Cli, CheckNamesTheMissingFile) {
    const auto checked = weir("check nowhere");
    EXPECT_EQ(checked.exit_code, 78);
    EXPECT_THAT(checked.error, HasSubstr("'nowhere/weir.yaml' cannot be read"));
    EXPECT_THAT(checked.error, HasSubstr("weir init"));
}

TEST_F(Cli, CheckAndServeTellTheSameAboutFilesThatTheConfigurationNames) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    fs::remove(folder_ / "my-gw/certs/weir.crt");
    const auto checked = weir("check my-gw");
    EXPECT_EQ(checked.exit_code, 78);
    EXPECT_THAT(checked.error, HasSubstr("the certificate of listener "));
    EXPECT_THAT(checked.error, HasSubstr("--> weir.yaml:"));
    EXPECT_THAT(checked.out, HasSubstr("1 error, "));
    const auto served = weir("serve -c my-gw");
    EXPECT_EQ(served.exit_code, 78);
    EXPECT_EQ(served.error, checked.error);
    EXPECT_FALSE(fs::exists(folder_ / "my-gw/data")) << "nothing was begun";
}

TEST_F(Cli, CheckWarnsThatThereIsNoPolicy) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    fs::remove_all(folder_ / "my-gw/policies.d");
    fs::create_directory(folder_ / "my-gw/policies.d");
    const auto checked = weir("check my-gw");
    EXPECT_EQ(checked.exit_code, 0);
    EXPECT_THAT(checked.error, HasSubstr("there is no policy: no device can connect"));
    EXPECT_EQ(weir("check my-gw --strict").exit_code, 78);
}

TEST_F(Cli, CertIssuesForDevicesAndServers) {
    ASSERT_EQ(weir("cert ca --out ca --name 'plant 7'").exit_code, 0);
    const auto device = weir("cert issue --ca ca --name probe-1 --out probe --days 30");
    ASSERT_EQ(device.exit_code, 0) << device.error;
    EXPECT_THAT(weir("cert inspect probe/device.crt").out, HasSubstr("plant 7"));
    const std::string issue =
        "cert issue --ca ca --server --name weir --dns gw.example --ip 10.0.0.5";
    const auto server = weir(issue);
    ASSERT_EQ(server.exit_code, 0) << server.error;
    EXPECT_THAT(weir("cert inspect ca/weir.crt -o json").out, HasSubstr("10.0.0.5"));
    const auto before = content(folder_ / "ca/weir.crt");
    EXPECT_EQ(weir(issue).exit_code, 1) << "never overwrites unless told to";
    EXPECT_EQ(content(folder_ / "ca/weir.crt"), before);
    EXPECT_EQ(weir(issue + " --force").exit_code, 0);
    EXPECT_NE(content(folder_ / "ca/weir.crt"), before);
    EXPECT_EQ(weir("cert issue --ca ca").exit_code, 2);
    EXPECT_EQ(weir("cert issue --ca ca --name a --dns b").exit_code, 2) << "only for servers";
    EXPECT_EQ(weir("cert issue --ca ca --name ../evil").exit_code, 2);
    EXPECT_EQ(weir("cert issue --ca none --name a").exit_code, 1);
    write("text", "not a certificate");
    EXPECT_EQ(weir("cert inspect text").exit_code, 1);
}

TEST_F(Cli, ExplainKnowsKeysAndCodes) {
    const auto key = weir("explain listeners.tls.client_auth");
    EXPECT_EQ(key.exit_code, 0);
    EXPECT_THAT(key.out, HasSubstr("none | optional | required"));
    EXPECT_THAT(weir("explain WEIR-0401").out, HasSubstr("allow_plaintext"));
    EXPECT_THAT(weir("explain").out, HasSubstr("listeners"));
    EXPECT_THAT(weir("explain policies").out, HasSubstr("on_violation"));
    EXPECT_THAT(weir("explain publish_denied").out, HasSubstr("weir why"));
    EXPECT_THAT(weir("explain WEIR-0213").error, HasSubstr("weir explain --list"));
    EXPECT_THAT(
        weir("explain content_type").error, HasSubstr("weir explain rules.to.republish.content_type")
    );
    EXPECT_THAT(weir("explain --json-schema sink").out, StartsWith("{\"$schema\""));
    EXPECT_THAT(weir("explain --markdown").out, HasSubstr("| `storage.path` |"));
    const auto typo = weir("explain listeners.tsl");
    EXPECT_EQ(typo.exit_code, 1);
    EXPECT_THAT(typo.error, HasSubstr("weir explain listeners.tls"));
}

TEST_F(Cli, SuggestsTheNearestWord_OnWrongUsage) {
    const auto command = weir("chekc");
    EXPECT_EQ(command.exit_code, 2);
    EXPECT_THAT(command.error, HasSubstr("unknown command 'chekc', did you mean 'check'?"));
    EXPECT_THAT(weir("-c my-gw statsu").error, HasSubstr("did you mean 'status'?"));
    EXPECT_THAT(weir("cert isue").error, HasSubstr("did you mean 'issue'?"));
    EXPECT_THAT(weir("check --stict").error, HasSubstr("did you mean '--strict'?"));
    EXPECT_EQ(weir("check -o xml").exit_code, 2);
}

TEST_F(Cli, NamesTheWordsThatAnOptionTakes) {
    EXPECT_EQ(
        weir("sinks list --output yaml").error,
        "weir: --output: 'yaml' is none of table, json, csv\nnext: weir sinks list --help\n"
    );
    EXPECT_THAT(weir("check -o csv").error, HasSubstr("--output: 'csv' is none of table, json\n"));
    EXPECT_THAT(weir("serve --log xml").error, HasSubstr("--log: 'xml' is none of pretty, json\n"));
    EXPECT_THAT(
        weir("explain --json-schema rules").error,
        HasSubstr("'rules' is none of gateway, sink, file-sink, s3-sink, stream, policy, rule, price-list\n")
    );
    EXPECT_THAT(weir("bench pairs --qos 3").error, HasSubstr("--qos: '3' is none of 0, 1, 2\n"));
    EXPECT_EQ(weir("version --output JSON").exit_code, 0) << "in any case";
}

TEST_F(Cli, RefusesNumbersThatAreNone) {
    for (const std::string words :
         {"rules try r --stream s --last ", "sinks outbox pager --from ", "sinks retry pager --to ",
          "streams read raw --limit ", "backup b --keep "}) {
        for (const std::string number : {"-1", "99999999999999999999", "1.5", "1x"}) {
            const auto refused = weir(words + number);
            EXPECT_EQ(refused.exit_code, 2) << words << number;
            EXPECT_THAT(refused.error, HasSubstr("'" + number + "' is no whole number from 0 on\n"))
                << words << number;
        }
    }
}

TEST_F(Cli, ListsTheCommands_WhenNoneIsGiven) {
    const auto bare = weir("");
    EXPECT_EQ(bare.exit_code, 2);
    EXPECT_THAT(bare.error, HasSubstr("Validate a configuration"));
    EXPECT_THAT(weir("cert").error, HasSubstr("inspect"));
    const auto asked = weir("help");
    EXPECT_EQ(asked.exit_code, 0);
    EXPECT_EQ(asked.out, bare.error);
    EXPECT_EQ(weir("help cert issue").out, weir("cert issue --help").out);
    EXPECT_EQ(weir("--version").out, weir("version").out);
}

TEST_F(Cli, HelpHasExamplesAndExitCodes) {
    for (const auto* command :
         {"can-i",          "cert ca",        "cert issue",   "cert inspect",     "check",
          "devices attach", "devices certificate", "devices create", "devices import", "devices list",
          "devices password", "devices token", "explain", "sessions kick", "sessions list",
          "sessions show",
          "init",           "messages watch", "policies list",  "policies show",  "reload",  "retained clear", "retained list",       "rules list",       "serve",
          "sinks dead",     "sinks drop",     "sinks outbox",   "sinks retry",  "sinks test",        "status",       "streams read",     "streams tail",
          "usage",          "version",        "why"}) {
        const auto help = weir(std::string{command} + " --help");
        EXPECT_EQ(help.exit_code, 0) << command;
        EXPECT_THAT(help.out, HasSubstr("Examples:\n  weir ")) << command;
        EXPECT_THAT(help.out, HasSubstr("78 invalid configuration")) << command;
    }
    for (const auto* asked : {"help cert issue", "-c my-gw help cert issue", "--config=my-gw help cert issue"}) {
        const auto help = weir(asked);
        EXPECT_EQ(help.exit_code, 0) << asked;
        EXPECT_EQ(help.out, weir("cert issue --help").out) << asked;
    }
    const auto typo = weir("help chekc");
    EXPECT_EQ(typo.exit_code, 2);
    EXPECT_THAT(typo.error, HasSubstr("did you mean 'check'?"));
    EXPECT_THAT(weir("version").out, StartsWith("weir "));
    EXPECT_THAT(weir("version -o json").out, StartsWith("{\"version\": "));
}

TEST_F(Cli, EndsWith4_WhenNoGatewayRuns) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    for (const auto* command :
         {"status", "reload", "sessions list", "retained list", "messages watch", "why p1", "streams list", "sinks list", "usage", "rules stats"}) {
        const auto asked = weir(std::string{"-c my-gw "} + command);
        EXPECT_EQ(asked.exit_code, 4) << command;
        EXPECT_THAT(asked.error, HasSubstr("no gateway answers at my-gw/data/admin.sock"));
        EXPECT_THAT(asked.error, HasSubstr("weir serve --config my-gw"));
    }
    const auto verified = weir("-c my-gw verify");
    EXPECT_EQ(verified.exit_code, 4);
    EXPECT_THAT(verified.error, HasSubstr("next: weir verify --data my-gw/data\n"));
    EXPECT_EQ(weir("status -c nowhere").exit_code, 78);
}

TEST_F(Cli, ManagesDevicesWithoutAGateway) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto made = weir("-c my-gw devices create p1 --policy sensor --attribute site=north");
    ASSERT_EQ(made.exit_code, 0) << made.error;
    const auto key = fs::status(folder_ / "p1/device.key").permissions();
    EXPECT_EQ(key & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(content(folder_ / "p1/ca.crt"), content(folder_ / "my-gw/certs/ca.crt"));
    EXPECT_THAT(weir("cert inspect p1/device.crt").out, HasSubstr("p1"));
    EXPECT_THAT(weir("devices list -c my-gw").out, HasSubstr("sensor"));
    EXPECT_THAT(weir("devices show p1 -c my-gw -o json").out, HasSubstr(R"("site":"north")"));
    EXPECT_EQ(weir("can-i p1 publish data/p1/t -c my-gw").exit_code, 0);
    EXPECT_EQ(weir("can-i p1 publish data/p2/t -c my-gw").exit_code, 1);
    const auto sensor = weir("policies show sensor -c my-gw");
    EXPECT_EQ(sensor.exit_code, 0) << sensor.error;
    EXPECT_THAT(sensor.out, HasSubstr(R"(allow publish "data/{thing}/#")"));
    EXPECT_THAT(sensor.out, HasSubstr("  p1  attachment\n"));
    EXPECT_THAT(weir("policies show sensr -c my-gw").error, HasSubstr("there is no policy 'sensr'"));
    EXPECT_EQ(weir("devices detach p1 --policy sensor -c my-gw").exit_code, 0);
    EXPECT_THAT(weir("policies show sensor -c my-gw -o json").out, HasSubstr(R"("held_by":[])"));
    EXPECT_EQ(weir("devices delete p1 -c my-gw").exit_code, 0);
    EXPECT_EQ(weir("devices show p1 -c my-gw").exit_code, 1);
}

TEST_F(Cli, EndsWith78_WhenACommandWithoutAGatewayNeedsBrokenFiles) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    write("my-gw/policies.d/broken.yaml", "policy: broken\nalow: []\n");
    const auto paused = weir("-c my-gw rules disable hot");
    EXPECT_EQ(paused.exit_code, 78);
    EXPECT_THAT(paused.error, HasSubstr("did you mean 'allow'?"));
    EXPECT_THAT(paused.error, HasSubstr("weir: the configuration has errors\nnext: weir check"));
    EXPECT_EQ(weir("-c my-gw devices list").exit_code, 0) << "which needs none of them";
}

TEST_F(Cli, RenewsAndRevokesCredentialsWithoutAGateway) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    ASSERT_EQ(weir("-c my-gw devices create p1").exit_code, 0);
    EXPECT_EQ(weir("-c my-gw devices certificate p1").exit_code, 2);
    EXPECT_EQ(weir("-c my-gw devices certificate p1 --issue").exit_code, 2) << "where to?";
    EXPECT_EQ(weir("-c my-gw devices certificate p1 --issue --out p1").exit_code, 1);
    const auto renewed = weir("-c my-gw devices certificate p1 --issue --out new");
    ASSERT_EQ(renewed.exit_code, 0) << renewed.error;
    EXPECT_NE(content(folder_ / "new/device.key"), content(folder_ / "p1/device.key"));
    EXPECT_NE(content(folder_ / "new/device.crt"), content(folder_ / "p1/device.crt"));
    const auto shown = weir("-c my-gw devices show p1").out;
    EXPECT_THAT(shown, HasSubstr("CN=p1"));
    EXPECT_THAT(shown, HasSubstr("until 20"));
    for (const auto* file : {"p1", "new"}) {
        const auto facts = weir(std::string{"cert inspect "} + file + "/device.crt").out;
        const auto sha256 = facts.substr(facts.find("sha256") + 13, 64);
        EXPECT_THAT(shown, HasSubstr(sha256));
        const auto removed = weir("-c my-gw devices certificate p1 --remove " + sha256.substr(0, 8));
        EXPECT_EQ(removed.exit_code, 0) << removed.error;
        EXPECT_THAT(removed.out, Not(HasSubstr(sha256)));
        const bool last = std::string_view{file} == "new";
        EXPECT_EQ(removed.error.empty(), !last) << removed.error;
    }
    EXPECT_EQ(weir("-c my-gw devices certificate p9 --issue --out p9").exit_code, 1);
    EXPECT_FALSE(fs::exists(folder_ / "p9/device.key"));

    const auto token = weir("-c my-gw devices token p1").out;
    EXPECT_THAT(weir("-c my-gw devices show p1").out, Not(HasSubstr(token.substr(0, token.size() - 1))));
    EXPECT_EQ(weir("-c my-gw devices token p1 --remove none").exit_code, 1);
    EXPECT_EQ(weir("-c my-gw devices token p1 --remove all").exit_code, 0);
    EXPECT_THAT(
        weir("-c my-gw devices show p1 -o json").out, HasSubstr(R"("users":[],"tokens":[])")
    );
    write("secret", "correct horse\n");
    ASSERT_EQ(weir("-c my-gw devices password p1 --user u < secret").exit_code, 0);
    EXPECT_EQ(weir("-c my-gw devices password p1 --remove").exit_code, 1) << "there is no user p1";
    EXPECT_EQ(weir("-c my-gw devices password p1 --user u --remove").exit_code, 0);
}

TEST_F(Cli, RegistersCertificatesOfAnotherCa) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    fs::remove(folder_ / "my-gw/certs/ca.key");
    const auto refused = weir("-c my-gw devices create p1");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.error, HasSubstr("there is no my-gw/certs/ca.key"));
    EXPECT_THAT(refused.error, HasSubstr("weir devices create p1 --certificate FILE"));
    ASSERT_EQ(weir("cert ca --out own").exit_code, 0);
    ASSERT_EQ(weir("cert issue --ca own --name p1 --out one").exit_code, 0);
    ASSERT_EQ(weir("cert issue --ca own --name p1 --out two").exit_code, 0);
    const auto made = weir("-c my-gw devices create p1 --certificate one/device.crt");
    ASSERT_EQ(made.exit_code, 0) << made.error;
    EXPECT_THAT(made.out, HasSubstr("CN=p1"));
    EXPECT_FALSE(fs::exists(folder_ / "p1"));
    const auto added = weir("-c my-gw devices certificate p1 --add two/device.crt");
    EXPECT_EQ(added.exit_code, 0) << added.error;
    EXPECT_EQ(weir("-c my-gw devices certificate p1 --add two/device.crt").exit_code, 1);
    const auto authority = weir("-c my-gw devices certificate p1 --add own/ca.crt");
    EXPECT_EQ(authority.exit_code, 1);
    EXPECT_THAT(authority.error, HasSubstr("CA's certificate"));
}

TEST_F(Cli, WarnsOfPoliciesThatAreNotThere) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    const auto made = weir("-c my-gw devices create p1 --policy sensr");
    EXPECT_EQ(made.exit_code, 0);
    EXPECT_THAT(made.error, HasSubstr("there is no policy 'sensr'"));
    EXPECT_THAT(made.error, HasSubstr("did you mean 'sensor'?"));
    const auto attached = weir("-c my-gw devices attach p1 --policy wholly-else");
    EXPECT_EQ(attached.exit_code, 0);
    EXPECT_THAT(attached.error, HasSubstr("there is no policy 'wholly-else'"));
    EXPECT_EQ(weir("-c my-gw devices attach p1 --policy sensor").error, "");
    const auto detached = weir("-c my-gw devices detach p1 --policy never");
    EXPECT_EQ(detached.exit_code, 1);
    EXPECT_THAT(detached.error, HasSubstr("policy 'never' is not attached to device 'p1'"));
}

TEST_F(Cli, CanITellsOfDisabledAndUnknownDevices) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    ASSERT_EQ(weir("-c my-gw devices create p1 --policy sensor").exit_code, 0);
    EXPECT_EQ(weir("-c my-gw can-i p1 connect").exit_code, 0);
    ASSERT_EQ(weir("-c my-gw devices disable p1").exit_code, 0);
    const auto disabled = weir("-c my-gw can-i p1 connect");
    EXPECT_EQ(disabled.exit_code, 1);
    EXPECT_EQ(disabled.out, "DENY connect p1: device_disabled: the device is disabled\n");
    const auto incomplete = weir("-c my-gw can-i p1 publish");
    EXPECT_EQ(incomplete.exit_code, 2);
    EXPECT_EQ(incomplete.out, "");
    EXPECT_THAT(incomplete.error, HasSubstr("the topic to publish (weir can-i p1 publish OBJECT)"));
    const auto unknown = weir("-c my-gw can-i p9 connect");
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_THAT(unknown.error, HasSubstr("there is no device 'p9'"));
}

TEST_F(Cli, LeavesNoFiles_WhenADeviceCannotBeCreated) {
    ASSERT_EQ(weir("init my-gw").exit_code, 0);
    ASSERT_EQ(weir("-c my-gw devices create p1").exit_code, 0);
    const auto again = weir("-c my-gw devices create p1 --out other");
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.error, HasSubstr("there is a device of that name"));
    EXPECT_TRUE(!fs::exists(folder_ / "other") || fs::is_empty(folder_ / "other"));
    EXPECT_EQ(weir("-c my-gw devices create p2 --out p1").exit_code, 1) << "never overwrites";
    EXPECT_TRUE(fs::exists(folder_ / "p1/device.key"));
}

TEST_F(Cli, IsSilent_WhenItsReaderLeaves) {
    const auto piped = weir("explain --markdown | true");
    EXPECT_EQ(piped.exit_code, 0);
    EXPECT_EQ(piped.error, "");
}

}  // namespace
