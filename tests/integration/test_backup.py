"""Backup while devices publish, restore elsewhere, and checks of the data, as an operator does them."""
import json
import os
import pathlib
import tempfile
import threading
import unittest

from gateway import CONFIG, DEADLINE_S, Gateway, wait_for
from peers import V311, Client
from probe import WithProbe


class Backup(WithProbe):
    def setUp(self):
        super().setUp()
        elsewhere = tempfile.TemporaryDirectory(prefix="weir-backup-")
        self.addCleanup(elsewhere.cleanup)
        self.elsewhere = pathlib.Path(elsewhere.name)

    def publish(self, temp):
        self.probe.publish("data/probe-1/temp", {"temp": temp, "quality": "ok"}, qos=1)

    def test_a_backup_under_load_restores_what_was_acknowledged_before_it(self):
        self.gateway.device("keeper", policy="open", password="let me in")
        with Client("keeper", version=V311, clean=False, user="keeper", password="let me in") as keeper:
            keeper.connect(self.gateway.ports["plain"])
            keeper.subscribe("data/probe-1/temp", qos=1)
        self.gateway.wait_offline("keeper")
        self.probe.publish("data/probe-1/state", b"kept", qos=1, retain=True)
        for temp in range(100, 150):
            self.publish(temp)
        stop = threading.Event()

        def load():
            temp = 1000
            while not stop.is_set() and temp < 1900:  # A queue holds 1000.
                self.publish(temp)
                temp += 1

        loader = threading.Thread(target=load)
        loader.start()
        try:
            made = self.gateway.json("backup", str(self.elsewhere / "backups"))
        finally:
            stop.set()
            loader.join()
        self.assertEqual(made["id"], 1)
        restored = self.elsewhere / "gateway/data"
        self.gateway.cli("restore", str(self.elsewhere / "backups"), "--data", str(restored))
        self.assertEqual(self.gateway.json("verify", "--data", str(restored))["problems"], [])
        with Gateway(keep=self.elsewhere / "gateway") as other:
            temps = [json.loads(record["payload"])["temp"] if isinstance(record["payload"], str) else record["payload"]["temp"]
                     for record in other.stream("alarms")]
            self.assertEqual(temps[:50], list(range(100, 150)))
            self.assertEqual(temps[50:], list(range(1000, 1000 + len(temps) - 50)), "in order, without a gap")
            self.assertEqual(sorted(device["name"] for device in other.json("devices", "list")), ["keeper", "probe-1"])
            session, = other.api("/v1/sessions?name=keeper")["sessions"]
            queued = session["queued"]["now"]
            self.assertGreaterEqual(queued, 50)
            with Client("keeper", version=V311, clean=False, user="keeper", password="let me in") as keeper:
                keeper.connect(other.ports["plain"])
                got = [json.loads(keeper.receive().payload)["temp"] for _ in range(queued)]
                self.assertEqual(got[:50], list(range(100, 150)))
                self.assertEqual(got[50:], list(range(1000, 1000 + queued - 50)), "in order, without a gap")
                keeper.subscribe("data/probe-1/state")
                self.assertEqual(keeper.receive().payload, b"kept")

    def test_a_backup_takes_no_more_of_the_disk_than_it_is_told(self):
        for rate in ("64KiB", "20MiB", "unlimited"):
            self.gateway.cli("backup", str(self.elsewhere / rate), "--rate", rate)
        wrong = self.gateway.cli("backup", str(self.elsewhere / "slow"), "--rate", "1B", check=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'1B' is not a size of 64KiB or more", wrong.stderr)

    def test_a_backup_tells_that_it_waits_for_another_one_and_for_how_long(self):
        for n in range(4):
            self.probe.publish(f"data/probe-1/large/{n}", os.urandom(100_000), qos=1, retain=True)
        slow, _ = self.gateway.run_beside(self, "backup", str(self.elsewhere / "slow"), "--rate", "64KiB")
        wait_for("a backup to begin", (self.elsewhere / "slow/private").exists)
        late = self.gateway.cli("backup", str(self.elsewhere / "late"), "--wait", "1s", check=False)
        self.assertEqual(late.returncode, 1)
        self.assertRegex(late.stderr, r"another backup has been under way for \d+ s; this one follows it, or gives up after 1s")
        patient = self.gateway.cli("backup", str(self.elsewhere / "patient"))
        self.assertEqual(slow.wait(DEADLINE_S), 0)
        self.assertIn("backup 1: ", patient.stdout)

    def test_old_backups_go_when_so_many_are_kept(self):
        for _ in range(3):
            self.publish(90)
            made = self.gateway.json("backup", str(self.elsewhere), "--keep", "2")
        self.assertEqual(made["id"], 3)
        done = self.gateway.cli("restore", str(self.elsewhere), "--id", "1", "--data", str(self.elsewhere / "data"), check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_a_restore_never_overwrites_data(self):
        self.gateway.json("backup", str(self.elsewhere / "backups"))
        done = self.gateway.cli("restore", str(self.elsewhere / "backups"), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.publish(90)
        self.assertEqual(len(self.gateway.stream("alarms")), 1)

    def test_verify_looks_at_everything_while_the_gateway_runs(self):
        self.publish(90)
        report = self.gateway.json("verify")
        self.assertEqual(report["problems"], [])
        self.assertGreater(report["records"], 0)

    def test_storage_tells_what_there_is_and_compacts(self):
        self.publish(90)
        names = [family["name"] for family in self.gateway.json("storage", "stat")]
        self.assertIn("streams", names)
        self.gateway.cli("storage", "compact")
        self.assertEqual(len(self.gateway.stream("alarms")), 1)

    def test_backups_by_the_clock_are_made_and_told(self):
        config = CONFIG.replace("{path: data}", f"{{path: data, backup: {{path: {self.elsewhere}/nightly, every: 24h, keep: 2}}}}")
        self.publish(90)
        self.gateway.write("weir.yaml", config % {"shards": 2})
        self.gateway.cli("reload")
        status = wait_for("a backup", lambda: (s := self.gateway.json("status")["storage"]["backup"]) and "newest_ms" in s and s)
        self.assertEqual(status["error"], "")
        self.assertIn("nightly", self.gateway.cli("status").stdout)
        self.assertEqual(self.gateway.metric("weir_backup_failed"), 0)
        self.assertGreater(self.gateway.metric("weir_backup_last_success_timestamp_seconds"), 1.7e9)
        self.gateway.cli("restore", str(self.elsewhere / "nightly"), "--data", str(self.elsewhere / "data"))
        self.assertEqual(self.gateway.json("verify", "--data", str(self.elsewhere / "data"))["problems"], [])

    def test_upgrade_tells_in_which_formats_a_directory_is(self):
        self.publish(90)
        self.gateway.stop()
        told = self.gateway.json("storage", "upgrade", "--check")
        self.assertEqual(told["schema"], told["schema_here"])
        self.assertIn({"family": "streams", "version": 1}, [{k: row[k] for k in ("family", "version")} for row in told["records"]])


if __name__ == "__main__":
    unittest.main()
