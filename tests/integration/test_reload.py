"""Reload: all or nothing, without a disconnect, and felt by live sessions at once."""
import signal
import unittest

from gateway import DEADLINE_S, POLICIES
from peers import Client
from probe import WithProbe


class Reload(WithProbe):
    def hot(self):
        self.probe.publish("data/probe-1/temp", {"temp": 90, "quality": "ok"}, qos=1)
        return len(self.gateway.stream("alarms"))

    def test_an_edited_rule_takes_effect_without_a_disconnect(self):
        self.assertEqual(self.hot(), 1)
        self.gateway.write("rules.d/hot.sql", "---\nto: [{stream: alarms}]\n---\nSELECT temp FROM 'data/+/temp' WHERE temp > 95\n")
        self.gateway.cli("reload")
        self.assertEqual(self.hot(), 1, "90 is not over 95")
        self.assertTrue(self.probe.disconnects.empty())

    def test_a_broken_file_changes_nothing_and_is_told(self):
        self.gateway.write("rules.d/hot.sql", "---\nto: [{stream: alarms}]\n---\nSELECT temp FROM\n")
        self.gateway.write("policies.d/sensor.yaml", "policy: sensor\nallow: []\ndenny: []\n")
        done = self.gateway.cli("reload", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("rules.d/hot.sql:", done.stdout + done.stderr)
        self.assertIn("policies.d/sensor.yaml:3", done.stdout + done.stderr)
        self.assertEqual(self.hot(), 1)
        self.assertEqual(self.gateway.metric("weir_config_last_reload_success"), 0)
        self.assertTrue(self.probe.disconnects.empty())

    def test_sighup_reloads_too(self):
        self.gateway.write("rules.d/hot.sql", "---\nto: [{stream: alarms}]\n---\nSELECT temp FROM 'data/+/temp' WHERE temp > 95\n")
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_event("reloaded")
        self.assertEqual(self.hot(), 0)

    def test_a_withdrawn_right_ends_live_subscriptions_and_sessions(self):
        self.probe.subscribe("cmd/probe-1/#", 1)
        self.gateway.write("policies.d/sensor.yaml", POLICIES["sensor.yaml"].replace('"cmd/{thing}/#", ', ""))
        self.gateway.cli("reload")
        publisher = Client("admin", user="admin", password="secret-1")
        self.addCleanup(publisher.close)
        self.gateway.device("admin", policy="open", password="secret-1")
        publisher.connect(self.gateway.ports["plain"])
        publisher.publish("cmd/probe-1/reset", b"1", qos=1)
        self.probe.nothing_before("data/probe-1/mark")
        self.gateway.write("policies.d/sensor.yaml", "policy: sensor\n")
        self.gateway.cli("reload")
        code, _ = self.probe.disconnects.get(timeout=DEADLINE_S)
        self.assertNotEqual(code, 0)
        reasons = [entry["reason"] for entry in self.gateway.json("why", "probe-1")["decisions"]]
        self.assertIn("policy_changed", reasons)

    def test_a_disabled_device_is_disconnected(self):
        self.gateway.cli("devices", "disable", "probe-1")
        code, _ = self.probe.disconnects.get(timeout=DEADLINE_S)
        self.assertNotEqual(code, 0)
        again = Client("probe-1", folder=self.folder)
        self.addCleanup(again.close)
        _, code, _ = again.connect(self.gateway.ports["front"])
        self.assertEqual(code.value, 0x87)

    def test_certificates_rotate_without_a_disconnect(self):
        certs = self.gateway.home / "certs"
        before = (certs / "weir.crt").read_text()
        self.gateway.cli("cert", "issue", "--ca", str(certs), "--server", "--name", "weir", "--dns", "localhost",
                         "--ip", "127.0.0.1", "--out", str(certs), "--force")
        self.assertNotEqual(before, (certs / "weir.crt").read_text())
        self.gateway.cli("reload")
        self.probe.nothing_before("data/probe-1/mark")
        import ssl
        shown = ssl.get_server_certificate(("127.0.0.1", self.gateway.ports["front"]))
        self.assertEqual(shown.split(), (certs / "weir.crt").read_text().split("-----END CERTIFICATE-----")[0].split()
                         + ["-----END", "CERTIFICATE-----"])

    def test_a_setting_that_needs_a_restart_is_named_until_it_is_as_at_the_start(self):
        text = (self.gateway.home / "weir.yaml").read_text()
        self.gateway.write("weir.yaml", text.replace("name: plain", "name: other"))
        for _ in range(2):
            self.assertIn("restart needed for: listeners", self.gateway.cli("reload").stdout)
            self.assertIn("restart needed for: listeners", self.gateway.cli("status").stdout)
        self.assertEqual(self.gateway.api("/v1/status")["needs_restart"], ["listeners"])
        self.gateway.write("weir.yaml", text)
        self.assertEqual(self.gateway.cli("reload").stdout, "reloaded\n")
        self.assertNotIn("restart needed", self.gateway.cli("status").stdout)

    def test_the_status_tells_the_durability_that_acknowledgements_have(self):
        text = (self.gateway.home / "weir.yaml").read_text()
        self.assertIn("durability fsync", self.gateway.cli("status").stdout)
        self.gateway.write("weir.yaml", text.replace("{path: data}", "{path: data, durability: wal}"))
        self.assertIn("restart needed for: storage", self.gateway.cli("reload").stdout)
        self.assertIn("durability fsync", self.gateway.cli("status").stdout)
        self.assertEqual(self.gateway.metric("weir_storage_relaxed"), 0)
        self.gateway.stop()
        self.gateway.start()
        self.assertIn("durability wal", self.gateway.cli("status").stdout)
        self.assertEqual(self.gateway.metric("weir_storage_relaxed"), 1)

    def test_policies_that_are_gone_are_named_with_what_that_did(self):
        for name in POLICIES:
            (self.gateway.home / "policies.d" / name).unlink()
        checked = self.gateway.cli("check")
        self.assertIn("there is no policy: no device can connect", checked.stderr)
        self.assertIn("the policy 'sensor' is attached to 1 device and defined in no file", checked.stderr)
        told = self.gateway.cli("reload").stdout
        self.assertIn("policies that are gone: open, sensor\n", told)
        self.assertIn("policy sensor is attached to 1 device and defined in no file\n", told)
        self.assertIn("1 session ended", told)
        self.gateway.wait_event("policy_missing")
        code, _ = self.probe.disconnects.get(timeout=DEADLINE_S)
        self.assertNotEqual(code, 0)

    def test_a_certificate_out_of_order_changes_nothing_and_is_told(self):
        (self.gateway.home / "certs/weir.key").write_text("garbage")
        done = self.gateway.cli("reload", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("listener 'front': key: not an unencrypted PEM key\n  --> weir.yaml:7:", done.stderr)
        self.assertNotIn("error:", done.stderr.replace("error[WEIR", ""))
        self.assertEqual(self.hot(), 1)


if __name__ == "__main__":
    unittest.main()
